"""UnixFS on dag-pb: files and folders as blocks, with the layout that Kubo gives by default.

Chunks of 256 KiB, balanced trees of at most 174 links, plain folders. Blocks go to a `Put` as they
are made, so no file is ever held in memory. See the dag-pb and UnixFS 1 specifications of IPLD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from chain.cid import CidBytes, Codec, checked, cid_of
from chain.errors import InvalidInput, TooLarge
from chain.protobuf import BYTES, VARINT, field, fields

CHUNK_BYTES = 256 * 1024
LINKS_PER_NODE = 174
MAX_BLOCK_BYTES = 2 * 1024 * 1024
PLAIN_FOLDER_BYTES = 256 * 1024  # of names and CIDs; Kubo shards above this
DIRECTORY, FILE = 1, 2
_RAW_DATA = 0  # a leaf's type in very old content
_READABLE = (_RAW_DATA, DIRECTORY, FILE)

Put = Callable[[CidBytes, bytes], object]


class Readable(Protocol):
    """What can be read piece by piece: a file, or one that is copied meanwhile."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Link:
    """A child of a node."""

    cid: CidBytes
    total: int  # bytes of all blocks below and with it (Tsize)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A dag-pb block read as UnixFS."""

    kind: int
    links: tuple[Link, ...]
    data: bytes
    size: int  # bytes of the file
    sizes: tuple[int, ...]  # bytes of the file below each link


@dataclass(frozen=True, slots=True)
class Format:
    """How files are written; the defaults are the only ones that bundles and results use."""

    version: int = 1
    raw_leaves: bool = True
    chunk_bytes: int = CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class _Part:
    cid: CidBytes
    total: int
    size: int


def add_file(file: Readable, put: Put, form: Format = Format()) -> Link:
    """Cut a file into blocks.

    Returns:
        its root, without a name.
    """
    levels: list[list[_Part]] = [[]]
    for chunk in _chunks(file, form.chunk_bytes):
        _append(levels, 0, _leaf(chunk, put, form), put, form)
    for level, parts in enumerate(levels):
        if level == len(levels) - 1 and len(parts) == 1:
            return Link(parts[0].cid, parts[0].total)
        _append(levels, level + 1, _join(parts, put, form), put, form)
    raise AssertionError("a file has a root")


def add_folder(entries: Iterable[Link], put: Put, form: Format = Format()) -> Link:
    """Make a folder of named links.

    Raises:
        TooLarge: so many entries that Kubo would shard it.
    """
    links = sorted(entries, key=lambda link: link.name.encode())
    if sum(len(link.name.encode()) + len(link.cid) for link in links) > PLAIN_FOLDER_BYTES:
        raise TooLarge(
            f"A folder has {len(links)} entries, more than fit in one block.",
            "Spread them over subfolders of at most 1,000.",
        )
    block = encode(links, field(1, DIRECTORY))
    return _put(block, Codec.DAG_PB, sum(link.total for link in links), put, form)


def add_tree(
    files: Mapping[tuple[str, ...], Link | None], put: Put, form: Format = Format()
) -> dict[tuple[str, ...], Link]:
    """Make the folders of a tree, nested ones first.

    Args:
        files: path → the file's root, or None for a folder; parents may be left out. The empty path
            is the folder that holds all.

    Returns:
        the root of every path.
    """
    wanted = dict(files)
    for path in files:
        wanted |= {path[:depth]: None for depth in range(1, len(path)) if path[:depth] not in files}
    inside: dict[tuple[str, ...], list[Link]] = {path: [] for path in wanted}
    made: dict[tuple[str, ...], Link] = {}
    for path in sorted(wanted, key=len, reverse=True):
        made[path] = wanted[path] or add_folder(inside[path], put, form)
        if path:
            inside.setdefault(path[:-1], []).append(
                Link(made[path].cid, made[path].total, path[-1])
            )
    return made


def encode(links: Iterable[Link], data: bytes) -> bytes:
    """A dag-pb block; links come first, as in every implementation."""
    packed = (
        field(1, bytes(link.cid)) + field(2, link.name.encode()) + field(3, link.total)
        for link in links
    )
    return b"".join(field(2, one) for one in packed) + field(1, data)


def decode(block: bytes) -> Node:
    """Read a dag-pb block.

    Raises:
        InvalidInput: not dag-pb, or a kind of UnixFS node that is not read: links, shards, metadata.
    """
    links: list[Link] = []
    data = b""
    for number, kind, value in fields(block):
        if kind != BYTES or number not in (1, 2) or not isinstance(value, bytes):
            raise InvalidInput(f"A dag-pb block has an unknown field {number}.")
        if number == 1:
            data = value
        else:
            links.append(_link(value))
    return _node(tuple(links), data)


def _link(data: bytes) -> Link:
    found = {number: value for number, _, value in fields(data)}
    hashed, name, total = found.get(1), found.get(2, b""), found.get(3, 0)
    if not isinstance(hashed, bytes) or not isinstance(name, bytes) or not isinstance(total, int):
        raise InvalidInput("A dag-pb link is malformed.")
    try:
        return Link(checked(hashed), total, name.decode())
    except UnicodeDecodeError as error:
        raise InvalidInput("A name in a folder is not UTF-8.") from error


def _node(links: tuple[Link, ...], data: bytes) -> Node:
    kind, content, size = -1, b"", 0
    sizes: list[int] = []
    for number, wire, value in fields(data):
        if number == 2 and isinstance(value, bytes):
            content = value
        elif isinstance(value, bytes) or wire != VARINT:
            continue  # modification time: not kept
        elif number == 1:
            kind = value
        elif number == 3:
            size = value
        elif number == 4:
            sizes.append(value)
    if kind not in _READABLE:
        what = {4: "a symbolic link", 5: "a sharded folder"}.get(kind, f"a node of type {kind}")
        raise InvalidInput(f"The content has {what}, which is not read.", "Use files and folders.")
    return Node(kind, links, content, size, tuple(sizes))


def _chunks(file: Readable, size: int) -> Iterable[bytes]:
    chunk = _exactly(file, size)
    yield chunk  # an empty file is one empty block
    while len(chunk) == size and (chunk := _exactly(file, size)):
        yield chunk


def _exactly(file: Readable, wanted: int) -> bytes:
    data = file.read(wanted)
    while 0 < len(data) < wanted and (more := file.read(wanted - len(data))):
        data += more
    return data


def _leaf(chunk: bytes, put: Put, form: Format) -> _Part:
    if form.raw_leaves:
        link = _put(chunk, Codec.RAW, 0, put, form)
    else:
        data = field(1, FILE) + (field(2, chunk) if chunk else b"") + field(3, len(chunk))
        link = _put(encode((), data), Codec.DAG_PB, 0, put, form)
    return _Part(link.cid, link.total, len(chunk))


def _append(levels: list[list[_Part]], level: int, part: _Part, put: Put, form: Format) -> None:
    """Add a part to a level; a full level becomes one part of the next only when more comes."""
    if level == len(levels):
        levels.append([])
    if len(levels[level]) == LINKS_PER_NODE:
        _append(levels, level + 1, _join(levels[level], put, form), put, form)
        levels[level] = []
    levels[level].append(part)


def _join(parts: list[_Part], put: Put, form: Format) -> _Part:
    size = sum(part.size for part in parts)
    data = field(1, FILE) + field(3, size) + b"".join(field(4, part.size) for part in parts)
    block = encode((Link(part.cid, part.total) for part in parts), data)
    link = _put(block, Codec.DAG_PB, sum(part.total for part in parts), put, form)
    return _Part(link.cid, link.total, size)


def _put(block: bytes, codec: Codec, below: int, put: Put, form: Format) -> Link:
    version = 1 if codec is Codec.RAW else form.version
    cid = cid_of(block, codec, version)
    put(cid, block)
    return Link(cid, len(block) + below)
