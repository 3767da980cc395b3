"""Keys: encrypted keystores, or the environment. A key is never printed, logged or part of an error."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from chain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from chain.job import Address


def load_account(environ: Mapping[str, str], prefix: str = "") -> LocalAccount:
    """The key that `{prefix}PRIVATE_KEY` holds, or `{prefix}KEYSTORE` names the file of.

    A keystore's password is in `{prefix}KEYSTORE_PASSWORD`, or in the file `{prefix}KEYSTORE_PASSWORD_FILE` names.

    Raises:
        InvalidInput: neither or both are set, or what is set cannot be a key.
        NotFound: a file named does not exist.
        NotAllowed: the password does not open the keystore.
    """
    key, keystore = environ.get(f"{prefix}PRIVATE_KEY"), environ.get(f"{prefix}KEYSTORE")
    if bool(key) == bool(keystore):
        what = "Both" if key else "Neither"
        raise InvalidInput(
            f"{what} of {prefix}PRIVATE_KEY and {prefix}KEYSTORE are set.",
            f"Set one: {prefix}KEYSTORE to a keystore file is the safer way.",
        )
    if key:
        return _from_key(key.strip(), f"{prefix}PRIVATE_KEY")
    return _from_keystore(Path(keystore or ""), _password(environ, prefix), f"{prefix}KEYSTORE")


def _from_key(key: str, name: str) -> LocalAccount:
    try:
        return _account(bytes.fromhex(key.removeprefix("0x")))
    except ValueError:
        raise InvalidInput(
            f"{name} is not a private key.", "It is 64 hexadecimal digits."
        ) from None


def _account(key: bytes) -> LocalAccount:
    if len(key) != 32:
        raise ValueError
    account: LocalAccount = Account.from_key(key)
    return account


def _password(environ: Mapping[str, str], prefix: str) -> str:
    password = environ.get(f"{prefix}KEYSTORE_PASSWORD")
    if password is not None:
        return password
    file = environ.get(f"{prefix}KEYSTORE_PASSWORD_FILE")
    if not file:
        raise InvalidInput(
            f"There is no password for {prefix}KEYSTORE.",
            f"Set {prefix}KEYSTORE_PASSWORD_FILE to a file with it.",
        )
    return _read(Path(file), f"{prefix}KEYSTORE_PASSWORD_FILE").rstrip("\r\n")


def _from_keystore(path: Path, password: str, name: str) -> LocalAccount:
    try:
        keystore = json.loads(_read(path, name))
        if not isinstance(keystore, dict):
            raise ValueError
    except ValueError:
        raise InvalidInput(
            f"{path} is not a keystore.", "It is a JSON file of version 3."
        ) from None
    try:
        return _account(bytes(Account.decrypt(keystore, password)))
    except (ValueError, TypeError, KeyError, NotImplementedError):
        raise NotAllowed(
            f"{path} cannot be opened.",
            "Check that it is a keystore and that the password is its own.",
        ) from None


def _read(path: Path, name: str) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise NotFound(f"{name} names {path}, which cannot be read.", "Check the path.") from None


def create_keystore(path: Path, password: str) -> Address:
    """A new key in an encrypted file that only its owner may read.

    Raises:
        Conflict: the file exists; a key is never overwritten.
    """
    return save_keystore(path, password, Account.create())


def save_keystore(path: Path, password: str, account: LocalAccount) -> Address:
    """A key in an encrypted file that only its owner may read.

    Raises:
        Conflict: the file exists; a key is never overwritten.
    """
    encrypted = json.dumps(Account.encrypt(account.key, password))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(
            f"{path} exists.", "Move it away first; it may hold the only copy of a key."
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(encrypted)
        file.flush()
        os.fsync(file.fileno())
    return Address(account.address)
