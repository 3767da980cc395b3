"""The commands of Kubo's RPC that `ipfshttpclient` uses, each a function of the store.

Answers are Kubo's, field by field. What is not supported is refused, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from chain import tar
from chain.cid import CidBytes, Codec, cid_bytes, cid_of, cid_text
from chain.content.ask import Ask
from chain.content.store import Store, read_chunks
from chain.errors import InvalidInput, NotFound
from chain.folder import PathParts
from chain.unixfs import DIRECTORY, Format, Link, Node, add_file, add_tree

_MAX_DEPTH = 100
KUBO_VERSION = "0.22.0"  # whose answers these are


Answer = dict[str, object] | list[dict[str, object]] | Iterator[bytes] | bytes
Command = Callable[[Store, Ask], Answer]


def version(store: Store, ask: Ask) -> Answer:
    """What the store says it is."""
    return {"Version": KUBO_VERSION, "Commit": "", "Repo": "14", "System": "draas", "Golang": ""}


def identity(store: Store, ask: Ask) -> Answer:
    """Who it is: nobody on the network."""
    return {
        "ID": "",  # not a peer of the network
        "PublicKey": "",
        "Addresses": [],
        "AgentVersion": "draas content store",
        "ProtocolVersion": "",
        "Protocols": [],
    }


def add(store: Store, ask: Ask) -> Answer:
    """Files and folders, cut and kept as Kubo does."""
    ask.refuse(
        trickle=("false",),
        nocopy=("false",),
        fscache=("false",),
        inline=("false",),
        chunker=("size-262144",),
        hash=("sha2-256",),
        cid_version=("0", "1"),
    )
    version_asked = ask.number("cid-version", 0)
    form = Format(version_asked, ask.flag("raw-leaves", version_asked == 1))
    put = _forget if ask.flag("only-hash") else store.blocks.put
    paths: dict[PathParts, Link | None] = {}
    for part in ask.parts():
        if part.path in paths or (part.is_folder and not part.path):
            raise InvalidInput(f"two files are called {'/'.join(part.path)!a}")
        paths[part.path] = None if part.is_folder else add_file(part.body, put, form)
    if not paths:
        raise InvalidInput("argument 'path' is required")
    if ask.flag("wrap-with-directory"):
        paths = {path or _own_name(link): link for path, link in paths.items()} | {(): None}
    made = add_tree(paths, put, form)
    if ask.flag("pin", default=True) and not ask.flag("only-hash"):
        for path in [()] if () in made else [path for path in made if len(path) == 1]:
            store.blocks.pin(made[path].cid)
    return [
        {
            "Name": "/".join(path or _own_name(paths[()])),
            "Hash": cid_text(link.cid),
            "Size": str(link.total),
        }
        for path, link in made.items()
    ]


def _own_name(link: Link | None) -> PathParts:
    """What a file without a name is called; nothing for the folder around all."""
    return (cid_text(link.cid),) if link else ()


def _forget(cid: CidBytes, block: bytes) -> None:
    """Only the CID is wanted."""


def cat(store: Store, ask: Ask) -> Answer:
    """A file."""
    _, node = store.resolve(ask.arg())
    if node.kind == DIRECTORY:
        raise InvalidInput("this dag node is a directory")
    left = ask.number("length", -1)
    return _slice(store.walk().file(node), ask.number("offset", 0), left if left >= 0 else 2**63)


def _slice(chunks: Iterator[bytes], skip: int, left: int) -> Iterator[bytes]:
    for chunk in chunks:
        piece = chunk[skip:][:left]
        skip = max(0, skip - len(chunk))
        left -= len(piece)
        if piece:
            yield piece
        if left <= 0:
            return


def get(store: Store, ask: Ask) -> Answer:
    """A file or folder as tar."""
    ask.refuse(compress=("false",))
    cid, node = store.resolve(ask.arg())
    return _tar(store, (cid_text(cid),), node)


def _tar(store: Store, path: PathParts, node: Node) -> Iterator[bytes]:
    yield from _tar_members(store, path, node)
    yield tar.END


def _tar_members(store: Store, path: PathParts, node: Node) -> Iterator[bytes]:
    if len(path) > _MAX_DEPTH:
        raise InvalidInput(f"folders more than {_MAX_DEPTH} deep")
    if node.kind == DIRECTORY:
        yield tar.header(path, None)
        for link in node.links:
            yield from _tar_members(store, (*path, link.name), store.walk().node(link.cid))
    else:
        yield tar.header(path, node.size)
        yield from store.walk().file(node)
        yield tar.padding(node.size)


def ls(store: Store, ask: Ask) -> Answer:
    """What is in a folder."""
    cid, node = store.resolve(ask.arg())
    links = []
    for link in node.links if node.kind == DIRECTORY else ():
        below = store.walk().node(link.cid)
        kind = 1 if below.kind == DIRECTORY else 2
        about = {"Name": link.name, "Hash": cid_text(link.cid), "Size": below.size}
        links.append(about | {"Type": kind, "Target": ""})
    return {"Objects": [{"Hash": cid_text(cid), "Links": links}]}


def pin_add(store: Store, ask: Ask) -> Answer:
    """Have all of a DAG and keep it."""
    ask.refuse(recursive=("true",))
    cid, _ = store.resolve(ask.arg())
    before = cid in store.blocks.pins()
    store.blocks.pin(cid)
    try:
        store.ensure(cid)  # what was looked at before it was pinned may be gone by now
    except NotFound:
        if not before:
            store.blocks.unpin(cid)
        raise
    return {"Pins": [cid_text(cid)]}


def pin_rm(store: Store, ask: Ask) -> Answer:
    """Keep it no longer."""
    cid = cid_bytes(ask.arg().removeprefix("/ipfs/"))
    if not store.blocks.unpin(cid):
        raise NotFound("not pinned or pinned indirectly")
    return {"Pins": [cid_text(cid)]}


def pin_ls(store: Store, ask: Ask) -> Answer:
    """What is kept."""
    ask.refuse(type=("all", "recursive"))
    pins = store.blocks.pins()
    if ask.args:
        asked = cid_bytes(ask.arg().removeprefix("/ipfs/"))
        if asked not in pins:
            raise NotFound(f"path '{cid_text(asked)}' is not pinned")
        pins = [asked]
    return {"Keys": {cid_text(cid): {"Type": "recursive"} for cid in pins}}


def block_get(store: Store, ask: Ask) -> Answer:
    """One block."""
    cid = cid_bytes(ask.arg().removeprefix("/ipfs/"))
    if not store.blocks.has(cid):
        store.ensure(cid)
    return store.blocks.get(cid)


def block_stat(store: Store, ask: Ask) -> Answer:
    """Its size."""
    block = block_get(store, ask)
    return {"Key": ask.arg(), "Size": len(block) if isinstance(block, bytes) else 0}


def block_put(store: Store, ask: Ask) -> Answer:
    """Blocks, named by their bytes."""
    ask.refuse(mhtype=("sha2-256",), mhlen=("-1", "32"), cid_codec=("raw", "dag-pb"))
    codec = Codec.DAG_PB if ask.options.get("cid-codec") == "dag-pb" else Codec.RAW
    made: list[dict[str, object]] = []
    for part in ask.parts():
        block = part.body.read()
        cid = cid_of(block, codec)
        store.blocks.put(cid, block)
        made.append({"Key": cid_text(cid), "Size": len(block)})
    return made


def dag_export(store: Store, ask: Ask) -> Answer:
    """A DAG as CAR."""
    cid = cid_bytes(ask.arg().removeprefix("/ipfs/"))
    store.ensure(cid)
    return store.blocks.car(cid)


def dag_import(store: Store, ask: Ask) -> Answer:
    """The DAG of a CAR."""
    made: list[dict[str, object]] = []
    for part in ask.parts():
        pins = ask.flag("pin-roots", default=True)
        root = store.import_car(read_chunks(part.body), at_once=pins)
        missing = store.blocks.missing(root) if pins else root
        if missing is None:
            store.blocks.pin(root)
        why = f"{cid_text(missing)} is missing" if missing and missing != root else ""
        made.append({"Root": {"Cid": {"/": cid_text(root)}, "PinErrorMsg": why}})
    return made


def repo_stat(store: Store, ask: Ask) -> Answer:
    """How much is here."""
    count, size = store.blocks.count()
    return {"NumObjects": count, "RepoSize": size, "StorageMax": 0, "RepoPath": "", "Version": "14"}


def lines(answers: list[dict[str, object]]) -> bytes:
    """JSON, one answer a line."""
    return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)


COMMANDS: dict[str, Command] = {
    "version": version,
    "id": identity,
    "add": add,
    "cat": cat,
    "get": get,
    "ls": ls,
    "pin/add": pin_add,
    "pin/rm": pin_rm,
    "pin/ls": pin_ls,
    "block/get": block_get,
    "block/stat": block_stat,
    "block/put": block_put,
    "dag/export": dag_export,
    "dag/import": dag_import,
    "repo/stat": repo_stat,
}
UPLOADS = {"add", "block/put", "dag/import"}
