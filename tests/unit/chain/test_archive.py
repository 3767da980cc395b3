"""Archives, zip and compressed tar: what is plain comes out. What is not is in `tests/hostile`."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.archive import unpack
from chain.errors import DraasError
from chain.folder import MIB, Limits
from tests.hostile.zips import a_zip, changed

SMALL = Limits(max_bytes=64 * MIB, max_file_bytes=32 * MIB, max_files=20, max_depth=4)


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


@settings(max_examples=300)
@given(st.integers(0, 400), st.binary(max_size=12))
def test_no_damage_makes_the_unpacker_fail_in_another_way(at: int, damage: bytes) -> None:
    archive = changed(a_zip(("a.txt", b"hello" * 20), ("b/c.txt", b"x")), at, damage)
    with tempfile.TemporaryDirectory() as place, suppress(DraasError):
        unpack(io.BytesIO(archive), Path(place, "out"), SMALL)
