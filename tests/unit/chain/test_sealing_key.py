"""The key to seal to: kept for its owner alone, the same at every start, believed under the right signature alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from eth_account import Account

from chain.errors import InvalidInput, NotAllowed, NotFound
from chain.job import Address
from chain.messages import Domain
from chain.sealed import new_identity, recipient_of
from chain.sealing_key import FILE, check_announced, is_shared, load_sealing_key

DOMAIN = Domain(31337, Address("0x" + "ab" * 20))
MINE, OTHER = Account.create(), Account.create()
NOW = 1_800_000_000


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = load_sealing_key({}, tmp_path / "new")
    assert load_sealing_key({}, tmp_path / "new") == first
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600
    assert [one.name for one in (tmp_path / "new").iterdir()] == [FILE]
    assert first.identity not in repr(first)


def test_the_environment_may_name_it(tmp_path: Path) -> None:
    identity = new_identity()
    (tmp_path / "key").write_text(identity + "\n")
    named = {"DRAAS_SEALING_KEY_FILE": str(tmp_path / "key")}
    for environ in ({"DRAAS_SEALING_KEY": identity}, named):
        assert load_sealing_key(environ, tmp_path).recipient == recipient_of(identity)
        assert is_shared(environ)
    assert not is_shared({})
    with pytest.raises(NotFound):
        load_sealing_key({"DRAAS_SEALING_KEY_FILE": str(tmp_path / "none")}, tmp_path)
    with pytest.raises(InvalidInput) as refusal:
        load_sealing_key({"DRAAS_SEALING_KEY": identity[:-1]}, tmp_path)
    assert identity[:-1] not in str(refusal.value)


def test_an_announced_key_is_believed_of_its_holder_for_its_time_alone(tmp_path: Path) -> None:
    key = load_sealing_key({}, tmp_path)
    told = key.announce(MINE, DOMAIN, NOW)
    assert check_announced(told, DOMAIN, MINE.address, NOW) == key.recipient
    for domain, holder, now in (
        (DOMAIN, OTHER.address, NOW),
        (Domain(1, DOMAIN.escrow), MINE.address, NOW),
        (DOMAIN, MINE.address, NOW + 3 * 3600),
        (DOMAIN, MINE.address, NOW - 2 * 86400),
    ):
        with pytest.raises(NotAllowed):
            check_announced(told, domain, holder, now)
    swapped = told.model_copy(update={"recipient": recipient_of(new_identity())})
    with pytest.raises(NotAllowed):
        check_announced(swapped, DOMAIN, MINE.address, NOW)
