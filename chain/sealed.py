"""Sealing: bytes that only the holder of one key opens, in the age format (C2SP age v1: X25519, HKDF-SHA-256 and
ChaCha20-Poly1305), written and read by `pyrage`. Nothing here is our own cryptography.

A sealed text says nothing of who sealed it. Whoever opens it checks what is bound in it (`chain.secret_values`,
`chain.sealed_bundle`), and where it came from.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from io import BufferedIOBase
from typing import TYPE_CHECKING

import pyrage
from pyrage.x25519 import Identity, Recipient

from chain.errors import InvalidInput, NotAllowed, TooLarge

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

MAX_RECIPIENTS = 16
MOST_HEADER = 4096  # bytes: of so many recipients it has half of that
_CANNOT = "This cannot be opened with the key here: it was sealed to another, or was changed."
_ANEW = "Seal it anew to the key that is announced now."


def new_identity() -> str:
    """A new secret key, as age writes it: AGE-SECRET-KEY-1…"""
    return str(Identity.generate())


def recipient_of(identity: str) -> str:
    """Its public half: age1…

    Raises:
        InvalidInput: this is no identity.
    """
    return str(_identity(identity).to_public())


def seal(data: bytes, recipients: Sequence[str]) -> bytes:
    """Bytes for these alone to open; longer than `data` by some 200 bytes.

    Raises:
        InvalidInput: a recipient is none, or there is none or too many.
    """
    return pyrage.encrypt(data, _recipients(recipients))


def open_sealed(sealed: bytes, identity: str) -> bytes:
    """What was sealed to this identity.

    Raises:
        NotAllowed: it was sealed to another, was changed since, or is no sealed text.
        InvalidInput: this is no identity.
    """
    target = io.BytesIO()
    open_stream(io.BytesIO(sealed), target, identity, len(sealed))
    return target.getvalue()


def open_stream(source: BufferedIOBase, target: BufferedIOBase, identity: str, most: int) -> None:
    """As `open_sealed`, piece by piece. What is in `target` counts only when this returns. Blocking.

    Args:
        most: bytes that may come out.

    Raises:
        NotAllowed: as `open_sealed`.
        TooLarge: it is more than `most`.
        InvalidInput: this is no identity.
        OSError: `target` cannot be written to.
    """
    key = _identity(identity)
    start = source.read(MOST_HEADER)
    source.seek(-len(start), io.SEEK_CUR)
    if (
        b"\n--- " not in start
    ):  # a longer one costs more the longer it is, with all of Python waiting
        raise NotAllowed(_CANNOT, _ANEW)
    bounded = _Bounded(target, most)
    try:
        pyrage.decrypt_io(source, bounded, [key])
    except (pyrage.DecryptError, OSError, ValueError):
        if bounded.broken is not None:
            raise bounded.broken from None
        if bounded.passed:
            raise TooLarge(
                f"What was sealed is larger than {most} bytes.", "Seal less at once."
            ) from None
        raise NotAllowed(_CANNOT, _ANEW) from None


class _Bounded(BufferedIOBase):
    """Passes on what is written, up to a limit."""

    def __init__(self, target: BufferedIOBase, most: int) -> None:
        self._target, self._left = target, most
        self.passed = False
        self.broken: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        size = memoryview(data).nbytes
        self._left -= size
        if self._left < 0:
            self.passed = True
            raise OSError
        try:
            self._target.write(data)
        except OSError as error:
            self.broken = error
            raise
        return size


def _identity(text: str) -> Identity:
    try:
        return Identity.from_str(text)
    except pyrage.IdentityError:
        raise InvalidInput(
            "This is no identity to open sealed texts with.", "It begins with AGE-SECRET-KEY-1."
        ) from None


def _recipient(text: str) -> Recipient:
    try:
        return Recipient.from_str(text)
    except pyrage.RecipientError:
        raise InvalidInput(
            "This names nobody to seal to.", "A recipient begins with age1."
        ) from None


def _recipients(texts: Sequence[str]) -> list[Recipient]:
    if not 1 <= len(texts) <= MAX_RECIPIENTS:
        raise InvalidInput(f"Seal to between 1 and {MAX_RECIPIENTS} recipients.")
    return [_recipient(text) for text in texts]
