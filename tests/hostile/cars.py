"""Content of IPFS as a stranger would make it: DAGs that are whole and hashed rightly, and hostile all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chain.cid import Codec
from chain.protobuf import field, varint
from chain.unixfs import DIRECTORY, FILE, Link
from tests.unit.chain.dags import Dag


@dataclass(frozen=True, slots=True)
class Content:
    """A DAG.

    Args:
        make: puts its blocks into a `Dag`; its root.
        told: a pattern of the refusal.
    """

    make: Callable[[Dag], Link]
    told: str


def named(*names: str) -> Callable[[Dag], Link]:
    """A folder whose entries have these names."""
    return lambda dag: dag.named([(name, dag.raw(b"1")) for name in names])


def node(*parts: bytes) -> Callable[[Dag], Link]:
    """A folder with one entry, a node with this data."""
    return lambda dag: dag.folder(a=dag.node((), b"".join(parts)))


def block(data: bytes) -> Callable[[Dag], Link]:
    """A dag-pb block that is anything."""
    return lambda dag: dag.keep(Codec.DAG_PB, data)


def linked(hashed: bytes, name: bytes = b"a") -> Callable[[Dag], Link]:
    """A folder with a link that is anything."""
    link = field(1, hashed) + field(2, name) + field(3, 1)
    return block(field(2, link) + field(1, field(1, DIRECTORY)))


def a_name_that_is_not_text(dag: Dag) -> Link:
    return linked(bytes(dag.raw(b"1").cid), b"\xff\xfe")(dag)


def deep(dag: Dag, depth: int = 40) -> Link:
    link = dag.folder()
    for _ in range(depth):
        link = dag.folder(a=link)
    return link


def very_deep(dag: Dag) -> Link:
    return deep(dag, 3_000)


def deep_file(dag: Dag) -> Link:
    link = dag.raw(b"")
    for _ in range(1_000):
        link = dag.file([link], [0], 0)
    return dag.folder(a=link)


def doubling(dag: Dag) -> Link:
    """Two to the fourteenth folders in fourteen blocks."""
    link = dag.folder()
    for _ in range(14):
        link = dag.folder(a=link, b=link)
    return link


def doubling_file(dag: Dag) -> Link:
    """A file of pebibytes in seven blocks."""
    link, size = dag.raw(bytes(1_000)), 1_000
    for _ in range(6):
        link, size = dag.file([link] * 174, [size] * 174, size * 174), size * 174
    return dag.folder(a=link)


def nothing_many_times(dag: Dag) -> Link:
    link = dag.raw(b"")
    for _ in range(6):
        link = dag.file([link] * 174, [0] * 174, 0)
    return dag.folder(a=link)


def fan_out(dag: Dag) -> Link:
    """A block that links to more than anybody has."""
    links = [Link(Dag().raw(b"%d" % n).cid, 1, f"f{n}") for n in range(40_000)]
    return dag.node(links[:40_000], field(1, DIRECTORY))


def many_files(dag: Dag) -> Link:
    leaf = dag.raw(b"")
    return dag.folder(
        **{f"d{n}": dag.named([(f"f{m}", leaf) for m in range(1_000)]) for n in range(11)}
    )


def an_unknown_field(dag: Dag) -> Link:
    return block(field(7, b"x") + field(1, field(1, DIRECTORY)))(dag)


ADD_UP, KIND, MALFORMED = "add up", "not read", "malformed"
CONTENTS: dict[str, Content] = {
    "no name": Content(named(""), "leads elsewhere"),
    "a dot": Content(named("."), "leads elsewhere"),
    "climbs": Content(named(".."), "leads elsewhere"),
    "climbs further": Content(named("../x"), "leads elsewhere"),
    "a path": Content(named("a/b"), "leads elsewhere"),
    "absolute": Content(named("/etc"), "leads elsewhere"),
    "three dots": Content(named("..."), "leads elsewhere"),
    "backslash": Content(named("..\\x"), "backslash"),
    "NUL": Content(named("a\0b"), "not text"),
    "a line break": Content(named("a\nb"), "not text"),
    "escape codes": Content(named("\x1b[2J"), "not text"),
    "told backwards": Content(named("a\u202eb"), "not text"),
    "a line's end": Content(named("\u2028"), "not text"),
    "a long name": Content(named("n" * 256), "over 255"),
    "a name that is not UTF-8": Content(a_name_that_is_not_text, "not UTF-8"),
    "twice": Content(named("a", "a"), "the same on some"),
    "case twins": Content(named("Makefile", "makefile"), "the same on some"),
    "accent twins": Content(named("\u00e9", "e\u0301"), "the same on some"),
    "width twins": Content(named("ab", "a\u200bb"), "the same on some"),
    "a symbolic link": Content(node(field(1, 4), field(2, b"/etc/passwd")), "symbolic link"),
    "a shard": Content(node(field(1, 5)), "sharded"),
    "metadata": Content(node(field(1, 3)), KIND),
    "a kind that nobody knows": Content(node(field(1, 99)), KIND),
    "a kind without end": Content(node(field(1, 2**63)), KIND),
    "no kind": Content(node(field(3, 1)), KIND),
    "no data": Content(block(b""), KIND),
    "a wrong total": Content(lambda dag: dag.folder(a=dag.file([dag.raw(b"12")], [2], 3)), ADD_UP),
    "a wrong part": Content(lambda dag: dag.folder(a=dag.file([dag.raw(b"12")], [3], 3)), ADD_UP),
    "no sizes": Content(lambda dag: dag.folder(a=dag.file([dag.raw(b"12")], [], 0)), ADD_UP),
    "sizes without parts": Content(lambda dag: dag.folder(a=dag.file([], [5], 5)), ADD_UP),
    "a size of exbibytes": Content(node(field(1, FILE), field(3, 2**64 - 1)), ADD_UP),
    "a folder in a file": Content(
        lambda dag: dag.folder(a=dag.file([dag.folder()], [0], 0)), "not a file"
    ),
    "a file for a folder": Content(lambda dag: dag.raw(b"file"), "not a folder"),
    "junk": Content(block(b"\xff" * 40), MALFORMED),
    "a length without end": Content(block(b"\x12" + b"\xff" * 9 + b"\x7f"), MALFORMED),
    "a length beyond the end": Content(block(b"\x12" + varint(10**6) + b"x"), MALFORMED),
    "a fixed number": Content(block(b"\x0d\0\0\0\0"), MALFORMED + "|unknown"),
    "an unknown field": Content(an_unknown_field, "unknown field"),
    "a number for data": Content(block(field(1, 5)), "unknown field"),
    "a link to nothing": Content(linked(b""), "not a CID"),
    "a link of another hash": Content(linked(b"\x01\x55\x13\x40" + bytes(64)), "not a CID"),
    "a link that holds its own": Content(linked(b"\x01\x55\x00\x05hello"), "not a CID"),
    "a link of another kind": Content(linked(b"\x01\x71\x12\x20" + bytes(32)), "not a CID"),
    "a link of version 2": Content(linked(b"\x02\x55\x12\x20" + bytes(32)), "not a CID"),
    "deep": Content(deep, "deep"),
    "very deep": Content(very_deep, "deep"),
    "a file that is deep": Content(deep_file, "not a file"),
    "folders that double": Content(doubling, "More than|deep"),
    "a file that doubles": Content(doubling_file, "A file over|in all|blocks"),
    "nothing, many times": Content(nothing_many_times, "blocks"),
    "many files": Content(many_files, "More than 1000"),
}
ABSENT: dict[str, Content] = {  # of which not all can be there
    "a fan of links": Content(fan_out, "did not come|More than|missing|Nobody had"),
    "a link to what is not there": Content(
        linked(b"\x01\x55\x12\x20" + bytes(32)), "did not come|missing|Nobody had"
    ),
}
