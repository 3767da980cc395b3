"""Archives of strangers, zip and compressed tar: what is plain comes out, all else is refused and leaves nothing."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.archive import unpack
from chain.errors import DraasError, InvalidInput, TooLarge
from chain.folder import MIB, Limits

SMALL = Limits(max_bytes=64 * MIB, max_file_bytes=32 * MIB, max_files=20, max_depth=4)


def a_zip(*members: tuple[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def a_tar_gz(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("make", [a_zip, a_tar_gz])
def test_what_is_plain_comes_out(tmp_path: Path, make: Callable[..., bytes]) -> None:
    archive = make(("main.py", b"print(1)\n"), ("data/deep/x.bin", bytes(1000)))
    unpack(io.BytesIO(archive), tmp_path / "out", SMALL)
    assert files_of(tmp_path / "out") == {"main.py": b"print(1)\n", "data/deep/x.bin": bytes(1000)}


def test_folders_of_a_zip_may_be_named_or_not(tmp_path: Path) -> None:
    archive = a_zip(("a/", b""), ("a/b.txt", b"x"), ("c/d.txt", b"y"))
    unpack(io.BytesIO(archive), tmp_path / "out", SMALL)
    assert files_of(tmp_path / "out") == {"a/b.txt": b"x", "c/d.txt": b"y"}


def changed(archive: bytes, at: int, what: bytes) -> bytes:
    return archive[:at] + what + archive[at + len(what) :]


def a_lying_directory(length: int) -> bytes:
    """A zip whose end record tells this length of its directory."""
    archive = a_zip(("a", b"1"))
    return changed(archive, archive.rindex(b"PK\x05\x06") + 12, struct.pack("<I", length))


def encrypted() -> bytes:
    archive = a_zip(("a", b"1"))
    return changed(archive, archive.index(b"PK\x01\x02") + 8, b"\x01\x00")


def many(count: int) -> bytes:
    return a_zip(*((f"f{number}", b"") for number in range(count)))


def global_header() -> bytes:
    info = tarfile.TarInfo.create_pax_global_header({"path": "../x"})
    return info + a_tar_gz(("a", b"1"))


def broken_content() -> bytes:
    archive = a_zip(("a", b"hello hello hello hello"))
    return changed(archive, 31, b"\xff\xff\xff\xff")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "climbing": (lambda: a_zip(("../x", b"")), "leads elsewhere"),
    "climbing within": (lambda: a_zip(("a/../../x", b"")), "leads elsewhere"),
    "absolute": (lambda: a_zip(("/etc/x", b"")), "absolute"),
    "a drive": (lambda: a_zip(("C:/x", b"")), "absolute"),
    "backslash": (lambda: a_zip(("a\\..\\x", b"")), "not a plain path"),
    "empty part": (lambda: a_zip(("a//b", b"")), "leads elsewhere"),
    "link": (lambda: a_zip(("a", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), "neither"),
    "device": (lambda: a_zip(("a", b""), mode=stat.S_IFBLK | 0o644), "neither"),
    "fifo": (lambda: a_zip(("a", b""), mode=stat.S_IFIFO | 0o644), "neither"),
    "socket": (lambda: a_zip(("a", b""), mode=stat.S_IFSOCK | 0o644), "neither"),
    "set-id": (lambda: a_zip(("a", b""), mode=stat.S_IFREG | 0o4755), "set-id"),
    "folder that is a file": (lambda: a_zip(("a/", b""), mode=stat.S_IFREG | 0o644), "neither"),
    "case twins": (lambda: a_zip(("a", b"1"), ("A", b"2")), "the same on some machines"),
    "accent twins": (lambda: a_zip(("é", b"1"), ("e\u0301", b"2")), "the same"),
    "file under a file": (lambda: a_zip(("a", b"1"), ("a/b", b"2")), "the same on some"),
    "control character": (lambda: a_zip(("a\x1bb", b"")), "not text"),
    "encrypted": (encrypted, "encrypted"),
    "unusual compression": (lambda: a_zip(("a", b"1"), method=zipfile.ZIP_BZIP2), "unusual"),
    "endless directory": (lambda: a_lying_directory(2**31), "directory over 4 MiB"),
    "zip64": (lambda: a_lying_directory(0xFFFFFFFF), "Zip64"),
    "directory that is cut off": (lambda: a_lying_directory(5), "damaged|sense"),
    "no end": (lambda: a_zip(("a", b"1"))[:-10], "cut off"),
    "broken content": (broken_content, "damaged"),
    "many files": (lambda: many(21), "More than 20 files"),
    "deep": (lambda: a_zip(("a/b/c/d/e", b"")), "more than 4 deep"),
    "a long name": (lambda: a_zip(("n" * 300, b"")), "over 255 bytes"),
    "large file": (lambda: a_zip(("a", bytes(33 * MIB))), "over 32 MiB|200 times"),
    "bomb": (lambda: a_zip(("a", bytes(30 * MIB))), "200 times its size"),
    "gzip bomb": (lambda: a_tar_gz(("a", bytes(30 * MIB))), "200 times its size"),
    "gzip cut off": (lambda: a_tar_gz(("a", b"1"))[:-12], "cut off|damaged"),
    "gzip of junk": (lambda: gzip.compress(b"x" * 2000), "not a tar"),
    "global header": (global_header, "global header"),
    "gzip climbing": (lambda: a_tar_gz(("../x", b"")), "leads elsewhere"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    make, why = HOSTILE[case]
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises((InvalidInput, TooLarge), match=why):
        unpack(io.BytesIO(make()), place / "out", SMALL)
    assert list(place.iterdir()) == []
    assert list(tmp_path.iterdir()) == [place]


@settings(max_examples=300)
@given(st.integers(0, 400), st.binary(max_size=12))
def test_no_damage_makes_the_unpacker_fail_in_another_way(at: int, damage: bytes) -> None:
    archive = changed(a_zip(("a.txt", b"hello" * 20), ("b/c.txt", b"x")), at, damage)
    with tempfile.TemporaryDirectory() as place, suppress(DraasError):
        unpack(io.BytesIO(archive), Path(place, "out"), SMALL)
