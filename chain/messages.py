"""EIP-712 messages: the scheduler's assignment and ticket, a consumer's cancel, a usage report, an agent's statement of
what it has metered, and an agent's log-in.

Signatures are 65 bytes as 0x-prefixed hexadecimal, with the lower `s` only, as the contract wants them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chain import message_types as types
from chain.errors import DraasError, InvalidInput, NotAllowed
from chain.interface import hex_bytes
from chain.job import Address, Digest, JobId, Usage
from chain.login import Login

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
NO_NONCE = "0x" + "00" * 32


@dataclass(frozen=True, slots=True)
class Domain:
    """Where signatures hold: one escrow on one chain."""

    chain_id: int
    escrow: Address


@dataclass(frozen=True, slots=True)
class Assignment:
    """The scheduler's leave to claim one attempt of one job. Fields in the contract's order."""

    job_id: JobId
    attempt: int
    provider: Address
    image: Digest
    deadline: int  # last second at which it may be used


@dataclass(frozen=True, slots=True)
class Cancel:
    """The consumer's wish to end a job, for anybody to send."""

    job_id: JobId
    deadline: int  # last second at which it may be used


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A run's cumulative totals. Signed by its provider anybody may send it; signed by the consumer too, all that the
    run has earned by it is final at once."""

    job_id: JobId
    attempt: int
    usage: Usage
    deadline: int  # last second at which it may be used


@dataclass(frozen=True, slots=True)
class UsageStatement:
    """What an agent has metered of a run by a moment, and the ledger that says so. Nobody can be paid by it: it holds
    its agent to its word.

    Args:
        starts: of its container so far.
        ledger: hash of the ledger's line that these totals are from; 64 hexadecimal digits.
        at_ms: Unix milliseconds, by the agent's clock.
        nonce: of the probe that it answers; zeroes for one that goes with a usage report.
    """

    job_id: JobId
    attempt: int
    usage: Usage
    starts: int
    ledger: str
    at_ms: int
    nonce: str = NO_NONCE


@dataclass(frozen=True, slots=True)
class Ticket:
    """The scheduler's word, to the agent of a run, that this reader may see its log and where it stands."""

    job_id: JobId
    attempt: int
    reader: Address
    deadline: int  # last second (Unix time) at which it may be used


def sign_assignment(account: LocalAccount, domain: Domain, assignment: Assignment) -> str:
    """The scheduler's signature, for `claimJob`."""
    return _sign(account, _assignment(domain, assignment))


def signer_of_assignment(domain: Domain, assignment: Assignment, signature: str) -> Address:
    """Who signed the assignment.

    Raises:
        NotAllowed: this is no signature.
    """
    return _signer(_assignment(domain, assignment), signature)


def sign_cancel(account: LocalAccount, domain: Domain, cancel: Cancel) -> str:
    """The consumer's signature, for `cancelJobBySignature`."""
    return _sign(account, _cancel(domain, cancel))


def signer_of_cancel(domain: Domain, cancel: Cancel, signature: str) -> Address:
    """Who signed the cancel.

    Raises:
        NotAllowed: this is no signature.
    """
    return _signer(_cancel(domain, cancel), signature)


def sign_report(account: LocalAccount, domain: Domain, report: UsageReport) -> str:
    """The provider's signature, for `relayReports`, or either party's, for `reportFinal`."""
    return _sign(account, _report(domain, report))


def signer_of_report(domain: Domain, report: UsageReport, signature: str) -> Address:
    """Who signed the report.

    Raises:
        NotAllowed: this is no signature.
    """
    return _signer(_report(domain, report), signature)


def sign_statement(account: LocalAccount, domain: Domain, statement: UsageStatement) -> str:
    """The agent's signature."""
    return _sign(account, _statement(domain, statement))


def signer_of_statement(domain: Domain, statement: UsageStatement, signature: str) -> Address:
    """Who signed the statement.

    Raises:
        NotAllowed: this is no signature.
        InvalidInput: a value is out of range.
    """
    return _signer(_statement(domain, statement), signature)


def is_signed_by(provider: str, domain: Domain, statement: UsageStatement, signature: str) -> bool:
    """Whether this statement is the provider's word."""
    try:
        return signer_of_statement(domain, statement, signature).lower() == provider.lower()
    except DraasError:
        return False


def sign_ticket(account: LocalAccount, domain: Domain, ticket: Ticket) -> str:
    """The scheduler's signature, for the agent that holds the run."""
    return _sign(account, _ticket(domain, ticket))


def signer_of_ticket(domain: Domain, ticket: Ticket, signature: str) -> Address:
    """Who signed the ticket.

    Raises:
        NotAllowed: this is no signature.
    """
    return _signer(_ticket(domain, ticket), signature)


def sign_login(account: LocalAccount, domain: Domain, scheduler: Address, nonce: str) -> str:
    """An agent's proof that it holds its key, to one scheduler and for one nonce."""
    return _sign(account, _login(domain, Address(account.address), scheduler, nonce))


def signer_of_login(domain: Domain, scheduler: Address, login: Login) -> Address:
    """Who signed the log-in; the caller compares it with `login.agent`, and knows the nonce to be its own.

    Raises:
        NotAllowed: this is no signature.
    """
    message = _login(domain, Address(login.agent), scheduler, login.nonce)
    return _signer(message, login.signature)


def sign_sealing_key(account: LocalAccount, domain: Domain, recipient: str, until: int) -> str:
    """A scheduler's or an agent's word that what it alone is to read is sealed to this key, until that second."""
    return _sign(account, _sealing_key(domain, account.address, recipient, until))


def signer_of_sealing_key(
    domain: Domain, holder: str, recipient: str, until: int, signature: str
) -> Address:
    """Who signed that the key is `holder`'s; raises as `signer_of_login`."""
    return _signer(_sealing_key(domain, holder, recipient, until), signature)


def _assignment(domain: Domain, assignment: Assignment) -> SignableMessage:
    values = {
        "jobId": hex_bytes(assignment.job_id),
        "attempt": assignment.attempt,
        "provider": assignment.provider,
        "image": hex_bytes(assignment.image),
        "deadline": assignment.deadline,
    }
    return _typed(domain, types.ASSIGNMENT, values)


def _cancel(domain: Domain, cancel: Cancel) -> SignableMessage:
    values = {"jobId": hex_bytes(cancel.job_id), "deadline": cancel.deadline}
    return _typed(domain, types.CANCEL, values)


def _report(domain: Domain, report: UsageReport) -> SignableMessage:
    values = _used(report) | {"deadline": report.deadline}
    return _typed(domain, types.USAGE_REPORT, values)


def _statement(domain: Domain, statement: UsageStatement) -> SignableMessage:
    values = _used(statement) | {
        "starts": statement.starts,
        "ledger": hex_bytes("0x" + statement.ledger),
        "atMs": statement.at_ms,
        "nonce": hex_bytes(statement.nonce),
    }
    return _typed(domain, types.STATEMENT, values)


def _used(told: UsageReport | UsageStatement) -> dict[str, Any]:
    usage = told.usage
    return {
        "jobId": hex_bytes(told.job_id),
        "attempt": told.attempt,
        "cpuMs": usage.cpu_ms,
        "memoryMibS": usage.memory_mib_s,
        "egressKib": usage.egress_kib,
        "wallS": usage.wall_s,
    }


def _ticket(domain: Domain, ticket: Ticket) -> SignableMessage:
    values = {
        "jobId": hex_bytes(ticket.job_id),
        "attempt": ticket.attempt,
        "reader": ticket.reader,
        "deadline": ticket.deadline,
    }
    return _typed(domain, types.TICKET, values)


def _login(domain: Domain, agent: Address, scheduler: Address, nonce: str) -> SignableMessage:
    values = {"agent": agent, "scheduler": scheduler, "nonce": hex_bytes(nonce)}
    return _typed(domain, types.LOGIN, values)


def _sealing_key(domain: Domain, holder: str, recipient: str, until: int) -> SignableMessage:
    values = {"holder": holder, "recipient": recipient, "until": until}
    return _typed(domain, types.SEALING_KEY, values)


def _typed(domain: Domain, types: dict[str, Any], values: dict[str, Any]) -> SignableMessage:
    place = {
        "name": "DRaaS",
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.escrow,
    }
    try:
        return encode_typed_data(place, types, values)
    except (EncodingError, ValueError, TypeError) as error:
        raise InvalidInput(f"This cannot be signed: {error}", "Give values in range.") from None


def _sign(account: LocalAccount, message: SignableMessage) -> str:
    return "0x" + bytes(account.sign_message(message).signature).hex()


def _signer(message: SignableMessage, signature: str) -> Address:
    malformed = NotAllowed("This is no signature.", "Sign again with the key of the address named.")
    try:
        raw = hex_bytes(signature)
    except InvalidInput:
        raise malformed from None
    if len(raw) != 65 or raw[64] not in (27, 28) or int.from_bytes(raw[32:64]) > _HALF_ORDER:
        raise malformed
    try:
        return Address(Account.recover_message(message, signature=raw))
    except (BadSignature, ValidationError, ValueError):
        raise malformed from None
