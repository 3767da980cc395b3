"""Short-lived proofs that somebody signed in: tokens and nonces that any copy of this scheduler can check alone.

Both carry what they say and when they end, and an HMAC-SHA256 (RFC 2104) under a secret that follows from the
scheduler's key: copies with the same key agree, another scheduler's do not hold, and nothing has to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from chain.convert import address_of
from chain.errors import NotSignedIn
from chain.job import Address
from chain.messages import Domain

Role = Literal["agent", "consumer"]

NONCE_SECONDS = 120
MAX_TOKEN = 200  # characters
_TOKEN = re.compile(r"v1\.([a-z]{1,16})\.(0x[0-9a-fA-F]{40})\.(\d{1,12})\.([0-9a-f]{64})")
_NONCE = re.compile(r"(?:0x)?([0-9a-f]{16})([0-9a-f]{16})([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Args:
        expires_at: the last second (Unix time) in which it holds.
    """

    role: Role
    address: Address
    expires_at: int


def secret_of(account: LocalAccount, domain: Domain) -> bytes:
    """32 bytes that only the holder of this key can find, the same each time: the hash of a deterministic
    signature (RFC 6979) over a text that is signed for nothing else (EIP-191)."""
    text = (
        f"DRaaS: the secret of a scheduler's sessions on {domain.chain_id} {domain.escrow.lower()}"
    )
    signature = bytes(account.sign_message(encode_defunct(text=text)).signature)
    return hashlib.sha256(b"draas sessions" + signature).digest()


def issue_token(secret: bytes, claims: Claims) -> str:
    """A token in characters that a header and a cookie may carry."""
    body = f"v1.{claims.role}.{claims.address}.{claims.expires_at}"
    return f"{body}.{_mac(secret, 'token', body)}"


def read_token(secret: bytes, token: str, role: Role, now: int) -> Claims:
    """What a token of ours says.

    Args:
        role: for whom it must have been issued.
        now: Unix seconds.

    Raises:
        NotSignedIn: it is not ours, was changed, is for another role, or has run out.
    """
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if match is None:
        raise _refused("That is no session token.")
    body = token.rpartition(".")[0]
    if not hmac.compare_digest(_mac(secret, "token", body), match[4]):
        raise _refused("This session token is not one of this scheduler's.")
    if match[1] != role:
        raise _refused(f"This session is not one of a{'n' * (role == 'agent')} {role}.")
    claims = Claims(role, address_of(match[2]), int(match[3]))
    if now > claims.expires_at:
        raise _refused("The session has run out.")
    return claims


def issue_nonce(secret: bytes, role: Role, expires_at: int, salt: bytes) -> str:
    """A nonce to sign: 64 hexadecimal digits, without 0x.

    Args:
        expires_at: the last second (Unix time) in which it may be used.
        salt: 8 random bytes, so that no two are equal.
    """
    body = f"{expires_at:016x}{salt[:8].hex():0>16}"
    return body + _mac(secret, f"nonce {role}", body)[:32]


def read_nonce(secret: bytes, nonce: str, role: Role, now: int) -> int:
    """When a nonce of ours ends. That it is used once is for `scheduler.sessions.nonces`.

    Args:
        nonce: with 0x or without.
        now: Unix seconds.

    Raises:
        NotSignedIn: it is not ours, or too old.
    """
    match = _NONCE.fullmatch(nonce)
    if match is None:
        raise _refused("That is no nonce.")
    body = match[1] + match[2]
    if not hmac.compare_digest(_mac(secret, f"nonce {role}", body)[:32], match[3]):
        raise _refused("This nonce is not one of this scheduler's.")
    expires_at = int(match[1], 16)
    if now > expires_at:
        raise _refused("The nonce is too old.")
    return expires_at


def _mac(secret: bytes, purpose: str, body: str) -> str:
    return hmac.new(secret, f"{purpose}\n{body}".encode(), hashlib.sha256).hexdigest()


def _refused(what: str) -> NotSignedIn:
    return NotSignedIn(what, "Sign in again.")
