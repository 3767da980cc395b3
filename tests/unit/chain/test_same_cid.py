"""The same names and contents have the same CID: whoever wrote them, in which order, when, with which permissions, and
whichever archive they came in."""

from __future__ import annotations

import gzip
import io
import os
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.archive import unpack
from chain.bundle import bundle_cid, pack
from tests.hostile.zips import a_zip
from tests.unit.chain.dags import a_tar, member

NAME = st.sampled_from(["a", "b.py", "ü", "run", "Z", "日本", "sub"])
PATHS = st.lists(NAME, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.binary(max_size=60), max_size=6).filter(
    lambda tree: not any(one.startswith(f"{other}/") for one in tree for other in tree)
)


def written(folder: Path, tree: dict[str, bytes], dice: random.Random) -> Path:
    """The files in any order, of any age, with any permissions that their owner can read."""
    before = os.umask(dice.choice((0o000, 0o022, 0o077)))
    folder.mkdir()
    for name in dice.sample(sorted(tree), len(tree)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(tree[name])
        (folder / name).chmod(dice.choice((0o400, 0o644, 0o755, 0o777)))
        os.utime(folder / name, (dice.randrange(2**31), dice.randrange(2**31)))
    os.umask(before)
    return folder


@given(TREES, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_same_folder_has_the_same_cid(tree: dict[str, bytes], seed: int) -> None:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        one = written(Path(place, "one"), tree, dice)
        other = written(Path(place, "other"), tree, dice)
        assert pack(one) == pack(other)
        mixed = [member(name, tree[name]) for name in dice.sample(sorted(tree), len(tree))]
        zipped = a_zip(*((name, tree[name]) for name in dice.sample(sorted(tree), len(tree))))
        archives = [a_tar(*mixed), gzip.compress(a_tar(*mixed))] + ([zipped] if tree else [])
        for number, archive in enumerate(archives):
            unpack(io.BytesIO(archive), Path(place, str(number)))
            assert bundle_cid(Path(place, str(number))) == pack(one).cid


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_what_is_left_out_changes_nothing(seed: int) -> None:
    dice, tree = random.Random(seed), {"a.py": b"1", ".gitignore": b"*.log\n", "keep/x": b"2"}
    more = {"b.log": b"3", "keep/c.log": b"4", ".git/config": b"5"}
    with tempfile.TemporaryDirectory() as place:
        one = written(Path(place, "one"), tree, dice)
        assert pack(one).cid == pack(written(Path(place, "other"), tree | more, dice)).cid
