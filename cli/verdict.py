"""What a consumer does about a `verify` group's verdict: the majority is paid at once, who differs goes to court."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from chain.bundle import pack
from chain.convert import usage_of
from chain.errors import Conflict, NotAllowed, Reverted
from chain.group_evidence import check_results, make_results_evidence
from chain.ipfs import add_bytes
from chain.job import Address, RunState, cost, final_earned, max_cost
from chain.messages import Domain, sign_report
from chain.result import report_of
from chain.sender import Receipt
from chain.verdict import GroupVerdict, overbilled
from cli.members import Watched
from cli.money import short, tokens
from cli.screen import Screen
from cli.session import Session, home_of, load_market

SLACK_S = 10  # seconds of all that is reserved, by which bills may differ
COMPLETES_WITHIN_S = 120  # of being paid
EVIDENCE_FILE = "evidence.json"


class Deeds:
    """What was done about one group, each thing once."""

    def __init__(self, session: Session, screen: Screen, environ: Mapping[str, str]) -> None:
        self._session = session
        self._screen = screen
        self._environ = environ
        self._domain = Domain(session.market.chain_id, session.escrow.address)
        self._done: set[tuple[int, int]] = set()  # members' attempts
        self._paid_at: dict[tuple[int, int], float] = {}  # by the monotonic clock

    async def carry_out(self, verdict: GroupVerdict, seen: Sequence[Watched]) -> None:
        """Pay and dispute what can be, so far. Safe to repeat.

        Raises:
            NotAllowed: a dispute is due, and there are too few tokens for its bond.
            Unavailable: the chain or the IPFS node does not answer.
        """
        dear = _overbilled([seen[index] for index in verdict.agreeing])
        for index in verdict.agreeing:
            run = index, seen[index].seat.attempt
            if run not in self._done and seen[index].outcome is not None:
                await self._pay(seen[index], dear=index in dear)
                self._done.add(run)
        for index in verdict.differing:
            run = index, seen[index].seat.attempt
            if run not in self._done and await self._dispute(seen, index):
                self._done.add(run)
        await self._end_overdue(seen)

    async def _end_overdue(self, seen: Sequence[Watched]) -> None:
        """Who was paid for a program that is over, and does not complete, could go on to bill."""
        for (index, attempt), paid_at in list(self._paid_at.items()):
            one = seen[index]
            if one.over or one.seat.attempt != attempt:
                del self._paid_at[index, attempt]
            elif time.monotonic() - paid_at > COMPLETES_WITHIN_S:
                with suppress(Reverted):  # it has completed meanwhile
                    call = self._session.escrow.cancel_job(one.seat.terms)
                    receipt = await self._session.send(call, f"cancel/{one.job_id}")
                    told = f"member {index} does not complete, and is cancelled"
                    self._screen.done(told, short(receipt.tx_hash))
                del self._paid_at[index, attempt]

    async def _pay(self, one: Watched, *, dear: bool) -> None:
        receipt = None if one.over or dear else await pay(self._session, self._domain, one)
        fact: dict[str, object] = {"event": "paid", "index": one.index, "job": one.job_id}
        self._screen.record(
            fact | {"at_once": receipt is not None, "tx": receipt and receipt.tx_hash}
        )
        if receipt is not None:
            self._paid_at[one.index, one.seat.attempt] = time.monotonic()
            self._screen.done(f"member {one.index} is paid, finally", short(receipt.tx_hash))
        else:
            why = "it bills far more than the others" if dear else "its run takes no report now"
            self._screen.say(f"· member {one.index} is paid as time goes by: {why}")

    async def _dispute(self, seen: Sequence[Watched], index: int) -> bool:
        """Whether nothing is left to do about it."""
        one, escrow = seen[index], self._session.escrow
        provider, attempt = one.seat.provider, one.seat.attempt
        if provider is None:
            return False
        run = await escrow.run(one.job_id, attempt, provider)
        if run.state in (RunState.FROZEN, RunState.RULED):
            return True
        rules = await escrow.parameters()
        now = int((await self._session.w3.eth.get_block("latest"))["timestamp"])
        if run.earned == final_earned(run, rules.window, now):
            if one.over:
                self._screen.say(f"· member {index} has billed nothing that can be disputed")
            return one.over
        text = make_results_evidence(
            self._session.account, self._domain, [each.seat for each in seen], index
        )
        if faults := check_results(text).faults:  # nothing is staked on what does not hold
            if one.over:
                self._screen.say(f"· member {index} is not disputed: {'; '.join(faults)}")
            return one.over
        await self._bond(rules.dispute_bond)
        path = await publish(self._session, self._environ, text.encode())
        fee = await escrow.dispute_fee()
        call = escrow.dispute(one.seat.terms, attempt, provider, path, fee)
        try:
            receipt = await self._session.send(call, f"dispute/{one.job_id}/{attempt}")
        except Reverted as refused:
            self._screen.say(f"· member {index} cannot be disputed: {refused.message}")
            return one.over
        fact: dict[str, object] = {"event": "disputed", "index": index, "job": one.job_id}
        self._screen.record(fact | {"evidence": path, "tx": receipt.tx_hash, "provider": provider})
        self._screen.done(f"member {index} is disputed", f"evidence {path}")
        return True

    async def _bond(self, bond: int) -> None:
        session = self._session
        held = await session.token.balance_of(session.address)
        if held < bond:
            raise NotAllowed(
                f"A dispute is due and costs a bond of {tokens(bond)}, but {session.address} has {tokens(held)}.",
                "Get tokens, and go on with `draas group` before the window is over.",
            )
        if await session.token.allowance(session.address, session.escrow.address) < bond:
            await session.send(session.token.approve(session.escrow.address, bond), "")


def _overbilled(agreeing: Sequence[Watched]) -> set[int]:
    """By what each bills, at the same rates for all."""
    bills = {}
    for one in agreeing:
        run = one.shown.runs[-1] if one.shown is not None and one.shown.runs else None
        told = one.outcome.usage if one.outcome is not None else run.usage if run else None
        if told is not None:
            bills[one.index] = cost(usage_of(told), one.seat.terms.max_rates)
    terms = agreeing[0].seat.terms if agreeing else None
    slack = max_cost(terms.resources, terms.max_rates, SLACK_S) if terms else 0
    return overbilled(bills, slack)


async def pay(session: Session, domain: Domain, one: Watched) -> Receipt | None:
    """Sign a member's last report too and send it: all that its run has earned is final then. None when the contract
    takes no such report any more; time makes it final."""
    told, provider = one.outcome, one.seat.provider
    if told is None or provider is None:
        return None
    report = report_of(one.job_id, one.seat.attempt, told)
    signed = (provider, report, told.report_signature)
    own = sign_report(session.account, domain, report)
    call = session.escrow.report_final(signed, one.seat.terms, own)
    try:
        return await session.send(call, f"final/{one.job_id}/{one.seat.attempt}")
    except Reverted:
        return None


async def publish(session: Session, environ: Mapping[str, str], data: bytes) -> str:
    """Put evidence on IPFS: on our own node, else through the scheduler; its path.

    Raises:
        Conflict: the scheduler stored something else.
        Unavailable: nobody answers.
    """
    local = load_market(home_of(environ))
    api = environ.get("IPFS_API") or (local.ipfs_api if local else "")
    if api:
        return f"/ipfs/{await add_bytes(api, data)}"
    with tempfile.TemporaryDirectory(prefix="draas-") as place:
        (Path(place) / EVIDENCE_FILE).write_bytes(data)
        bundle = pack(Path(place))
    answer = await session.api.upload(bundle.archive, Address(session.address), "0x" + "00" * 32)
    if answer.cid != bundle.cid:
        raise Conflict(
            f"The scheduler stored {answer.cid}, but the evidence is {bundle.cid}.",
            "Name an IPFS node in IPFS_API.",
        )
    return f"/ipfs/{bundle.cid}/{EVIDENCE_FILE}"
