"""The words on a script's command line and in its environment, checked before anything else."""

from __future__ import annotations

import re
import sys
from typing import NoReturn

RATES = ("CPU_MS", "MEMORY_MIB_S", "EGRESS_KIB", "WALL_S")
CID = "(Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{58,})"
WHOLE_SHARE = 10_000


def refuse(message: str, fix: str) -> NoReturn:
    """End the script with what is wrong and what to do; nothing was sent."""
    sys.exit(f"✗ {message}\n  {fix}\n  Nothing was sent.")


def say(line: str) -> None:
    """One line for the reader."""
    sys.stdout.write(line + "\n")


def whole(word: str, name: str, most: int = 2**256 - 1) -> int:
    """A whole number that is not negative, in decimal digits."""
    if not (word.isascii() and word.isdecimal()):
        refuse(f"{name} is not a whole number: {word!r}.", "Amounts are in token base units.")
    if int(word) > most:
        refuse(f"{name} is {word}.", f"It is at most {most}.")
    return int(word)


def rate_card(words: tuple[str, ...]) -> tuple[int, ...]:
    """The four rates, in token base units; `words` are as many."""
    return tuple(whole(word, name, 2**64 - 1) for word, name in zip(words, RATES, strict=True))


def job_id(word: str, usage: str) -> str:
    """A job's id."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", word):
        refuse(f"That is no job's id: {word!r}.", f"Give: {usage}")
    return word.lower()


def address(word: str, name: str) -> str:
    """An account's or a contract's address."""
    if not re.fullmatch("0x[0-9a-fA-F]{40}", word):
        refuse(f"{name} is not an address: {word!r}.", "It is 0x and 40 digits.")
    return word


def ipfs_path(word: str) -> str:
    """The path of a document on IPFS, from a path or a bare CID."""
    path = word if word.startswith("/ipfs/") else f"/ipfs/{word}"
    if not re.fullmatch(rf"/ipfs/{CID}(/\S*)?", path):
        refuse(f"That is no document on IPFS: {word!r}.", "Give its CID, or /ipfs/CID/NAME.")
    return path
