"""`draas agent init`: a key in an encrypted keystore, and a file of settings, for a new provider."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError

from chain.attributes import attributes_of
from chain.contracts import AddressBook
from chain.errors import Conflict, DraasError, InvalidInput, NotFound
from chain.job import Address
from chain.keys import load_account, save_keystore
from chain.manifest import Manifest, ResourceSpec
from chain.prices import PRICES, rates_of_prices
from chain.settings import NODE_SCHEMES, Env
from cli.agent_env import ENV_NAME, env_text, write_new

KEYSTORE_NAME, PASSWORD_NAME = "provider.json", "provider.password"
PASSWORD_LEAST = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What to set up.

    Args:
        settings: by variable; what is left out has its default.
        prices: by their names in a manifest's market section, in tokens.
        keystore: an existing one to take over.
        key: a private key to take over, as hexadecimal digits.
        password: of the keystore; "" to make one and keep it in a file.
        password_file: where the password is already kept; None for the home.
        addresses: the market's address book, to be copied into the home.
    """

    home: Path
    settings: Mapping[str, str]
    prices: Mapping[str, Decimal]
    keystore: Path | None = None
    key: str = ""
    password: str = ""
    password_file: Path | None = None
    addresses: Path | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now. No key, no password."""

    address: Address
    home: Path
    env: Path
    keystore: Path
    password_file: Path | None


def set_up(plan: Plan) -> Made:
    """Check everything, then write everything.

    Raises:
        Conflict: there is an agent in this home already.
        InvalidInput: a setting, price or key cannot be.
        NotAllowed: the password does not open the keystore that is taken over.
    """
    env, keystore = plan.home / ENV_NAME, plan.home / KEYSTORE_NAME
    for path in (env, keystore, plan.home / PASSWORD_NAME):
        if path.exists():
            fix = "Move it away first, since it may hold the only copy of a key, or set DRAAS_HOME."
            raise Conflict(f"{path} exists.", fix)
    check_settings(plan.settings)
    rates_of_prices(plan.prices)
    book = _book(plan.addresses)
    account = _account(plan)
    generated = not plan.password
    password = plan.password or secrets.token_urlsafe(32)
    if not generated and plan.keystore is None and len(password) < PASSWORD_LEAST:
        raise InvalidInput(
            f"The password has fewer than {PASSWORD_LEAST} characters.", "Take a longer one."
        )
    plan.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = plan.password_file
    if generated:
        kept = plan.home / PASSWORD_NAME
        write_new(kept, password + "\n")
    address = save_keystore(keystore, password, account)
    if book is not None:
        book.save(plan.home)
    write_new(env, env_text(_settings(plan, keystore, kept)))
    return Made(address, plan.home, env, keystore, kept)


def _settings(plan: Plan, keystore: Path, password_file: Path | None) -> dict[str, str]:
    places = {"DRAAS_HOME": str(plan.home), "DRAAS_KEYSTORE": str(keystore)}
    if password_file is not None:
        places["DRAAS_KEYSTORE_PASSWORD_FILE"] = str(password_file)
    prices = {variable: f"{plan.prices[name]:f}" for variable, (name, _) in PRICES.items()}
    return places | {name: value for name, value in plan.settings.items() if value} | prices


def check_settings(settings: Mapping[str, str]) -> None:
    """Refuse what an agent could not read.

    Raises:
        InvalidInput: with every fault.
    """
    names = (("AGENT_CPUS", "cpus"), ("AGENT_MEMORY", "memory"), ("AGENT_EGRESS", "egress"))
    asked = {name: settings[variable] for variable, name in names if settings.get(variable)}
    faults = []
    try:
        Manifest(resources=ResourceSpec.model_validate(asked)).reserved()
    except (ValidationError, DraasError) as error:
        faults.append(f"what is offered cannot be read: {_first(error)}")
    try:
        attributes_of(settings.get("AGENT_ATTRIBUTES", ""))
    except ValueError as error:
        faults.append(f"the attributes are not like region=eu,disk=ssd: {_first(error)}")
    env = Env(settings)
    for variable, schemes in (("SCHEDULER_URL", ("http", "https")), ("RPC_URL", NODE_SCHEMES)):
        env.urls(variable, schemes=schemes)
    try:
        env.done()
    except InvalidInput as error:
        faults.append(error.message.removesuffix("."))
    if faults:
        raise InvalidInput("; ".join(faults) + ".", "See `draas agent init --help`.")


def _first(error: ValueError | DraasError) -> str:
    if isinstance(error, DraasError):
        return error.message
    if not isinstance(error, ValidationError):
        return str(error)
    told = str(error.errors(include_input=False, include_url=False)[0]["msg"])
    return told.removeprefix("Value error, ")


def _book(path: Path | None) -> AddressBook | None:
    if path is None:
        return None
    try:
        return AddressBook(**json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise NotFound(f"{path} cannot be read.", "Check the path.") from None
    except (ValueError, TypeError):
        raise InvalidInput(f"{path} is no address book.", "Ask the market's operator.") from None


def _account(plan: Plan) -> LocalAccount:
    if plan.key and plan.keystore:
        raise InvalidInput("A key and a keystore are given.", "Give one of them.")
    if plan.key:
        return load_account({"PRIVATE_KEY": plan.key})
    if plan.keystore is not None:
        if not plan.password:
            fix = "Give --password-file, or run it on a terminal."
            raise InvalidInput("The keystore's password is needed.", fix)
        found = {"DRAAS_KEYSTORE": str(plan.keystore), "DRAAS_KEYSTORE_PASSWORD": plan.password}
        return load_account(found, "DRAAS_")
    made: LocalAccount = Account.create()
    return made


def ask_password(file: Path | None, existing: bool, ask: bool) -> str:
    """The password: from a file, from a terminal, or "" to have one made.

    Args:
        existing: it is that of a keystore that is there, so it is asked for once.
        ask: whether there is a person to ask.

    Raises:
        NotFound: the file cannot be read.
        InvalidInput: it is empty, or what was typed differs.
    """
    if file is not None:
        try:
            password = file.expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise NotFound(f"{file} cannot be read.", "Check the path.") from None
        if not password:
            raise InvalidInput(f"{file} is empty.", "Write the password into it.")
        return password
    if not ask:
        return ""
    if existing:
        return getpass.getpass("Password of the keystore: ")
    password = getpass.getpass("Password for the new keystore (empty: one is made and kept here): ")
    if password and getpass.getpass("Again: ") != password:
        raise InvalidInput("The two differ.", "Run it again.")
    return password


def key_from_stdin() -> str:
    """A private key: hidden on a terminal, a line elsewhere. It is never told again."""
    if sys.stdin.isatty():
        return getpass.getpass("Private key: ").strip()
    return sys.stdin.readline().strip()


def is_asked(as_json: bool, yes: bool) -> bool:
    """Whether a person can be asked."""
    return not (as_json or yes) and sys.stdin.isatty() and bool(os.environ.get("TERM"))
