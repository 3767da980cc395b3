"""Zip archives of strangers."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests.hostile.case import Case

MIB = 1024 * 1024
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
DAMAGED = "damaged|makes no sense"


def a_zip(*members: tuple[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def changed(archive: bytes, at: int, what: bytes) -> bytes:
    """With other bytes at a place."""
    return archive[:at] + what + archive[at + len(what) :]


def with_field(mark: bytes, at: int, what: bytes, *members: tuple[str, bytes]) -> bytes:
    """With another field in the last record that begins with this mark."""
    archive = a_zip(*(members or (("a", b"hello hello hello"),)))
    return changed(archive, archive.rindex(mark) + at, what)


def field(mark: bytes, at: int, what: bytes, told: str = DAMAGED) -> Case:
    """One record's field lies."""
    return Case(lambda: with_field(mark, at, what), told)


def refused(told: str, *members: tuple[str, bytes], mode: int = 0) -> Case:
    """An archive whose first member is fine."""
    return Case(lambda: a_zip(("before", b"fine"), *members, mode=mode), told)


def whole(count: int, name: Callable[[int], bytes], body: bytes, method: int, size: int) -> bytes:
    """One content that many entries of the directory claim to have."""
    local = struct.pack("<4sHHHHHIIIHH", LOCAL, 20, 0, method, 0, 0, zlib.crc32(bytes(size)),
                        len(body), size, len(name(0)), 0) + name(0) + body  # fmt: skip
    entries = b"".join(
        struct.pack("<4sHHHHHHIIIHHHHHII", CENTRAL, 20, 20, 0, method, 0, 0, zlib.crc32(bytes(size)),
                    len(body), size, len(name(n)), 0, 0, 0, 0, 0, 0) + name(n)
        for n in range(count)
    )  # fmt: skip
    end = struct.pack("<4sHHHHIIH", END, 0, 0, count, count, len(entries), len(local), 0)
    return local + entries + end


def overlapping(count: int, differ: bool) -> bytes:
    """One compressed megabyte, told as many."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(bytes(MIB)) + packer.flush()
    return whole(count, lambda n: b"f%05d" % (n if differ else 0), body, 8, MIB)


def quoted() -> bytes:
    """The first entry's content has the second one's header in it, so that both are read from one place."""
    inner = a_zip(("b", b"2"), method=zipfile.ZIP_STORED)
    local_b = inner[: inner.index(CENTRAL)]
    outer = a_zip(("a", local_b), method=zipfile.ZIP_STORED)
    start, at = outer.index(CENTRAL), outer.index(LOCAL, 1)
    entry_a = outer[start : outer.index(END)]
    entry_b = changed(inner[inner.index(CENTRAL) : inner.index(END)], 42, struct.pack("<I", at))
    end = struct.pack("<4sHHHHIIH", END, 0, 0, 2, 2, len(entry_a + entry_b), start, 0)
    return outer[:start] + entry_a + entry_b + end


def two_directories() -> bytes:
    """A harmless archive, whose comment is the end of another one."""
    other = a_zip(("../evil", b"1"))
    mine = a_zip(("a", b"1"))
    return changed(mine, len(mine) - 2, struct.pack("<H", len(other))) + other


def a_local_name(name: bytes) -> bytes:
    """The member's own header calls it otherwise than the directory does."""
    return changed(a_zip(("a.txt", b"1")), 30, name)


def broken() -> bytes:
    """What is compressed cannot be read."""
    return changed(a_zip(("a", b"hello hello hello hello")), 31, b"\xff\xff\xff\xff")


def encrypted_names() -> bytes:
    """The directory says that it is encrypted."""
    return with_field(CENTRAL, 8, b"\x41\x20")


NEITHER, TWINS = "neither", "the same on some machines"
ZIPS: dict[str, Case] = {
    "climbs": refused("leads elsewhere", ("../x", b"")),
    "climbs inside": refused("leads elsewhere", ("a/../../x", b"")),
    "a folder that climbs": refused("leads elsewhere", ("../", b"")),
    "absolute": refused("absolute", ("/etc/x", b"")),
    "a drive": refused("absolute", ("C:/x", b"")),
    "a drive of Windows": refused("absolute", ("C:\\x", b"")),
    "a share of Windows": refused("absolute", ("\\\\host\\x", b"")),
    "backslash": refused("not a plain path|backslash", ("a\\..\\x", b"")),
    "empty part": refused("leads elsewhere", ("a//b", b"")),
    "only a slash": refused("absolute", ("/", b"")),
    "a dot": refused("leads elsewhere", (".", b"")),
    "three dots": refused("leads elsewhere", ("...", b"")),
    "link": refused(NEITHER, ("a", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
    "block device": refused(NEITHER, ("a", b""), mode=stat.S_IFBLK | 0o644),
    "character device": refused(NEITHER, ("a", b""), mode=stat.S_IFCHR | 0o644),
    "pipe": refused(NEITHER, ("a", b""), mode=stat.S_IFIFO | 0o644),
    "socket": refused(NEITHER, ("a", b""), mode=stat.S_IFSOCK | 0o644),
    "a kind of its own": refused(NEITHER, ("a", b""), mode=0o170644),
    "set-user-id": refused("set-id", ("a", b""), mode=stat.S_IFREG | 0o4755),
    "set-group-id": refused("set-id", ("a", b""), mode=stat.S_IFREG | 0o2755),
    "folder that is a file": refused(NEITHER, ("a/", b""), mode=stat.S_IFREG | 0o644),
    "file that is a folder": refused(NEITHER, ("a", b""), mode=stat.S_IFDIR | 0o755),
    "case twins": refused(TWINS, ("a", b"1"), ("A", b"2")),
    "accent twins": refused(TWINS, ("\u00e9", b"1"), ("e\u0301", b"2")),
    "dot twins": refused(TWINS, ("a.", b"1"), ("a", b"2")),
    "twin folders": refused(TWINS, ("A/x", b"1"), ("a/y", b"2")),
    "file under a file": refused(TWINS, ("a", b"1"), ("a/b", b"2")),
    "control character": refused("not text", ("a\x1bb", b"")),
    "a name told backwards": refused("not text", ("a\u202egpj.exe", b"")),
    "NUL in its name": Case(
        lambda: a_zip(("aXb", b"1")).replace(b"aXb", b"a\0b"), "not a plain path|damaged|not text"
    ),
    "a name that is not UTF-8": Case(
        lambda: a_zip(("\u00e9", b"1")).replace("\u00e9".encode(), b"\xff\xfe"), DAMAGED
    ),
    "another name of its own": Case(lambda: a_local_name(b"../ev"), DAMAGED),
    "a name of its own that ends": Case(lambda: a_local_name(b"a\0txt"), DAMAGED),
    "encrypted": field(CENTRAL, 8, b"\x01\x00", "encrypted"),
    "encrypted names": Case(encrypted_names, "encrypted|damaged"),
    "a patch": field(CENTRAL, 8, b"\x20\x00"),
    "bzip2": Case(lambda: a_zip(("a", b"1"), method=zipfile.ZIP_BZIP2), "unusual"),
    "lzma": Case(lambda: a_zip(("a", b"1"), method=zipfile.ZIP_LZMA), "unusual"),
    "a method that nobody knows": field(CENTRAL, 10, b"\x63\x00", "unusual"),
    "a method that is another": field(CENTRAL, 10, b"\x00\x00"),
    "endless directory": field(END, 12, struct.pack("<I", 2**31), "directory over 4 MiB"),
    "a directory that is cut off": field(END, 12, struct.pack("<I", 5)),
    "a directory elsewhere": field(END, 16, struct.pack("<I", 2**31)),
    "a directory of nothing": field(END, 12, bytes(4)),
    "a comment that is not there": field(END, 20, b"\xff\xff", DAMAGED + "|cut off"),
    "zip64": field(END, 12, b"\xff" * 4, "Zip64"),
    "zip64 by its place": Case(
        lambda: (lambda z: z[: z.index(END)] + b"PK\x06\x07" + bytes(16) + z[z.index(END) :])(
            a_zip(("a", b"1"))
        ),
        "Zip64",
    ),
    "a size of 4 GiB": field(CENTRAL, 24, b"\xff" * 4),
    "a packed size of 4 GiB": field(CENTRAL, 20, b"\xff" * 4),
    "a size that is too small": field(CENTRAL, 24, b"\x01\0\0\0"),
    "a size that is too large": field(CENTRAL, 24, b"\xff\xff\0\0"),
    "a packed size that is too large": field(CENTRAL, 20, b"\xff\xff\0\0", DAMAGED + "|overlap"),
    "a packed size of nothing": field(CENTRAL, 20, bytes(4)),
    "a place beyond the end": field(CENTRAL, 42, b"\xff\xff\xff\x7f"),
    "a place that is no member": field(CENTRAL, 42, b"\x04\0\0\0"),
    "a checksum that is wrong": field(CENTRAL, 16, b"\1\2\3\4"),
    "a name that is too long": field(CENTRAL, 28, b"\xff\xff"),
    "more fields than there are": field(CENTRAL, 30, b"\xff\xff"),
    "another disk": field(END, 4, b"\x05\x00\x05\x00", DAMAGED + "|cut off"),
    "broken content": Case(broken, "damaged"),
    "no end": Case(lambda: a_zip(("a", b"1"))[:-10], "cut off"),
    "only an end": Case(lambda: b"PK\x05\x06" + bytes(10), "cut off"),
    "junk": Case(lambda: b"PK" + b"junk" * 99, "cut off"),
    "two directories": Case(two_directories, DAMAGED + "|leads elsewhere|cut off"),
    "overlapping": Case(lambda: overlapping(200, differ=False), "overlap"),
    "overlapping under other names": Case(lambda: overlapping(200, differ=True), "overlap"),
    "a quote": Case(quoted, "overlap"),
    "many files": Case(lambda: a_zip(*((f"f{n}", b"") for n in range(10_001))), "More than 1000"),
    "deep": refused("deep", ("/".join("d" * 33), b"")),
    "a long name": refused("over 255 bytes", ("n" * 300, b"")),
    "a bomb": Case(lambda: a_zip(("a", bytes(30 * MIB))), "200 times its size"),
    "a bomb in parts": Case(
        lambda: a_zip(*((f"f{n}", bytes(MIB)) for n in range(30))), "200 times its size"
    ),
}


def taken() -> dict[str, Case]:
    """What looks bad and is harmless."""
    inner = a_zip(("../evil", b"1"))
    return {
        "archives in archives": Case(lambda: a_zip(("in.zip", inner)), gives={"in.zip": inner}),
        "everybody may write": Case(
            lambda: a_zip(("a", b"1"), mode=stat.S_IFREG | 0o1777), gives={"a": b"1"}
        ),
        "something before it": Case(
            lambda: b"PK junk" + a_zip(("a", b"1")), gives={"a": b"1"}
        ),
    }  # fmt: skip
