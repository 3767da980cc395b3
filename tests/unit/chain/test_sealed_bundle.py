"""A private bundle opens at the scheduler it is for, says whose it is, and keeps every limit of a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.archive import unpack
from chain.bundle import Bundle, pack
from chain.errors import InvalidInput, NotAllowed, TooLarge
from chain.folder import DEFAULT_LIMITS, Limits
from chain.job import Address
from chain.messages import Domain
from chain.sealed import new_identity, recipient_of
from chain.sealed_bundle import FILE, is_private, open_bundle, seal_bundle

IDENTITY = new_identity()
DOMAIN = Domain(31337, Address("0x" + "ab" * 20))
SCHEDULER, CONSUMER = "0x" + "Cd" * 20, "0x" + "ef" * 20


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code" / "inner").mkdir(parents=True)
    (tmp_path / "code" / "inner" / "main.py").write_text("print('a planted line')")
    return tmp_path / "code"


def sealed(code: Path, dest: Path, consumer: str = CONSUMER) -> Path:
    bundle = seal_bundle(pack(code), DOMAIN, SCHEDULER, consumer, recipient_of(IDENTITY))
    archive = dest.with_suffix(".tar")
    archive.write_bytes(bundle.archive)
    with archive.open("rb") as file:
        unpack(file, dest)
    return dest


def test_it_holds_the_folder_and_does_not_show_it(code: Path, tmp_path: Path) -> None:
    posted = sealed(code, tmp_path / "posted")
    assert is_private(posted)
    assert not is_private(code)
    assert b"planted" not in (posted / FILE).read_bytes()
    owner = open_bundle(posted, tmp_path / "out", IDENTITY, DOMAIN, SCHEDULER, DEFAULT_LIMITS)
    assert owner.lower() == CONSUMER
    assert pack(tmp_path / "out").cid == pack(code).cid


def test_another_key_scheduler_or_market_opens_nothing(code: Path, tmp_path: Path) -> None:
    posted = sealed(code, tmp_path / "posted")
    for identity, domain, scheduler in (
        (new_identity(), DOMAIN, SCHEDULER),
        (IDENTITY, Domain(1, DOMAIN.escrow), SCHEDULER),
        (IDENTITY, DOMAIN, CONSUMER),
    ):
        with pytest.raises(NotAllowed):
            open_bundle(posted, tmp_path / "out", identity, domain, scheduler, DEFAULT_LIMITS)
        assert not (tmp_path / "out").exists()


def test_the_limits_of_a_bundle_hold_inside_too(code: Path, tmp_path: Path) -> None:
    posted = sealed(code, tmp_path / "posted")
    with pytest.raises(TooLarge):
        open_bundle(posted, tmp_path / "out", IDENTITY, DOMAIN, SCHEDULER, Limits(max_bytes=5))
    evil = Bundle(pack(code).cid, b"no tar at all" * 100, 1, 1)
    bad = seal_bundle(evil, DOMAIN, SCHEDULER, CONSUMER, recipient_of(IDENTITY))
    (tmp_path / "bad.tar").write_bytes(bad.archive)
    with (tmp_path / "bad.tar").open("rb") as file:
        unpack(file, tmp_path / "bad")
    with pytest.raises(InvalidInput):
        open_bundle(tmp_path / "bad", tmp_path / "out", IDENTITY, DOMAIN, SCHEDULER, DEFAULT_LIMITS)
