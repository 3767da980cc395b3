"""`draas ps`, `cancel`, `balance`: looking at one's jobs, ending one, counting the money."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from web3 import Web3

from chain.api import Deployment, DeploymentSummary
from chain.errors import Conflict, InvalidInput, NotFound, Reverted
from chain.group import ID_BYTES, group_id
from chain.job import JobId, JobState, JobTerms
from chain.sender import Receipt
from cli.follow import own_terms, settle, until_refund_is_known
from cli.money import lasting, printable, short, tokens
from cli.outcome import outcome_of, standing_of
from cli.screen import Screen
from cli.session import Session

GROUP_CHARACTERS = 2 + 2 * ID_BYTES  # of a group's id
_HEX = set("0123456789abcdef")


async def find(session: Session, given: str) -> Deployment:
    """A deployment by its job's id, or by the beginning of it when that is enough.

    Raises:
        InvalidInput: no hexadecimal number, or one that fits several jobs.
        NotFound: no such job.
    """
    digits = given.strip().lower().removeprefix("0x")
    if not 4 <= len(digits) <= 64 or not set(digits) <= _HEX:
        raise InvalidInput(
            f"{printable(given)!r} is not a job's id.",
            "Give it as `draas ps` shows it, 4 digits at least.",
        )
    if len(digits) == 64:
        return await session.api.deployment(JobId("0x" + digits))
    found = [
        d
        for d in await session.api.deployments(session.address)
        if d.job_id.startswith("0x" + digits)
    ]
    if not found:
        raise NotFound(f"None of your jobs begins with 0x{digits}.", "`draas ps` lists them.")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} of your jobs begin with 0x{digits}.", "Give more digits.")
    return await session.api.deployment(JobId(found[0].job_id))


async def list_jobs(session: Session, screen: Screen, now: float) -> None:
    """All jobs of the consumer, as the scheduler knows them."""
    found = await session.api.deployments(session.address)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("JOB", "NAME", "STATE", "PHASE", "AGE", "PAID", "DEPOSIT", "WHY"):
        table.add_column(column, no_wrap=column != "WHY")
    for item in found:
        screen.record(item.model_dump(mode="json") | {"outcome": outcome_of(item).kind})
        cells = (
            _named(item),
            item.state,
            standing_of(item),
            lasting(now - item.posted_at),
            tokens(int(item.earned)),
            tokens(int(item.deposit)),
        )
        table.add_row(
            item.job_id[:10], *(printable(cell).replace("[", "\\[") for cell in (*cells, item.why))
        )
    if screen.as_json:
        return
    if found:
        screen.console.print(table)
        await _list_addresses(session, screen, found)
    else:
        screen.say("No jobs yet. `draas deploy DIR` posts one.")


def _named(item: DeploymentSummary) -> str:
    if item.group is None:
        return item.name
    return f"{item.name} {item.group.index + 1}/{item.group.size} of {item.group.id}"


async def _list_addresses(
    session: Session, screen: Screen, found: Sequence[DeploymentSummary]
) -> None:
    """Where services are reached."""
    for item in found:
        if item.ports and item.state in ("Open", "Running"):
            told = await session.api.deployment(JobId(item.job_id))
            for endpoint in told.endpoints:
                screen.say(f"{item.job_id[:10]}  {printable(endpoint.url)}")


async def cancel(session: Session, screen: Screen, given: str) -> None:
    """Cancel a job, or what goes on of a group, and wait for the refund.

    Raises:
        Conflict: it has ended already.
    """
    if len(given) != GROUP_CHARACTERS:
        await _cancel(session, screen, await find(session, given))
        return
    members = await session.api.deployments(session.address, group_id(given))
    going_on = [one.job_id for one in members if one.state in ("Open", "Running")]
    if not going_on:
        raise Conflict("Nothing of this group goes on.", "There is nothing to cancel.")
    ended: list[tuple[JobTerms, Receipt]] = []
    for job_id in going_on:  # all of them first: until its own cancel each goes on to cost
        try:
            shown = await session.api.deployment(JobId(job_id))
            ended.append(await _end(session, screen, shown))
        except Conflict as over:
            screen.say(f"· {job_id[:10]}: {over.message}")
    for terms, receipt in ended:
        await _refunded(session, screen, terms, receipt)


async def _cancel(session: Session, screen: Screen, deployment: Deployment) -> None:
    await _refunded(session, screen, *await _end(session, screen, deployment))


async def _end(
    session: Session, screen: Screen, deployment: Deployment
) -> tuple[JobTerms, Receipt]:
    """Raises `Conflict` when there is nothing to end."""
    terms = own_terms(session, deployment)
    job_id = JobId(deployment.job_id)
    state = await session.escrow.state(job_id)
    over = f"The job is {state.name.capitalize()} already."
    if state not in (JobState.OPEN, JobState.RUNNING):
        raise Conflict(over, "There is nothing to cancel; see `draas ps`.")
    try:
        receipt = await session.send(session.escrow.cancel_job(terms), f"cancel/{job_id}")
    except Reverted as refused:  # it has ended by itself meanwhile
        raise Conflict(refused.message, "See `draas ps`.") from None
    screen.done("cancelled", short(receipt.tx_hash))
    return terms, receipt


async def _refunded(session: Session, screen: Screen, terms: JobTerms, receipt: Receipt) -> None:
    """See to the refund."""
    job_id = session.escrow.job_id(terms)
    await settle(session, terms, screen)
    seen = await until_refund_is_known(session.api, job_id)
    screen.done("refunded", tokens(int(seen.refunded), 8))
    screen.record(
        {
            "event": "cancelled",
            "job": job_id,
            "state": seen.state,
            "refunded": seen.refunded,
            "tx": receipt.tx_hash,
        }
    )


async def show_balance(session: Session, screen: Screen, faucet: bool) -> None:
    """The consumer's tokens, coins for gas, and what is locked in jobs."""
    if faucet:
        receipt = await session.send(session.token.faucet(), "")
        screen.done("the faucet gave tokens", short(receipt.tx_hash))
    held = await session.token.balance_of(session.address)
    coins = await session.w3.eth.get_balance(Web3.to_checksum_address(session.address))
    locked = await _locked(session)
    screen.record(
        {"account": session.address, "tokens": str(held), "locked": str(locked), "wei": str(coins)}
    )
    screen.say(f"account  {session.address}")
    screen.say(f"tokens   {tokens(held)}")
    screen.say(f"locked   {tokens(locked)} in jobs that are not closed, spent or not")
    screen.say(f"gas      {coins / 10**18:.6f} ETH")


async def _locked(session: Session) -> int:
    held = 0
    for job in await session.api.deployments(session.address):
        if job.state != "Closed":
            held += (await session.escrow.job(JobId(job.job_id))).deposit
    return held
