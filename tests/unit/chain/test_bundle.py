"""Folders as tar: the same bytes for the same folder, and nothing hostile gets in or out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.archive import unpack, unpack_stream
from chain.bundle import bundle_cid, pack
from chain.errors import Conflict, DraasError, InvalidInput, TooLarge
from chain.folder import Limits
from tests.hostile.tars import mode, pax
from tests.unit.chain.dags import SHAPES, a_tar, listing, make_folder, member, same

SMALL = Limits(max_bytes=10_000, max_file_bytes=8_000, max_files=20, max_depth=4)


def refused(
    tmp_path: Path, archive: bytes, told: str, kind: type[DraasError] = InvalidInput
) -> None:
    with pytest.raises(kind, match=told):
        unpack(io.BytesIO(archive), tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_folder_comes_out_as_it_went_in_with_its_cid(tmp_path: Path, shape: str) -> None:
    folder = make_folder(tmp_path / "in", SHAPES[shape])
    bundle = pack(folder)
    unpack(io.BytesIO(bundle.archive), tmp_path / "out")
    assert same(folder, tmp_path / "out")
    assert bundle.cid == bundle_cid(folder) == bundle_cid(tmp_path / "out")


@pytest.mark.parametrize(
    "shape", [name for name in SHAPES if name not in {"nothing", "an empty folder"}]
)
def test_the_cid_is_what_an_independent_implementation_gives(tmp_path: Path, shape: str) -> None:
    folder = make_folder(tmp_path / "in", SHAPES[shape])
    assert bundle_cid(folder) == aleph_cid.hash_folder(folder, cid_version=1)


def test_the_archive_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    files: dict[str, bytes | None] = {"b": b"1", "a/x": b"2", "a.b": b"3", "z" * 150: b"4"}
    one = make_folder(tmp_path / "one", files)
    other = make_folder(tmp_path / "other", dict(reversed(files.items())))
    os.utime(other / "b", (1, 1))
    (other / "b").chmod(0o700)
    assert pack(one) == pack(other)


def test_any_tar_program_reads_the_archive(tmp_path: Path) -> None:
    archive = pack(make_folder(tmp_path / "in", {"a/ü": b"1", "l" * 200: b"2"})).archive
    with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
        assert sorted(reader.getnames()) == ["a", "a/ü", "l" * 200]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_archives_of_other_programs_are_read(tmp_path: Path, form: int) -> None:
    name = "d" * 90 + "/" + "f" * 60
    archive = a_tar(member("./x/y", b"1"), member(name, b"2"), form=form)
    unpack(io.BytesIO(archive), tmp_path / "out", SMALL)
    assert listing(tmp_path / "out") == {"x": None, "x/y": b"1", "d" * 90: None, name: b"2"}


def test_version_control_is_left_out(tmp_path: Path) -> None:
    plain = make_folder(tmp_path / "plain", {"a": b"1", "sub/b": b"2"})
    versioned = make_folder(tmp_path / "versioned", {"a": b"1", "sub/b": b"2"})
    make_folder(versioned / ".git", {"config": b"secret"})
    (versioned / "sub/.git").write_text("gitdir: ../")
    assert pack(versioned) == pack(plain)


def test_a_symbolic_link_is_not_packed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a": b"1"})
    (folder / "sub").symlink_to("/etc")
    with pytest.raises(InvalidInput, match="sub is a symbolic link"):
        pack(folder)
    (folder / "sub").unlink()
    (folder / "file").symlink_to("a")
    with pytest.raises(InvalidInput, match="file is a symbolic link"):
        bundle_cid(folder)


def test_a_device_is_not_packed_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(make_folder(tmp_path / "in", {}) / "pipe")
    with pytest.raises(InvalidInput, match="neither a file nor a folder"):
        pack(tmp_path / "in")


def test_what_is_no_folder_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a folder"):
        pack(tmp_path / "nowhere")


def test_a_folder_over_a_limit_is_not_packed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a": bytes(8_001)})
    with pytest.raises(TooLarge, match="A file over"):
        pack(folder, SMALL)


TOO_MUCH = {
    "a file": ((member("a", bytes(8_001)),), "A file over"),
    "all files": ((member("a", bytes(6_000)), member("b", bytes(6_000))), "in all"),
    "their number": (tuple(member(f"f{n}") for n in range(21)), "More than 20"),
    "implied folders": (tuple(member(f"d{n}/f") for n in range(11)), "More than 20"),
    "depth": ((member("a/b/c/d/e", b"1"),), "4 deep"),
    "a name": ((member("n" * 256, b"1"),), "A name over"),
    "a header": ((member("a", b"1", pax(comment="c" * 70_000)),), "A header over"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_each_limit_is_named_when_it_is_passed(tmp_path: Path, case: str) -> None:
    members, told = TOO_MUCH[case]
    refused(tmp_path, a_tar(*members), told, TooLarge)


def test_a_size_that_lies_is_cut_off(tmp_path: Path) -> None:
    archive = bytearray(a_tar(member("a", b"1")))
    info = tarfile.TarInfo("a")
    info.size = 7_000
    archive[:512] = info.tobuf(tarfile.USTAR_FORMAT)
    refused(tmp_path, bytes(archive[:2048]), "cut off")


@pytest.mark.parametrize(
    "junk", [b"", b"PK\x03\x04" + bytes(2_000), b"\x1f\x8b" + bytes(600), b"x"]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, junk: bytes) -> None:
    refused(tmp_path, junk, "not a tar|not a zip|cut off|damaged")


def test_a_place_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(Conflict):
        unpack(io.BytesIO(a_tar(member("a", b"1"))), tmp_path / "out")
    assert listing(tmp_path) == {"out": None}


def test_permissions_say_what_can_be_run_and_nothing_else(tmp_path: Path) -> None:
    archive = a_tar(
        member("run", b"#!/bin/sh\n", mode(0o600)),
        member("data", b"plain", mode(0o777)),
        member("binary", b"\x7fELF.."),
    )
    unpack(io.BytesIO(archive), tmp_path / "out")
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "out").iterdir()}
    assert modes == {"run": 0o755, "data": 0o644, "binary": 0o755}


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1_000):
        await asyncio.sleep(0)
        yield data[at : at + 1_000]


async def test_an_archive_is_received_piece_by_piece(tmp_path: Path) -> None:
    bundle = pack(make_folder(tmp_path / "in", {"a": b"1" * 5_000}))
    await unpack_stream(pieces(bundle.archive), tmp_path / "out", SMALL)
    assert bundle_cid(tmp_path / "out") == bundle.cid


async def test_an_archive_that_never_ends_is_stopped_while_it_comes(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)

    with pytest.raises(TooLarge, match="An archive over"):
        await unpack_stream(endless(), tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_damage_makes_the_unpacker_fail_in_another_way(at: int, damage: bytes) -> None:
    archive = bytearray(a_tar(member("d/long" + "g" * 100, b"1"), member("b", b"2")))
    start = at % len(archive)
    archive[start : start + len(damage)] = damage
    with tempfile.TemporaryDirectory() as place, contextlib.suppress(DraasError):
        unpack(io.BytesIO(bytes(archive)), Path(place, "out"), SMALL)
