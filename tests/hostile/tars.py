"""Tar archives of strangers, plain and compressed."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable

from tests.hostile.case import Case
from tests.unit.chain.dags import a_tar, member

MIB = 1024 * 1024
NAME, MODE, SIZE, TYPE, MAGIC, PREFIX = 0, 100, 124, 156, 257, 345  # places in a header
Change = Callable[[tarfile.TarInfo], object]

NOT_PLAIN = "neither a plain file"
ELSEWHERE = "leads elsewhere"
THE_SAME = "the same on some machines"


def kind(value: bytes, to: str = "/etc/passwd") -> Change:
    """A member of another kind, that points at a secret."""

    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = value, to

    return change


def pax(**headers: str) -> Change:
    """A member with extended headers."""
    return lambda info: setattr(info, "pax_headers", headers)


def mode(value: int) -> Change:
    """A member with these permissions."""
    return lambda info: setattr(info, "mode", value)


def of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> Case:
    """An archive that is taken up to its last members."""
    return Case(lambda: a_tar(member("before", b"fine"), *members, form=form))


def refused(told: str, *members: tuple[tarfile.TarInfo, bytes]) -> Case:
    """An archive whose first member is fine."""
    return Case(lambda: a_tar(member("before", b"fine"), *members), told)


def a_header(changes: dict[int, bytes], content: bytes = b"") -> bytes:
    """A member whose header has these bytes at these places, with a checksum that fits."""
    info = tarfile.TarInfo("a")
    info.size = len(content)
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    for at, value in changes.items():
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


def by_hand(told: str, *parts: bytes) -> Case:
    """Blocks, and an archive's end."""
    return Case(lambda: b"".join(parts) + bytes(1024), told)


def extended(body: bytes, flag: bytes = b"x") -> bytes:
    """An extended header with this body."""
    size = b"%011o\0" % len(body)
    return a_header({TYPE: flag, SIZE: size}) + body + bytes(-len(body) % 512)


def a_repeated(block: bytes, megabytes: int) -> bytes:
    """A compressed tar of one block over and over, made without its plain form."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = block * (MIB // len(block))
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


def gz(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Such an archive, compressed."""
    return gzip.compress(a_tar(*members), mtime=0)


def the_size_lies() -> bytes:
    """A header that says more than what follows it."""
    return a_header({SIZE: b"%011o\0" % 7_000}, b"1")


A = a_header({}, b"")
TARS: dict[str, Case] = {
    "climbs": refused(ELSEWHERE, member("../evil", b"1")),
    "climbs inside": refused(ELSEWHERE, member("a/../../evil", b"1")),
    "climbs and comes back": refused(ELSEWHERE, member("a/../b", b"1")),
    "ends in a climb": refused(ELSEWHERE, member("a/..", b"1")),
    "a folder that climbs": refused(ELSEWHERE, member("..", b"", kind(tarfile.DIRTYPE))),
    "climbs on Windows": refused("backslash", member("..\\evil", b"1")),
    "a path of Windows": refused("backslash", member("a\\b", b"1")),
    "a share of Windows": refused("absolute", member("\\\\host\\share", b"1")),
    "a drive": refused("absolute", member("C:/evil", b"1")),
    "a drive by its extended header": refused("absolute", member("a", b"1", pax(path="c:/evil"))),
    "a name of dots and a space": refused(ELSEWHERE, member(".. /evil", b"1")),
    "three dots": refused(ELSEWHERE, member("...", b"1")),
    "only a space": refused(ELSEWHERE, member("a/ /b", b"1")),
    "absolute": refused("absolute path", member("/etc/evil", b"1")),
    "absolute twice": refused("absolute path", member("//etc/evil", b"1")),
    "absolute after a dot": refused("elsewhere|absolute", member(".//etc/evil", b"1")),
    "absolute by its extended header": refused("absolute", member("a", b"1", pax(path="/evil"))),
    "climbs by its extended header": refused(ELSEWHERE, member("a", b"1", pax(path="../evil"))),
    "climbs by its prefix": by_hand(ELSEWHERE, a_header({PREFIX: b"../.."})),
    "climbs by a long name": by_hand(ELSEWHERE, extended(b"../evil\0", b"L"), A),
    "empty part": refused(ELSEWHERE, member("a//b", b"1")),
    "dot part": refused(ELSEWHERE, member("a/./b", b"1")),
    "no name": by_hand(NOT_PLAIN, a_header({NAME: b"\0"})),
    "unnamed": refused(NOT_PLAIN, member("./", b"1")),
    "symbolic link": refused(NOT_PLAIN, member("a", b"", kind(tarfile.SYMTYPE))),
    "symbolic link inside": refused(NOT_PLAIN, member("a", b"", kind(tarfile.SYMTYPE, "before"))),
    "hard link": refused(NOT_PLAIN, member("a", b"", kind(tarfile.LNKTYPE))),
    "hard link inside": refused(NOT_PLAIN, member("a", b"", kind(tarfile.LNKTYPE, "before"))),
    "link and through it": refused(
        NOT_PLAIN, member("a", b"", kind(tarfile.SYMTYPE, "/tmp")), member("a/b", b"1")
    ),
    "a long link": by_hand(NOT_PLAIN, extended(b"/etc/passwd\0", b"K"), A),
    "character device": refused(NOT_PLAIN, member("a", b"", kind(tarfile.CHRTYPE))),
    "block device": refused(NOT_PLAIN, member("a", b"", kind(tarfile.BLKTYPE))),
    "pipe": refused(NOT_PLAIN, member("a", b"", kind(tarfile.FIFOTYPE))),
    "contiguous": refused(NOT_PLAIN, member("a", b"", kind(tarfile.CONTTYPE))),
    "a kind of its own": by_hand(NOT_PLAIN, a_header({TYPE: b"Z"})),
    "a volume's label": by_hand(NOT_PLAIN, a_header({TYPE: b"V"})),
    "part of a volume": by_hand(NOT_PLAIN, a_header({TYPE: b"M"})),
    "Solaris' header": by_hand(NOT_PLAIN, a_header({TYPE: b"X"})),
    "sparse": refused(NOT_PLAIN, member("a", b"", kind(tarfile.GNUTYPE_SPARSE))),
    "sparse by extended header": refused(
        NOT_PLAIN, member("a", b"1", pax(**{"GNU.sparse.major": "1"}))
    ),
    "sparse of old": refused(NOT_PLAIN, member("a", b"1", pax(**{"GNU.sparse.size": "9" * 15}))),
    "set-user-id": refused("set-id", member("a", b"1", mode(0o4755))),
    "set-group-id": refused("set-id", member("a", b"1", mode(0o2755))),
    "both set-ids": refused("set-id", member("a", b"1", mode(0o6777))),
    "a folder with set-group-id": refused(
        "set-id", member("d", b"", lambda info: (kind(tarfile.DIRTYPE)(info), mode(0o2755)(info)))
    ),
    "twice": refused(THE_SAME, member("a", b"1"), member("a", b"2")),
    "a folder twice": refused(
        THE_SAME, *(member("d", b"", kind(tarfile.DIRTYPE)) for _ in range(2))
    ),
    "case twins": refused(THE_SAME, member("Makefile", b"1"), member("makefile", b"2")),
    "accent twins": refused(THE_SAME, member("\u00e9", b"1"), member("e\u0301", b"2")),
    "sharp s": refused(THE_SAME, member("stra\u00dfe", b"1"), member("STRASSE", b"2")),
    "a sign for Kelvin": refused(THE_SAME, member("K", b"1"), member("\u212a", b"2")),
    "dot twins": refused(THE_SAME, member("a", b"1"), member("a.", b"2")),
    "space twins": refused(THE_SAME, member("a", b"1"), member("a ", b"2")),
    "zero-width twins": refused(THE_SAME, member("a", b"1"), member("a\u200b", b"2")),
    "soft hyphen twins": refused(THE_SAME, member("ab", b"1"), member("a\u00adb", b"2")),
    "joiner twins": refused(THE_SAME, member("ab", b"1"), member("a\u200db", b"2")),
    "twin folders": refused(THE_SAME, member("A/x", b"1"), member("a/y", b"2")),
    "file and folder": refused(THE_SAME, member("a", b"1"), member("a/b", b"2")),
    "folder and file": refused(THE_SAME, member("a/b", b"1"), member("a", b"2")),
    "escape codes": refused("not text", member("\x1b[2Ja", b"1")),
    "a line break": refused("not text", member("a\nb", b"1")),
    "a bell": refused("not text", member("a\x07", b"1")),
    "a second half of controls": refused("not text", member("a\x9b2J", b"1")),
    "a name told backwards": refused("not text", member("a\u202egpj.exe", b"1")),
    "an isolate": refused("not text", member("a\u2066b", b"1")),
    "a paragraph's end": refused("not text", member("a\u2029b", b"1")),
    "NUL by its extended header": refused("not text", member("a", b"1", pax(path="a\0b"))),
    "not UTF-8": by_hand("not a tar", a_header({NAME: b"\xff\xfe"})),
    "a long name that is not UTF-8": by_hand("malformed", extended(b"\xff\xfe\0", b"L"), A),
    "a path that is not UTF-8": by_hand("malformed", extended(b"10 path=\xff\n"), A),
    "a size below zero": refused("no proper size", member("a", b"1", pax(size="-5"))),
    "a size of another tongue": refused("no proper size", member("a", b"1", pax(size="\u0661"))),
    "a size raised": refused("no proper size", member("a", b"1", pax(size="\u00b2"))),
    "an endless size": refused("no proper size", member("a", b"1", pax(size="9" * 400))),
    "a size with a point": refused("no proper size", member("a", b"1", pax(size="1.5"))),
    "a size of exbibytes": refused("cut off", member("a", b"1", pax(size="9" * 18))),
    "a binary size": by_hand("no proper size|cut off", a_header({SIZE: b"\x80" + b"\x7f" * 11})),
    "a binary size below zero": by_hand("no proper size", a_header({SIZE: b"\xff" * 12})),
    "a size that is no number": by_hand("not a tar", a_header({SIZE: b"zzzzzzzzzzz\0"})),
    "a mode below zero": by_hand("set-id|not a tar", a_header({MODE: b"\xff" * 8})),
    "a checksum that is wrong": Case(lambda: b"b" + A[1:] + bytes(1024), "not a tar"),
    "an extended header that lies": by_hand("malformed", extended(b"99 path=b\n"), A),
    "an extended header without end": by_hand("malformed", extended(b"0 path=b\n"), A),
    "an extended header that turns back": by_hand("malformed", extended(b"-9 path=b\n"), A),
    "an extended header of nothing": by_hand("malformed", extended(b"x"), A),
    "an extended header of 8 GiB": by_hand(
        "header over 64", a_header({TYPE: b"x", SIZE: b"77777777777\0"})
    ),
    "a long name of 8 GiB": by_hand(
        "header over 64", a_header({TYPE: b"L", SIZE: b"77777777777\0"})
    ),
    "a long name below zero": by_hand("header over", a_header({TYPE: b"L", SIZE: b"\xff" * 12})),
    "a header of 70 kB": refused("A header over", member("a", b"1", pax(comment="c" * 70_000))),
    "a global header": by_hand("global header", extended(b"13 path=../x\n", b"g"), A),
    "a global size": by_hand("global header", extended(b"11 size=99\n", b"g"), A),
    "headers and no member": Case(lambda: extended(b"14 comment=ab\n", b"g") * 40_000, "headers"),
    "long names and no member": Case(lambda: extended(b"n\0", b"L") * 40_000, "headers"),
    "the folder itself, on and on": Case(
        lambda: a_header({NAME: b"./", TYPE: b"5"}) * 60_000 + bytes(1024), "headers|More than"
    ),
    "a long name": refused("over 255 bytes", member("n" * 256, b"1")),
    "a long name of wide letters": refused("over 255 bytes", member("\U0001f600" * 64, b"1")),
    "deep": refused("deep", member("/".join("d" * 33), b"1")),
    "very deep": refused("deep|header over", member("/".join("d" * 9_000), b"1")),
    "many files": Case(lambda: a_header({}) * 10_001 + bytes(1024), "the same|More than"),
    "many implied folders": Case(
        lambda: a_tar(*(member(f"{n}/{n}/f") for n in range(3_400))), "More than 1000"
    ),
    "a size that lies": Case(the_size_lies, "cut off"),
    "no end": Case(lambda: a_tar(member("a", b"1"))[:1024], "cut off"),
    "cut in a header": Case(lambda: a_tar(member("a", b"1"))[:300], "cut off"),
    "nothing": Case(lambda: b"", "cut off"),
    "one byte": Case(lambda: b"x", "cut off"),
    "junk": Case(lambda: b"junk" * 1_000, "not a tar"),
    "a page": Case(lambda: b"<html>" + b" " * 2_000, "not a tar"),
}

GZIPS: dict[str, Case] = {
    "climbs": Case(lambda: gz(member("../x")), ELSEWHERE),
    "a bomb": Case(lambda: gz(member("a", bytes(30 * MIB))), "200 times its size"),
    "a bomb of headers": Case(
        lambda: a_repeated(extended(b"14 comment=ab\n", b"g"), 100), "200 times|headers"
    ),
    "a bomb of the folder itself": Case(
        lambda: a_repeated(a_header({NAME: b"./", TYPE: b"5"}), 100), "200 times|headers|More than"
    ),
    "a bomb after its end": Case(
        lambda: gz(member("a", b"1")) + gzip.compress(bytes(40 * MIB)), "more after|200 times"
    ),
    "a bomb in a bomb": Case(
        lambda: gzip.compress(gzip.compress(bytes(40 * MIB))), "not a tar|cut off"
    ),
    "a name of its own without end": Case(
        lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (4 * MIB), "damaged"
    ),
    "a long extra field": Case(
        lambda: b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff" + b"e" * 100, "damaged"
    ),
    "members without content": Case(lambda: gzip.compress(b"") * 20_000, "damaged|pieces"),
    "cut off": Case(lambda: gz(member("a", b"1"))[:-12], "cut off|damaged"),
    "a checksum that is wrong": Case(
        lambda: gz(member("a", b"1"))[:-8] + bytes(4) + gz(member("a", b"1"))[-4:], "damaged"
    ),
    "a length that is wrong": Case(lambda: gz(member("a", b"1"))[:-4] + b"\1\2\3\4", "damaged"),
    "junk after it": Case(lambda: gz(member("a", b"1")) + b"junk", "damaged"),
    "junk inside": Case(lambda: gzip.compress(b"x" * 2_000), "not a tar"),
    "another method": Case(lambda: b"\x1f\x8b\x07" + bytes(600), "damaged"),
    "reserved flags": Case(lambda: b"\x1f\x8b\x08\xe0" + bytes(600), "damaged"),
    "a zip inside": Case(lambda: gzip.compress(b"PK\x03\x04" + bytes(2_000)), "not a tar"),
    "two halves": Case(
        lambda: (
            gzip.compress(a_tar(member("a", b"1"))[:700])
            + gzip.compress(a_tar(member("a", b"1"))[700:])
        ),
        gives={"a": b"1"},
    ),
    "zeros after it": Case(lambda: gz(member("a", b"1")) + bytes(512), gives={"a": b"1"}),
}


def nested() -> bytes:
    """An archive in an archive in an archive."""
    inner = a_tar(member("../evil", b"1"))
    for depth in range(10):
        inner = a_tar(member(f"{depth}.tar", inner))
    return inner


def taken() -> dict[str, Case]:
    """What looks bad and is harmless, since it is not what decides."""
    with io.BytesIO(nested()) as file, tarfile.open(fileobj=file) as archive:
        content = archive.extractfile("9.tar")
        assert content is not None
        inner = content.read()
    return {
        "archives in archives": Case(nested, gives={"9.tar": inner}),
        "no way but a name": Case(lambda: a_tar(member("..a", b"1")), gives={"..a": b"1"}),
        "a Windows device": Case(lambda: a_tar(member("con", b"1")), gives={"con": b"1"}),
        "everybody may write": Case(lambda: a_tar(member("a", b"1", mode(0o1777))), gives={"a": b"1"}),
        "an owner of its own": Case(
            lambda: a_tar(member("a", b"1", lambda info: setattr(info, "uid", 0o7777))),
            gives={"a": b"1"},
        ),
        "what is after its end": Case(
            lambda: a_tar(member("a", b"1")) + a_tar(member("../evil", b"1")), gives={"a": b"1"}
        ),
        "a date before time": Case(
            lambda: a_tar(member("a", b"1", pax(mtime="-99999999999"))), gives={"a": b"1"}
        ),
    }  # fmt: skip
