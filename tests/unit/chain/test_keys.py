"""Keys: found where they are said to be, never overwritten, never told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account

from chain.errors import Conflict, DraasError, InvalidInput, NotAllowed, NotFound
from chain.job import Address
from chain.keys import create_keystore, load_account, save_keystore

KEY = "ab" * 32


@pytest.fixture(autouse=True)
def _quick_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same format with fewer rounds."""
    encrypt = Account.encrypt
    monkeypatch.setattr(
        Account, "encrypt", lambda key, password: encrypt(key, password, "scrypt", 2)
    )


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "mine.json"
    save_keystore(path, "pass", Account.from_key(KEY))
    return path


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, f" 0x{KEY}\n"])
def test_a_key_from_the_environment(text: str) -> None:
    assert load_account({"DRAAS_PRIVATE_KEY": text}, "DRAAS_").key == bytes.fromhex(KEY)
    assert load_account({"PRIVATE_KEY": text}).key == bytes.fromhex(KEY)


def test_a_key_from_a_keystore(keystore: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass\n")
    by_text = {"KEYSTORE": str(keystore), "KEYSTORE_PASSWORD": "pass"}
    by_file = {"KEYSTORE": str(keystore), "KEYSTORE_PASSWORD_FILE": str(tmp_path / "password")}
    for environ in (by_text, by_file):
        assert load_account(environ).key == bytes.fromhex(KEY)


def test_a_keystore_is_its_owners_alone_and_never_overwritten(keystore: Path) -> None:
    assert keystore.stat().st_mode & 0o777 == 0o600
    before = keystore.read_bytes()
    with pytest.raises(Conflict):
        create_keystore(keystore, "other")
    assert keystore.read_bytes() == before
    assert KEY not in keystore.read_text()


def test_a_new_keystore_holds_the_key_of_its_address(tmp_path: Path) -> None:
    address = create_keystore(tmp_path / "new.json", "pass")
    environ = {"KEYSTORE": str(tmp_path / "new.json"), "KEYSTORE_PASSWORD": "pass"}
    assert Address(load_account(environ).address) == address


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({}, InvalidInput),
        ({"PRIVATE_KEY": KEY, "KEYSTORE": "x"}, InvalidInput),
        ({"PRIVATE_KEY": KEY[:-2]}, InvalidInput),
        ({"PRIVATE_KEY": KEY[:-1] + "g"}, InvalidInput),
        ({"PRIVATE_KEY": "00" * 32}, InvalidInput),
        ({"KEYSTORE": "/nowhere", "KEYSTORE_PASSWORD": "pass"}, NotFound),
        ({"KEYSTORE": "/nowhere"}, InvalidInput),
        ({"KEYSTORE": "/nowhere", "KEYSTORE_PASSWORD_FILE": "/nowhere"}, NotFound),
    ],
)
def test_what_cannot_be_a_key_is_told_without_telling_it(
    environ: dict[str, str], error: type[DraasError]
) -> None:
    with pytest.raises(error) as told:
        load_account(environ)
    assert KEY[:-2] not in str(told.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"version": 9}', '{"version": 3}'])
def test_a_file_that_is_no_keystore_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises((InvalidInput, NotAllowed)):
        load_account({"KEYSTORE": str(path), "KEYSTORE_PASSWORD": "pass"})


def test_a_wrong_password_opens_nothing(keystore: Path) -> None:
    assert json.loads(keystore.read_text())["version"] == 3
    with pytest.raises(NotAllowed):
        load_account({"KEYSTORE": str(keystore), "KEYSTORE_PASSWORD": "wrong"})
