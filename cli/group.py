"""`verify: n` and `replicas: n`: a folder becomes n jobs, which are followed, judged and settled together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chain.errors import Conflict, NotAllowed, Unavailable
from chain.group import GroupId, member_of
from chain.job import JobId, JobState, JobTerms
from chain.verdict import GroupVerdict, verdict_of
from cli import deploy as deploying
from cli.deploy import Plan
from cli.follow import settle, show_receipt, until_refund_is_known
from cli.members import Members, Watched, terms_of_group
from cli.money import printable, short, tokens
from cli.outcome import EXIT_CODES, standing_of
from cli.screen import Screen
from cli.secrets import hand_over
from cli.session import Session
from cli.verdict import Deeds

LOOK_EVERY_S = 1.0
NO_MAJORITY = 15  # exit code


async def post_group(
    session: Session, screen: Screen, plan: Plan, values: Mapping[str, bytes]
) -> list[JobTerms]:
    """Upload once and post every member that is not on the chain yet; the terms of all.

    Args:
        values: the secrets, which each member is given.

    Raises:
        NotAllowed: too few tokens for all of them.
    """
    terms = terms_of_group(plan.terms)
    member = member_of(plan.terms.salt)
    group = member.group if member else ""
    screen.say(f"  group      {group}")
    await _are_the_same(session, terms, group)
    await _can_pay(session, [session.escrow.job_id(one) for one in terms], plan.deposit)
    await deploying.upload(session, plan)
    for index, one in enumerate(terms):
        part = replace(plan, terms=one, job_id=session.escrow.job_id(one))
        if await session.escrow.state(part.job_id) is not JobState.ABSENT:
            screen.say(f"· member {index} is posted already: job {part.job_id[:10]}")
            continue
        receipt = await deploying.post(session, part)
        told = f"job {part.job_id}, {tokens(plan.deposit)} locked, tx {short(receipt.tx_hash)}"
        screen.done(f"posted {index + 1} of {len(terms)}", told)
        screen.record({"event": "posted", "job": part.job_id, "group": group, "index": index,
                       "cid": plan.cid, "deposit": str(plan.deposit), "tx": receipt.tx_hash})  # fmt: skip
    await _hand_over(session, [session.escrow.job_id(one) for one in terms], values)
    screen.say(f"Follow it with `draas group {group}`.")
    return terms


async def _are_the_same(session: Session, terms: Sequence[JobTerms], group: str) -> None:
    """A group that is there already is gone on with, not posted again beside itself.

    Raises:
        Conflict: it has other jobs.
    """
    mine = {session.escrow.job_id(one) for one in terms}
    known = await session.api.deployments(session.address, GroupId(group))
    if any(found.job_id not in mine for found in known):
        raise Conflict(
            f"Group {group[:12]} has other jobs than this folder and these options make.",
            "Give the same as the first time, or leave --group out for a new one.",
        )


async def _hand_over(session: Session, jobs: Sequence[JobId], values: Mapping[str, bytes]) -> None:
    for job_id in jobs if values else ():
        if await session.escrow.state(job_id) is JobState.OPEN:
            await hand_over(session, job_id, values)


async def _can_pay(session: Session, jobs: Sequence[JobId], deposit: int) -> None:
    states = [await session.escrow.state(job_id) for job_id in jobs]
    due = deposit * states.count(JobState.ABSENT)
    held = await session.token.balance_of(session.address)
    if held < due:
        raise NotAllowed(
            f"The deposits are {tokens(due)} in all, but {session.address} has {tokens(held)}.",
            "Get tokens (on a test network: `draas balance --faucet`), or ask for fewer jobs.",
        )


async def see_through(
    session: Session, screen: Screen, terms: Sequence[JobTerms], environ: Mapping[str, str]
) -> int:
    """Follow a group until all of its runs have ended, carry the verdict out, and settle; the command's exit code."""
    watch = _Watch(session, screen, terms, environ)
    while True:
        if await watch.step():
            break
        await asyncio.sleep(LOOK_EVERY_S)
    judged = watch.judged
    worst = await _settle_all(session, screen, watch.seen)
    return worst if judged is None else _exit_code(judged)


class _Watch:
    """A group under way: what was seen, told, judged and done."""

    def __init__(
        self,
        session: Session,
        screen: Screen,
        terms: Sequence[JobTerms],
        environ: Mapping[str, str],
    ) -> None:
        self._members = Members(session, terms)
        self._deeds = Deeds(session, screen, environ)
        self._screen = screen
        self._told: dict[int, tuple[str, str]] = {}
        self.seen: list[Watched] = []
        self.judged: GroupVerdict | None = None  # once there is a verdict

    async def step(self) -> bool:
        """Look once, and do what follows; whether all is over. Who does not answer is asked again."""
        try:
            self.seen = await self._members.look()
            for one in self.seen:
                _tell_member(self._screen, self._told, one)
            if self._members.is_verified:
                await self._judge()
        except Unavailable as silent:
            self._screen.say(f"· {silent.message}", style="dim")
            return False
        return all(one.over for one in self.seen)

    async def _judge(self) -> None:
        verdict = verdict_of([one.voice for one in self.seen])
        if verdict.kind == "waiting":
            return
        if _parts(verdict) != (self.judged and _parts(self.judged)):
            _tell_verdict(self._screen, verdict)
        self.judged = verdict
        await self._deeds.carry_out(verdict, self.seen)


def _parts(verdict: GroupVerdict) -> tuple[object, ...]:
    return verdict.kind, verdict.agreeing, verdict.differing


def _tell_member(screen: Screen, told: dict[int, tuple[str, str]], one: Watched) -> None:
    if one.shown is None:
        return
    answer, now = one.seat.answer, (standing_of(one.shown), one.shown.why)
    if answer is not None and not one.over:
        now = ("answered", f"exit code {answer.exit_code}, result {answer.result_cid or 'none'}")
    if told.get(one.index) == now:
        return
    told[one.index] = now
    provider = one.shown.provider
    screen.record({"event": "member", "index": one.index, "job": one.job_id, "phase": one.shown.phase,
                   "state": one.shown.state, "why": now[1], "provider": provider})  # fmt: skip
    where = f" on {short(provider)}" if provider else ""
    why = f": {printable(now[1])}" if now[1] else ""
    screen.say(f"· member {one.index} {one.job_id[:10]}{where} {now[0]}{why}", style="cyan")
    for endpoint in one.shown.endpoints if now[0].startswith("running") else []:
        screen.say(f"  port {endpoint.port} is reached at {printable(endpoint.url)}", style="cyan")


def _tell_verdict(screen: Screen, verdict: GroupVerdict) -> None:
    answer = verdict.answer
    screen.record({
        "event": "verdict", "kind": verdict.kind, "why": verdict.why,
        "agreeing": list(verdict.agreeing), "differing": list(verdict.differing),
        "exit_code": answer.exit_code if answer else None,
        "result": answer.result_cid if answer else None,
    })  # fmt: skip
    style = "bold green" if verdict.kind == "agreed" else "bold yellow"
    screen.say(f"verdict: {printable(verdict.why)}", style=style)


def _exit_code(verdict: GroupVerdict) -> int:
    if verdict.answer is None:
        return NO_MAJORITY
    return 0 if verdict.answer.exit_code == 0 else EXIT_CODES["failed"]


async def _settle_all(session: Session, screen: Screen, seen: Sequence[Watched]) -> int:
    """Have every member's unspent deposit back; the worst of their exit codes."""
    worst = 0
    for one in seen:
        shown = one.shown
        if one.absent:
            screen.say(f"member {one.index} was never posted: `draas deploy DIR --group …` does")
            continue
        if shown is None or shown.state != "Disputed":
            await settle(session, one.seat.terms, screen)
            shown = await until_refund_is_known(session.api, one.job_id)
        worst = max(worst, show_receipt(screen, shown).exit_code)
    return worst
