"""Watching one deployment to its end: phases, log lines, and the money moving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chain.api import Deployment
from chain.convert import terms_of
from chain.errors import Conflict, NotFound, Reverted, Unavailable
from chain.events import JobClaimed
from chain.follow import events_of_job
from chain.job import ZERO_ADDRESS, Address, JobId, JobState, JobTerms, RunState
from chain.sender import Receipt
from cli.api import SchedulerApi
from cli.lines import View, show_build, show_logs
from cli.money import lasting, printable, short, tokens
from cli.outcome import Outcome, outcome_of, standing_of
from cli.screen import Journey, Screen
from cli.session import Session

PHASES = ("fetching", "building", "placing", "assigned", "claimed", "running", "ended", "closed")
LOOK_EVERY_S = 0.4
LAST_LINES_S = 5.0
IN_BETWEEN = View(follow=True, indent="  ")  # of what else is said
RETRY_S = 1.0


async def follow(
    session: Session,
    job_id: JobId,
    screen: Screen,
    changed: Callable[[Deployment], None] = lambda _: None,
) -> Deployment:
    """Show everything that happens until the run has ended, log lines included; `changed` hears of each change."""
    with Journey(screen, PHASES) as journey:
        building = show_build(session.api, job_id, screen, IN_BETWEEN.indent)
        said = [
            asyncio.create_task(building),
            asyncio.create_task(show_logs(session.api, job_id, screen, IN_BETWEEN)),
        ]
        try:
            deployment = await _until_over(session, job_id, screen, journey, changed)
            await asyncio.wait(said, timeout=LAST_LINES_S)
        finally:
            for lines in said:
                lines.cancel()
            await asyncio.gather(*said, return_exceptions=True)
    return deployment


async def _until_over(
    session: Session,
    job_id: JobId,
    screen: Screen,
    journey: Journey,
    changed: Callable[[Deployment], None],
) -> Deployment:
    told, reached = ("", "", 0), False
    while True:
        seen = await look(session.api, job_id)
        if seen is None:
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        earned = sum(int(run.earned) for run in seen.runs)
        journey.show(
            seen.phase, printable(seen.why), f"{tokens(earned)} of {tokens(int(seen.deposit))}"
        )
        if seen.endpoints and not reached:
            reached = True
            _tell_addresses(screen, seen)
        now = (standing_of(seen), seen.why, earned)
        if told != now:
            _tell_change(screen, told, seen, earned)
            changed(seen)
            told = now
        if seen.state in ("Ended", "Disputed", "Closed"):
            return seen
        await asyncio.sleep(LOOK_EVERY_S)


def _tell_change(screen: Screen, told: tuple[str, str, int], seen: Deployment, earned: int) -> None:
    screen.record(
        {
            "event": "phase",
            "phase": seen.phase,
            "state": seen.state,
            "why": seen.why,
            "earned": str(earned),
            "health": seen.health,
            "restarts": seen.restarts,
        }
    )
    standing = standing_of(seen)
    if told[:2] != (standing, seen.why):
        screen.say(f"· {standing}" + (f": {printable(seen.why)}" if seen.why else ""), style="cyan")
    if earned > told[2]:
        screen.say(f"· earned {tokens(earned)} of {tokens(int(seen.deposit))}", style="dim")


def _tell_addresses(screen: Screen, seen: Deployment) -> None:
    for endpoint in seen.endpoints:
        screen.record({"event": "endpoint", **endpoint.model_dump()})
        screen.say(f"· port {endpoint.port} is reached at {printable(endpoint.url)}", style="cyan")


async def look(api: SchedulerApi, job_id: JobId) -> Deployment | None:
    """What the scheduler knows of a job that was posted; None while it has not seen it or is silent."""
    try:
        return await api.deployment(job_id)
    except (NotFound, Unavailable):
        return None


def own_terms(session: Session, deployment: Deployment) -> JobTerms:
    """The terms as the scheduler tells them, proved by the job's id.

    Raises:
        Conflict: they are not this job's.
    """
    terms = terms_of(deployment.terms)
    if session.escrow.job_id(terms) != deployment.job_id:
        raise Conflict(
            "The scheduler told other terms than this job has.", "Do not trust this scheduler."
        )
    return terms


async def settle(session: Session, terms: JobTerms, screen: Screen) -> Receipt | None:
    """Wait until the unspent deposit can be paid back, and see to it; None when there was nothing to do."""
    job_id = session.escrow.job_id(terms)
    waiting = False
    while True:
        try:
            job = await session.escrow.job(job_id)
            if job.state in (JobState.CLOSED, JobState.DISPUTED) or (
                job.settled and job.deposit == 0
            ):
                return None
            provider = await _last_provider(session, job_id, job.attempt)
            if await session.escrow.refundable(job_id, provider):
                return await refund(session, terms, provider)
            earned, _ = await session.escrow.earned(job_id, job.attempt, provider)
        except Unavailable:
            await asyncio.sleep(RETRY_S)  # the money waits; a node that is silent is asked again
            continue
        if not job.settled and job.deposit == earned:
            return None
        if not waiting:
            waiting = True
            grace = lasting(session.market.settle_grace)
            screen.say(f"· waiting for the provider's last report (at most {grace})", style="dim")
        await asyncio.sleep(LOOK_EVERY_S)


async def _last_provider(session: Session, job_id: JobId, attempt: int) -> Address:
    """Who runs or ran this attempt; the zero address when nobody did. The scheduler is asked first, and the chain when
    it is silent or told what is not so."""
    seen = await look(session.api, job_id)
    for run in seen.runs if seen else []:
        told = Address(run.provider)
        found = await session.escrow.run(job_id, attempt, told)
        if run.attempt == attempt and found.state is not RunState.ABSENT:
            return told
    events = await events_of_job(session.w3, session.escrow, job_id, session.since)
    claims = [event for event in events if isinstance(event, JobClaimed)]
    return next((one.provider for one in claims if one.attempt == attempt), ZERO_ADDRESS)


async def refund(session: Session, terms: JobTerms, provider: Address) -> Receipt | None:
    """Pay the unspent deposit back; None when somebody was faster, which anybody may be."""
    try:
        return await session.send(session.escrow.refund(terms, provider), "")
    except Reverted as refused:
        if refused.name in ("NothingToRefund", "WrongState"):
            return None
        raise


async def until_refund_is_known(
    api: SchedulerApi, job_id: JobId, within_s: float = 10.0
) -> Deployment:
    """The deployment once the scheduler has read the refund from the chain, or what it knew by then."""
    ends = asyncio.get_running_loop().time() + within_s
    while True:
        seen = await look(api, job_id)
        if seen is not None and _is_parted(seen):
            return seen
        if asyncio.get_running_loop().time() > ends:
            return seen or await api.deployment(job_id)
        await asyncio.sleep(LOOK_EVERY_S)


def _is_parted(seen: Deployment) -> bool:
    """Whether nothing of the deposit is left to come back."""
    earned = sum(int(run.earned) for run in seen.runs)
    return seen.state == "Closed" or int(seen.refunded) > 0 or earned == int(seen.deposit)


def show_receipt(screen: Screen, deployment: Deployment) -> Outcome:
    """What happened and where the money is."""
    outcome = outcome_of(deployment)
    earned = sum(int(run.earned) for run in deployment.runs)
    screen.record(
        {
            "event": "receipt",
            "job": deployment.job_id,
            "state": deployment.state,
            "outcome": outcome.kind,
            "why": outcome.sentence,
            "deposit": deployment.deposit,
            "paid": str(earned),
            "refunded": deployment.refunded,
            "result": deployment.runs[-1].result_cid if deployment.runs else None,
            "exit_code": deployment.runs[-1].exit_code if deployment.runs else None,
            "evidence": deployment.runs[-1].evidence if deployment.runs else "",
        }
    )
    screen.say(
        printable(outcome.sentence), style="bold green" if outcome.exit_code == 0 else "bold yellow"
    )
    screen.say(f"  job        {deployment.job_id} ({deployment.state})")
    for run in deployment.runs:
        usage, under = run.usage, f" under {printable(run.runtime)}" if run.runtime else ""
        screen.say(f"  run {run.attempt}      by {run.provider}{under}: {usage.cpu_ms} CPU ms, "
                   f"{usage.memory_mib_s} MiB s, {usage.egress_kib} KiB out, {usage.wall_s} s")  # fmt: skip
        if run.result_cid:
            screen.say(f"  result     {run.result_cid}")
        if run.evidence:
            screen.say(f"  evidence   {run.evidence}")
    screen.say(f"  deposit    {tokens(int(deployment.deposit), 8)}")
    screen.say(f"  paid       {tokens(earned, 8)}")
    screen.say(f"  refunded   {tokens(int(deployment.refunded), 8)}")
    for transaction in deployment.transactions:
        screen.say(
            f"  {transaction.event:<14} {short(transaction.tx_hash)} block {transaction.block}",
            style="dim",
        )
    return outcome
