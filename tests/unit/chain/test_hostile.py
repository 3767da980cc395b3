"""Everything that a hostile stranger sends is refused by a clear word, and nothing outside its folder is touched."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from chain import car
from chain.archive import unpack
from chain.bundle import bundle_cid, pack
from chain.errors import DraasError
from chain.folder import Limits
from chain.manifests.folder import manifest_of
from cli.source import folder_of
from tests.hostile import cars, folders, tars, texts, zips
from tests.hostile.case import Case
from tests.hostile.watch import look, with_guards
from tests.unit.chain.dags import Dag, listing

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits(max_bytes=64 * 1024**2, max_files=1_000)
ARCHIVES: dict[str, Case] = {
    f"{kind}: {name}": case
    for kind, cases in (("tar", tars.TARS), ("gzip", tars.GZIPS), ("zip", zips.ZIPS))
    for name, case in cases.items()
}
HARMLESS = {
    f"{kind}: {name}": case
    for kind, cases in (("tar", tars.taken()), ("zip", zips.taken()))
    for name, case in cases.items()
} | {name: case for name, case in ARCHIVES.items() if not case.told}
HOSTILE = {name: case for name, case in ARCHIVES.items() if case.told}


def test_there_are_hundreds_of_them() -> None:
    count = len(HOSTILE) + len(cars.CONTENTS) + len(cars.ABSENT) + len(folders.FOLDERS)
    count += len(texts.MANIFESTS) + len(texts.OTHERS) + len(texts.DOCKERFILES)
    assert count >= 400


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_touched(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, inner = HOSTILE[name].make(), with_guards(tmp_path / "place")
    monkeypatch.setattr(tempfile, "tempdir", str(inner))
    (file := tmp_path / "sent.tar").write_bytes(archive)
    before = look(tmp_path / "place")
    with pytest.raises(DraasError, match=HOSTILE[name].told) as told:
        unpack(io.BytesIO(archive), inner / "out", LIMITS)
    assert told.value.status in (413, 422)
    assert told.value.fix
    assert all(letter.isprintable() for letter in told.value.message)
    with pytest.raises(DraasError) as again, folder_of(file):
        pass
    assert again.value.status in (413, 422)
    after = look(tmp_path / "place")
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed <= {str(inner)}  # a name came and went there
    assert list(inner.iterdir()) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_bad_comes_out_as_it_is(tmp_path: Path, name: str) -> None:
    inner = with_guards(tmp_path)
    before = look(tmp_path)
    unpack(io.BytesIO(HARMLESS[name].make()), inner / "out", LIMITS)
    assert listing(inner / "out") == HARMLESS[name].gives
    after = look(tmp_path)
    assert {path for path in before if before[path] != after[path]} <= {str(inner)}
    assert all(path.stat().st_mode & 0o7022 == 0 for path in (inner / "out").rglob("*"))


def test_the_worst_of_them_need_neither_memory_nor_time(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.hostile.confined"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.stdout, told.returncode) == (f"{len(HOSTILE)} of {len(HOSTILE)}\n", 0), told.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", cars.CONTENTS | cars.ABSENT)
def test_hostile_content_is_refused_and_nothing_is_touched(tmp_path: Path, name: str) -> None:
    content, dag, inner = (cars.CONTENTS | cars.ABSENT)[name], Dag(), with_guards(tmp_path)
    root = content.make(dag)
    sent, before = dag.car(root), look(tmp_path)
    with pytest.raises(DraasError, match=content.told):
        car.unpack([sent], root.cid, inner / "out", LIMITS)
    after = look(tmp_path)
    assert {path for path in before | after if before.get(path) != after.get(path)} <= {str(inner)}


@pytest.mark.parametrize("name", folders.FOLDERS)
def test_a_hostile_folder_is_refused_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    make, told = folders.FOLDERS[name]
    (tmp_path / folders.SECRET).write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder)
    before = look(tmp_path)
    with pytest.raises(DraasError, match=told):
        pack(folder, LIMITS)
    if (
        "pattern" not in name and "pipe of" not in name
    ):  # what is added is not looked at for patterns
        with pytest.raises(DraasError, match=told):
            bundle_cid(folder, LIMITS)
    assert look(tmp_path) == before


MANIFESTS = {
    f"{file}: {name}": (file, text, told)
    for name, (file, text, told) in (
        {name: ("draas.yaml", text, told) for name, (text, told) in texts.MANIFESTS.items()}
        | texts.OTHERS
    ).items()
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_hostile_manifest_is_refused(tmp_path: Path, name: str) -> None:
    file, text, told = MANIFESTS[name]
    (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DraasError, match=told) as refusal:
        manifest_of(tmp_path)
    assert refusal.value.status == 422
    assert len(refusal.value.message) < 6_000
    assert all(letter.isprintable() for letter in refusal.value.message)
