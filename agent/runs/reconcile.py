"""What to do next about one run. Pure: what is recorded, what was seen, and the chain's time go in, one action
comes out. There is no case for a restart: it is the first look.

A thing not seen (`None`, the Engine or the chain did not answer) is never taken for a thing not there (`Absent`).
Only three things end a container: its own end, the chain's word, and the job's deadline. A program that its manifest
wants running is started again, on a claim that still stands, in the same container.
"""

from __future__ import annotations

from agent.container.restart import may_restart, told
from agent.observed import Absent, Container, Here, OnChain
from agent.runs.record import RunRecord
from agent.runs.steps import (
    Accept,
    Action,
    Again,
    Claim,
    Clean,
    Collect,
    Complete,
    Create,
    FreeBond,
    Heal,
    NoteClaim,
    NoteExit,
    NotePaid,
    NoteSettled,
    Refuse,
    Start,
    Stop,
    Vouch,
    Wait,
    Watch,
)
from chain.job import JobState, Resources, RunState, Usage, seconds_to_cover

CLAIM_MARGIN_S = 5  # a claim needs a moment to get into a block
FREE_BOND_AFTER_S = (
    60  # for the job's scheduler or consumer, who have the refund to ask for, to do it first
)
CAP_PATIENCE_S = 5  # for the chain's caps to cover what was metered
HOLD_LEAST_S, HOLD_MOST_S = 60, 600
LEAST_LEASE_S = 2.0  # of a container that is started again


def decide(
    record: RunRecord,
    container: Container | Absent | None,
    chain: OnChain | None,
    usage: Usage,
    settle_grace: int,
    here: Here,
) -> Action:
    """The next step of a run.

    Args:
        record: what was done so far.
        container: as seen; None when the Engine did not answer.
        chain: as seen; None when the chain did not answer.
        usage: metered so far.
        settle_grace: seconds after a run's end in which its last report is taken.
        here: the moment.
    """
    if record.refused:
        return Wait() if record.cleaned else Clean()
    if record.claimed_at == 0:
        return _before_claim(record, chain)
    if record.exit is None:
        return _running(record, container, chain, here)
    if not record.collected:
        return Collect()
    if not record.settled:
        return _settle(record, chain, usage, settle_grace)
    if not record.cleaned:
        return Clean()
    return _payment(record, chain, settle_grace)


def _before_claim(record: RunRecord, chain: OnChain | None) -> Action:
    if chain is None:
        return Wait("the chain does not answer")
    if chain.run is not RunState.ABSENT:
        return NoteClaim(chain.started_at)
    if chain.taken:
        return Refuse("another provider has claimed this attempt")
    if chain.attempt > record.attempt:
        return Refuse(f"the job is at attempt {chain.attempt}")
    if chain.state is JobState.ABSENT or chain.attempt < record.attempt:
        gone = _past(record, chain)
        return Refuse("the job is not on the chain") if gone else Wait("it is not on-chain yet")
    if chain.state is not JobState.OPEN:
        return Refuse(f"the job is {chain.state.name.lower()}")
    if not _in_time(record, chain):
        under_way = record.accepted and not _past(record, chain)
        return (
            Wait("a claim may still be mined")
            if under_way
            else Refuse("the assignment has run out")
        )
    return _towards_claim(record)


def _towards_claim(record: RunRecord) -> Action:
    if not record.accepted:
        return Accept()
    return Claim() if record.container_id or _waits_for_secrets(record) else Create()


def _waits_for_secrets(record: RunRecord) -> bool:
    """Whether its container is made after the claim, since its variables only come to who has claimed the job."""
    return any(spec.env for spec in record.offer.manifest.secrets)


def _in_time(record: RunRecord, chain: OnChain) -> bool:
    """Whether a claim sent now gets into a block in time."""
    return chain.now + CLAIM_MARGIN_S <= record.offer.assignment.deadline


def _past(record: RunRecord, chain: OnChain) -> bool:
    """Whether, by the chain's own blocks, no claim can come any more."""
    return chain.head_time > record.offer.assignment.deadline


def _without_claim(record: RunRecord, chain: OnChain) -> Action:
    """A claim that was seen is not there: undone, or the node is behind. Its sender sends it again; where it can no
    longer work, it is made anew."""
    if chain.state is JobState.OPEN and chain.attempt == record.attempt and _in_time(record, chain):
        return Claim()
    return Wait("the claim is not seen")


def why_stop(record: RunRecord, chain: OnChain) -> str:
    """Why the chain wants no more of this run; "" while it does."""
    if chain.taken:
        return "another provider has claimed this attempt"
    if chain.run is RunState.ABSENT:
        return ""  # a node that is behind has not seen our claim yet
    if chain.attempt != record.attempt:
        return "the run lapsed"
    if chain.state is JobState.DISPUTED:
        return "the job is disputed"
    if chain.now >= chain.deadline and chain.state is not JobState.RUNNING:
        return "the job was cancelled, or its duration is used up"
    if chain.state is not JobState.RUNNING:
        return "the deposit is used up"
    return ""


def _running(
    record: RunRecord, container: Container | Absent | None, chain: OnChain | None, here: Here
) -> Action:
    stop = why_stop(record, chain) if chain is not None else ""
    match container:
        case None:
            return Wait("the Docker Engine does not answer")
        case Absent() if record.container_id:
            return NoteExit("the container was removed from outside")
        case Absent() if stop:
            return NoteExit(stop)
        case Absent():
            return _begin(record, chain, Create())
        case Container(status="created") if stop or container.error:
            return NoteExit(stop or f"the container did not start: {container.error}")
        case Container(status="created"):
            return _begin(record, chain, Start())
        case Container(status="exited"):
            return _ended(record, container, chain, stop, here)
        case _:
            return Stop(stop) if stop else _watch(record, container)


def _watch(record: RunRecord, container: Container) -> Action:
    """An unhealthy program is stopped where it may be started again; elsewhere its consumer is told, and decides."""
    ill = bool(record.starts.ill) or container.health == "unhealthy"
    if ill and may_restart(record.offer.manifest, record.starts, code=1):
        return Heal(record.starts.ill or container.ill_why or "its health check fails")
    return Watch()


def _ended(
    record: RunRecord, container: Container, chain: OnChain | None, stop: str, here: Here
) -> Action:
    """The program has ended: for good, or to be started again when its pause is over."""
    starts = record.starts
    if not starts.is_noted(container.started_ms):
        goes_on = may_restart(record.offer.manifest, starts, container.exit_code)
        return Again(container) if goes_on and not (stop or record.stop_why) else NoteExit()
    if stop or record.stop_why:
        return NoteExit(stop)
    if container.error:
        return NoteExit(f"the container did not start again: {container.error}")
    if starts.pause_left_s(here.now_ms) > 0:
        return Wait(told(starts))
    if here.lease_s < LEAST_LEASE_S:
        return Wait("it is started again when the chain has taken a report of it")
    return _begin(record, chain, Start())


def _begin(record: RunRecord, chain: OnChain | None, step: Create | Start) -> Action:
    """Nothing begins to run on a claim that could still be undone: another could run it then at the same time. Its
    container was made before the claim, so that it starts at once; it is made here only when it was not."""
    if chain is None:
        return Wait("the chain does not answer")
    if chain.run is RunState.ABSENT:
        lost = _past(record, chain)
        return Refuse("the claim was undone") if lost else _without_claim(record, chain)
    if chain.deep_run is RunState.ABSENT:
        return Wait("the claim is not deep enough yet")
    return step


def _settle(record: RunRecord, chain: OnChain | None, usage: Usage, settle_grace: int) -> Action:
    if chain is None:
        return Wait("the chain does not answer")
    if chain.taken:
        return NoteSettled("the run is no longer ours to settle")
    if chain.run is RunState.ABSENT:
        lost = _is_lost(record, chain, settle_grace)
        return NoteSettled("the claim is not on-chain") if lost else _without_claim(record, chain)
    if chain.run is not RunState.LIVE and chain.deep_run in (RunState.ABSENT, RunState.LIVE):
        return Wait("the last report is not deep enough yet")
    if chain.run is not RunState.LIVE:
        return NoteSettled("the job is disputed" if chain.run is RunState.FROZEN else "")
    if chain.now > chain.deadline + settle_grace:
        return NoteSettled("the time for the last report is over")
    resources = record.offer.terms.resources
    reserved = Resources(resources.cpu_millis, resources.memory_mib, resources.egress_kib_s)
    ended = record.exit.finished_ms // 1000 if record.exit else 0
    covered = chain.started_at + seconds_to_cover(reserved, usage)
    to_vouch = _is_asked_for_its_word(record) and record.outcome is None
    clock = (
        chain.head_time if to_vouch else chain.now
    )  # what is vouched for is capped by us, at the head
    if clock < min(covered, chain.deadline, ended + CAP_PATIENCE_S):
        return Wait("the chain's clock is behind what was metered")
    return _last_word(record, chain)


def _last_word(record: RunRecord, chain: OnChain) -> Action:
    """A member of a `verify` group vouches for what came out and waits a while: its consumer may pay it at once, which
    only a run that is not completed can be. Payment waits for nobody's consent, so it is a while and no more."""
    if not _is_asked_for_its_word(record) or chain.state is not JobState.RUNNING:
        return Complete()
    if record.outcome is None:
        return Vouch()
    paid = chain.released >= chain.earned >= max(1, record.vouched_for)
    over = chain.now >= min(record.vouched_at + hold_s(record), chain.deadline)
    return Complete() if paid or over else Wait("the group's verdict is awaited")


def _is_asked_for_its_word(record: RunRecord) -> bool:
    """A member of a `verify` group whose program came to its own end."""
    return record.is_verified and not record.cut_short


def hold_s(record: RunRecord) -> int:
    """Seconds for which a verdict is awaited: as long as the program ran, at least and at most so much."""
    ended = record.exit
    ran = (ended.finished_ms - ended.started_ms) // 1000 if ended is not None else 0
    return min(max(ran, HOLD_LEAST_S), HOLD_MOST_S)


def _is_lost(record: RunRecord, chain: OnChain, settle_grace: int) -> bool:
    """Whether, by the chain's own blocks, a claim that is not seen would be worth nothing by now."""
    ends = record.claimed_at + record.offer.terms.duration + settle_grace
    return chain.head_time > ends


def _payment(record: RunRecord, chain: OnChain | None, settle_grace: int) -> Action:
    if record.paid:
        return Wait()
    if chain is None:
        return Wait("the chain does not answer")
    if chain.taken:
        return NotePaid()
    if chain.run is RunState.LIVE:
        due = chain.deadline + settle_grace + FREE_BOND_AFTER_S
        over = chain.state is JobState.ENDED and chain.now > due
        return FreeBond() if over else Wait("the run is not settled yet")
    if chain.run is RunState.ABSENT:
        lost = _is_lost(record, chain, settle_grace)
        return NotePaid() if lost else Wait("the claim is not seen")
    if chain.all_final and chain.deep_released >= chain.earned:
        return NotePaid()
    return Wait("what was earned becomes final by time")
