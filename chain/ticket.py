"""A ticket as text: what a reader shows to an agent, and what the agent checks of it."""

from __future__ import annotations

import re

from chain.convert import address_of
from chain.errors import NotSignedIn
from chain.job import JobId
from chain.messages import Domain, Ticket, signer_of_ticket

MAX_TICKET = 300  # characters
_TEXT = re.compile(
    r"ticket\.(0x[0-9a-f]{64})\.([0-9]{1,3})\.(0x[0-9a-fA-F]{40})\.([0-9]{1,12})\.(0x[0-9a-f]{130})"
)


def ticket_text(ticket: Ticket, signature: str) -> str:
    """In characters that a header may carry."""
    return f"ticket.{ticket.job_id}.{ticket.attempt}.{ticket.reader}.{ticket.deadline}.{signature}"


def read_ticket(text: str, domain: Domain, scheduler: str, now: int) -> Ticket:
    """What a ticket says.

    Args:
        scheduler: whose word counts: the one that assigned the run.
        now: Unix seconds.

    Raises:
        NotAllowed: it is none, is too old, or another has signed it.
    """
    match = _TEXT.fullmatch(text) if len(text) <= MAX_TICKET else None
    if match is None:
        raise _refused("That is no ticket.")
    ticket = Ticket(JobId(match[1]), int(match[2]), address_of(match[3]), int(match[4]))
    if now > ticket.deadline:
        raise _refused("The ticket has run out.")
    if signer_of_ticket(domain, ticket, match[5]).lower() != scheduler.lower():
        raise _refused("The ticket is not by the scheduler that assigned this run.")
    return ticket


def _refused(what: str) -> NotSignedIn:
    return NotSignedIn(what, "Ask the scheduler for one: GET /v1/deployments/JOB/ticket.")
