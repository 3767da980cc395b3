"""A consumer's sign-in: the EIP-4361 message, written here by the command line and checked here by the scheduler.

The statement names the scheduler by its on-chain address, and the domain is where the consumer believes to be: a
signature given to one scheduler opens no session at another.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError as EthError
from pydantic import ValidationError
from siwe import ISO8601Datetime, SiweMessage, VerificationError

from chain.errors import NotSignedIn
from chain.job import Address

MAX_MESSAGE = 4000  # characters


@dataclass(frozen=True, slots=True)
class Place:
    """Where one signs in: the scheduler's address and the chain it works on."""

    scheduler: Address
    chain_id: int

    @property
    def statement(self) -> str:
        """What the wallet shows."""
        return f"Sign in to the DRaaS scheduler {self.scheduler}. This costs nothing."


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What a good message holds beside its signer."""

    address: Address
    nonce: str


def compose(place: Place, url: str, address: Address, nonce: str, now: int, lasts_s: int) -> str:
    """The message by which `address` signs in at `url`.

    Args:
        place: as the market's own record on-chain or in the address book names it.
        url: where the scheduler is reached.
        address: who signs.
        nonce: the scheduler's.
        now: Unix seconds.
        lasts_s: seconds for which the message may be used.
    """
    message: str = SiweMessage(
        domain=urlsplit(url).netloc,
        address=address,
        statement=place.statement,
        uri=url,
        version="1",
        chain_id=place.chain_id,
        nonce=nonce,
        issued_at=_time(now),
        expiration_time=_time(now + lasts_s),
    ).prepare_message()
    return message


def sign(account: LocalAccount, message: str) -> str:
    """By EIP-191, as wallets do: 0x-prefixed, 65 bytes."""
    return "0x" + bytes(account.sign_message(encode_defunct(text=message)).signature).hex()


def check(
    place: Place, message: str, signature: str, domains: Collection[str], now: int
) -> SignedMessage:
    """Who signed this message; the caller sees to the nonce.

    Args:
        place: this scheduler.
        message: as it was signed.
        signature: 65 bytes, 0x-prefixed.
        domains: the names, with ports, under which this scheduler and its front ends are reached.
        now: Unix seconds.

    Raises:
        NotSignedIn: it is none, or for another place or time, or the signature is not its address's.
    """
    parsed = _parsed(message)
    if parsed.domain not in domains or urlsplit(str(parsed.uri)).netloc != parsed.domain:
        raise _refused(f"The message is for {parsed.domain[:100]}, which is not this scheduler")
    if parsed.chain_id != place.chain_id:
        raise _refused(f"The message is for chain {parsed.chain_id}, not for {place.chain_id}")
    if parsed.statement != place.statement:
        raise _refused("The message's statement is not the one to sign here")
    if parsed.expiration_time is None:
        raise _refused("The message never ends")
    try:
        parsed.verify(signature, timestamp=datetime.fromtimestamp(now, UTC))
    except (VerificationError, BadSignature, EthError, ValueError) as error:
        raise _refused(f"The signature does not hold ({type(error).__name__})") from None
    return SignedMessage(Address(parsed.address), parsed.nonce)


def _parsed(message: str) -> SiweMessage:
    if len(message) > MAX_MESSAGE:
        raise _refused(f"The message has over {MAX_MESSAGE} characters")
    try:
        return SiweMessage.from_message(message, abnf=False)
    except (ValidationError, ValueError, TypeError, IndexError):
        raise _refused("This is no EIP-4361 message") from None


def _time(second: int) -> ISO8601Datetime:
    return ISO8601Datetime.from_datetime(datetime.fromtimestamp(second, UTC))


def _refused(what: str) -> NotSignedIn:
    return NotSignedIn(f"{what}.", "Ask for a new nonce and sign again.")
