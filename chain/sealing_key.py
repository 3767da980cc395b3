"""The key to which others seal for a scheduler or an agent: X25519, apart from the one that signs on-chain.

Its public half is announced under a signature of the Ethereum key, for a short time, so that whoever seals knows by
the address on-chain whose key it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from eth_account.signers.local import LocalAccount
from pydantic import Field

from chain.errors import InvalidInput, NotAllowed, NotFound
from chain.messages import Domain, sign_sealing_key, signer_of_sealing_key
from chain.sealed import new_identity, recipient_of
from chain.wire import SignatureText, Wire

FILE = "sealing.key"
LASTS_S = 3600  # of an announcement
LASTS_MOST_S = 86400  # that is believed
SLACK_S = 120  # that clocks may differ by
RecipientText = Annotated[str, Field(pattern=r"^age1[a-z0-9]{58}$")]


class SealingKeyBody(Wire):
    """An announced key: who seals to it checks whose signature (EIP-712 `SealingKey`) it is."""

    recipient: RecipientText
    # Last second (Unix time) at which to seal to it; a number that JSON's readers all tell from the next one.
    until: Annotated[int, Field(ge=0, le=2**53 - 1)]
    signature: SignatureText


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A key to open with. Its secret half is never printed."""

    identity: str = field(repr=False)
    recipient: str

    def announce(self, account: LocalAccount, domain: Domain, now: int) -> SealingKeyBody:
        """Its public half under the signature of the key that acts on-chain."""
        until = (now // LASTS_S + 2) * LASTS_S
        signature = sign_sealing_key(account, domain, self.recipient, until)
        return SealingKeyBody(recipient=self.recipient, until=until, signature=signature)


def check_announced(body: SealingKeyBody, domain: Domain, holder: str, now: int) -> str:
    """The recipient that is announced, once it is known to be the holder's.

    Args:
        holder: its address on-chain.
        now: Unix seconds.

    Raises:
        NotAllowed: another has signed it, or it is too old.
    """
    if not now - SLACK_S <= body.until <= now + LASTS_MOST_S:
        raise NotAllowed(
            "The key to seal to was announced for another time.", "Check both machines' clocks."
        )
    signer = signer_of_sealing_key(domain, holder, body.recipient, body.until, body.signature)
    if signer.lower() != holder.lower():
        raise NotAllowed(
            f"The key to seal to is not that of {holder}.", "Do not trust who has sent it."
        )
    return body.recipient


def load_sealing_key(environ: Mapping[str, str], folder: Path) -> SealingKey:
    """The key of DRAAS_SEALING_KEY, or of the file that DRAAS_SEALING_KEY_FILE names; else the folder's own, made when
    there is none.

    Raises:
        InvalidInput: what is set is no such key.
        NotFound: the file named does not exist.
    """
    told, named = environ.get("DRAAS_SEALING_KEY"), environ.get("DRAAS_SEALING_KEY_FILE")
    if told:
        return _key(told, "DRAAS_SEALING_KEY")
    path = Path(named).expanduser() if named else folder / FILE
    if not named:
        _make(path)
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise NotFound(f"The key in {path} cannot be read.", "Check the path.") from None
    return _key(text, str(path))


def is_shared(environ: Mapping[str, str]) -> bool:
    """Whether the environment names the key, so that several copies can have the same."""
    return bool(environ.get("DRAAS_SEALING_KEY") or environ.get("DRAAS_SEALING_KEY_FILE"))


def _make(path: Path) -> None:
    """A new one, whole or not at all; one that is there stays."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(new_identity() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        return
    finally:
        new.unlink()


def _key(text: str, where: str) -> SealingKey:
    identity = text.strip()
    try:
        return SealingKey(identity, recipient_of(identity))
    except InvalidInput:
        raise InvalidInput(
            f"{where} holds no key to open sealed texts with.", "It begins with AGE-SECRET-KEY-1."
        ) from None
