"""Small folders, and DAGs and archives as a hostile stranger would make them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

from chain.car import header, section
from chain.cid import CidBytes, Codec, cid_of
from chain.protobuf import field
from chain.unixfs import DIRECTORY, FILE, Link, encode

SHAPES: dict[str, dict[str, bytes | None]] = {
    "one file": {"main.py": b"print(1)\n"},
    "nothing": {},
    "an empty file": {"empty": b""},
    "one byte": {"one": b"x"},
    "exactly a chunk": {"chunk": b"c" * 262_144},
    "a chunk and a byte": {"more": b"c" * 262_145},
    "several MB": {"large": bytes(range(256)) * 4096 * 5},
    "more chunks than a node's links": {"two levels": b"w" * (262_144 * 175)},
    "names of many tongues": {
        "ünï code": b"1",
        "日本語": b"2",
        "a b+c%20.txt": b"3",
        ".hidden": b"4",
    },
    "folders in folders": {"a/b/c/d/e": b"deep", "a/b/f": b"less", "a/g": b"least", "a.b": b"near"},
    "an empty folder": {"empty/": None, "full/file": b"1"},
    "many files": {f"file-{n:04}": str(n).encode() for n in range(300)},
    "the same file twice": {"x": b"same" * 100_000, "y": b"same" * 100_000},
    "a program": {"run.sh": b"#!/bin/sh\necho hi\n", "data": b"plain"},
}


def make_folder(folder: Path, files: dict[str, bytes | None]) -> Path:
    """Write files; a name that ends in a slash is a folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        place = folder / name
        if content is None:
            place.mkdir(parents=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return folder


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same."""
    return listing(one) == listing(other)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every path in a folder and its content."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


class Dag:
    """Blocks put together by hand."""

    def __init__(self) -> None:
        self.blocks: dict[CidBytes, bytes] = {}

    def raw(self, data: bytes) -> Link:
        """A leaf."""
        return self.keep(Codec.RAW, data)

    def node(self, links: Iterable[Link], data: bytes) -> Link:
        """A dag-pb block."""
        return self.keep(Codec.DAG_PB, encode(links, data))

    def folder(self, **entries: Link) -> Link:
        """A folder of these names."""
        return self.named(list(entries.items()))

    def named(self, entries: list[tuple[str, Link]]) -> Link:
        """A folder of these names, any of them, in this order."""
        links = [Link(link.cid, link.total, name) for name, link in entries]
        return self.node(links, field(1, DIRECTORY))

    def file(self, parts: list[Link], sizes: list[int], size: int) -> Link:
        """A file that says these sizes."""
        said = b"".join(field(4, one) for one in sizes)
        return self.node(parts, field(1, FILE) + field(3, size) + said)

    def car(self, root: Link) -> bytes:
        """All blocks as CAR, the last made first."""
        parts = [section(cid, block) for cid, block in reversed(self.blocks.items())]
        return header(root.cid) + b"".join(parts)

    def keep(self, codec: Codec, block: bytes) -> Link:
        """Any block."""
        cid = cid_of(block, codec)
        self.blocks.pop(cid, None)
        self.blocks[cid] = block
        return Link(cid, len(block))


def a_tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(
    name: str, content: bytes = b"", change: Callable[[tarfile.TarInfo], object] = lambda info: None
) -> tuple[tarfile.TarInfo, bytes]:
    """A member of an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    change(info)
    return info, content
