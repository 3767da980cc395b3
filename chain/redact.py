"""What may stand in a log: no secret, no character that a terminal obeys, nothing without end. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
MAX_TEXT = 4_000  # characters of one value
MAX_TRACE = 16_000  # of a traceback, whose end says the most
SHORTEST = 6  # characters; a shorter secret is a word that stands elsewhere too

# Variables whose whole value is secret, and those that hold addresses with a key inside.
SECRET_NAMES = re.compile(r"(PASSWORD|PRIVATE_KEY|SEALING_KEY|SECRET|TOKEN|_HEADERS)$")
ADDRESS_NAMES = (
    "RPC_URL",
    "DATABASE_URL",
    "IPFS_API",
    "SCHEDULER_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)

_USER = re.compile(r"(?<=://)[^/\s@'\"]+@")
_QUERY = re.compile(r"(?<=[?&])([\w.-]+=)[^&\s'\"<>]+")
_BEARER = re.compile(r"(?i)\b(bearer(?=\s+[\w.~+/=-]{8})|basic(?=\s+[\w+/=]{16}))\s+[\w.~+/=-]+")
_INPUT = re.compile(r"input_value=.*?, input_type=", re.DOTALL)  # pydantic tells what was sent
_PARAMETERS = re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL)  # SQLAlchemy, what was stored
# Control characters, and those that turn or hide the text around them.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """What of the environment must not be told: passwords, keys, and the secret parts of addresses."""
    found: set[str] = set()
    for name, value in environ.items():
        if SECRET_NAMES.search(name):
            found |= {value, value.removeprefix("0x")}
        if name in ADDRESS_NAMES:
            for address in value.split(","):
                found |= set(_secret_parts(address.strip()))
    return {one for one in found if len(one) >= SHORTEST}


def _secret_parts(address: str) -> Iterator[str]:
    """The password, and each part of the path and query that looks like a key: long, with digits in it."""
    try:
        parts = urlsplit(address)
        password = parts.password or ""
    except ValueError:
        return
    yield from (password, unquote(password))
    for piece in re.split(r"[/?&=]", f"{parts.path}?{parts.query}"):
        if len(piece) >= 16 and re.search(r"\d", piece):
            yield piece


def clean_text(text: str, secrets: Collection[str]) -> str:
    """One value as it may be told, on one line."""
    return _escaped(_hidden(text[: 2 * MAX_TEXT], secrets))[:MAX_TEXT]


def clean_trace(text: str, secrets: Collection[str]) -> str:
    """A traceback: its lines are kept, and set in, so that none of them looks like a line of ours."""
    told = _hidden(text, secrets)[-MAX_TRACE:]
    return "\n".join(f"  | {_escaped(line)}" for line in told.split("\n"))


def clean(value: object, secrets: Collection[str]) -> object:
    """Anything: numbers as they are, mappings and lists part by part, all else as its text."""
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {clean_text(str(k), secrets): clean(v, secrets) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(one, secrets) for one in value]
        case _:
            return clean_text(str(value), secrets)


def _hidden(text: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _USER.sub(f"{HIDDEN}@", text)
    text = _QUERY.sub(rf"\g<1>{HIDDEN}", text)
    text = _BEARER.sub(rf"\g<1> {HIDDEN}", text)
    text = _INPUT.sub(f"input_value={HIDDEN}, input_type=", text)
    return _PARAMETERS.sub(f"[parameters: {HIDDEN}]", text)


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
