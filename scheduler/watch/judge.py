"""Whether a run's usage reports fit what was seen of it. Pure: the watchtower's judgement and nothing else.

Each rule finds the most that an honest run can have used; what was billed above it, with a tolerance, is the
excess. Only what was *said or shown* counts against a provider: a heartbeat that was lost, a session that broke,
a time in which this scheduler was down or deaf prove nothing. Times are Unix milliseconds of this machine unless
said otherwise; a probe is answered after it was asked, so its answer needs no clock at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from operator import add

from chain.convert import usage_of
from chain.job import Rates, Resources, Usage, accepted, cost, usage_cap
from chain.ledger_check import beyond_fence, exceeding, words
from scheduler.sessions.witness import Probe, Sighting, each

SLACK_S = 10  # seconds of what was reserved: clocks, a heartbeat's way, samples lost in a crash
SLACK_SHARE = 20  # and a twentieth of what was billed
UNANSWERED = 3  # probes in a row without an answer, while the session lived
WITHHELD_S = 120  # seconds in which lines are told of and none comes, while the session lives


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run has reported, and what is known of it besides.

    Args:
        usage: the totals, as the contract accepted them.
        at_ms: when they were reported.
        resources: what was reserved.
        rates: base units for one unit of each metric.
        frozen: base units that a dispute would freeze: what is not final.
        silent_ms: of the time since the run was last heard of, how much this scheduler was listening and heard
            other agents.
    """

    usage: Usage
    at_ms: int
    resources: Resources
    rates: Rates
    frozen: int
    silent_ms: int = 0
    ledger_faults: tuple[str, ...] = ()  # what was found in the ledger that it rests on


@dataclass(frozen=True, slots=True)
class WatchRules:
    """When to go to court.

    Args:
        least: base units that a dispute must be about: what it can cost the watcher.
        silence_s: seconds for which a run may be billed without a word of it, while other agents are heard.
    """

    least: int
    silence_s: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What does not fit.

    Args:
        reasons: each contradiction, to be read by jurors.
        supported: the most that fits what was seen.
        excess: base units billed above that and its tolerance, and not final yet.
    """

    reasons: tuple[str, ...]
    supported: Usage
    excess: int


def judge(
    bill: Bill, seen: Sighting, probes: Sequence[Probe], rules: WatchRules, now_ms: int
) -> Verdict | None:
    """What of a bill does not fit; None while it fits, or is not worth a dispute.

    Args:
        bill: what was reported.
        seen: the run's sighting.
        probes: of the run, oldest first.
        rules: from when on a dispute is worth it.
        now_ms: this moment.
    """
    reasons: list[str] = []
    supported, excess = bill.usage, 0
    found = [(one, True) for one in _contradictions(bill, seen, probes, rules, now_ms)]
    found += [(one, False) for one in _signed_contradictions(bill, probes)]
    for (reason, billed, most), tolerant in found:
        allowed = each(add, most, _slack(billed, bill.resources)) if tolerant else most
        above = cost(billed, bill.rates) - cost(accepted(billed, allowed), bill.rates)
        if above <= 0:
            continue
        reasons.append(reason)
        if above > excess:
            supported, excess = accepted(billed, most), above
    excess = min(excess, bill.frozen)
    if excess <= 0 or excess < rules.least:
        return None
    return Verdict(tuple(reasons), supported, excess)


Contradiction = tuple[
    str, Usage, Usage
]  # what it is, what was billed, the most that an honest run can have used


def _contradictions(
    bill: Bill, seen: Sighting, probes: Sequence[Probe], rules: WatchRules, now_ms: int
) -> Iterator[Contradiction]:
    last = next((probe for probe in reversed(probes) if probe.metered is not None), None)
    if last is not None:
        yield from _by_its_own_word(last)
    yield from _by_the_clock(bill, seen)
    silent = list(
        takewhile(lambda one: not _speaks(one), (p for p in reversed(probes) if _counts(p)))
    )
    if len(silent) >= UNANSWERED:
        why = f"{len(silent)} probes in a row were not answered, while its agent went on talking"
        yield why, bill.usage, silent[-1].reported
    if bill.silent_ms > rules.silence_s * 1000:
        span_s = rules.silence_s + max(0, now_ms - seen.last_ms - bill.silent_ms) // 1000
        most = each(add, seen.metered, usage_cap(bill.resources, span_s))
        why = f"billed on for {bill.silent_ms // 1000} s without a word of it, while other agents were heard"
        yield why, bill.usage, most
    yield from _by_its_log(bill, seen)


def _signed_contradictions(bill: Bill, probes: Sequence[Probe]) -> Iterator[Contradiction]:
    """What the agent's own signatures contradict. They are exact, so nothing is granted; and of a meter that is proven
    false, no figure that rests on it alone is supported."""
    for probe in probes:
        told = probe.signed
        if told is None:
            continue
        metered = usage_of(told)
        if exceeding(probe.reported, metered):
            why = f"billed {words(probe.reported)}; signed afterwards: metered {words(metered)}"
            yield why, probe.reported, accepted(probe.reported, metered)
    last = next((probe.signed for probe in reversed(probes) if probe.signed is not None), None)
    faults = list(bill.ledger_faults)
    if last is not None:
        faults += beyond_fence(usage_of(last), bill.resources, last.starts)
    if faults:
        why = f"its meter is false: {'; '.join(faults)}"
        yield why, bill.usage, replace(bill.usage, cpu_ms=0, memory_mib_s=0)


def _by_its_own_word(probe: Probe) -> Iterator[Contradiction]:
    """A meter only rises: what it shows after a report is no less than what was reported."""
    metered, answer = probe.metered, probe.answer
    if metered is None or answer is None:
        return
    why = f"billed {words(probe.reported)}; asked afterwards, its own meter showed {words(metered)}"
    yield why, probe.reported, metered
    if answer.running and answer.started_ms:
        ran_s = max(0, answer.at_ms - answer.started_ms) // 1000
        most = replace(probe.reported, wall_s=ran_s)
        yield (
            f"billed {probe.reported.wall_s} s; its container had run for {ran_s} s",
            probe.reported,
            most,
        )


def _by_the_clock(bill: Bill, seen: Sighting) -> Iterator[Contradiction]:
    """No more than was reserved, from when it was last seen not to have begun to when it was first seen over."""
    if seen.not_before_ms is None:
        return
    until = bill.at_ms if seen.ended_ms is None else min(bill.at_ms, seen.ended_ms)
    ran_s = max(0, until - seen.not_before_ms) // 1000
    why = f"billed {words(bill.usage)}; it can have run for {ran_s} s, by what was seen of its start and end"
    yield why, bill.usage, usage_cap(bill.resources, ran_s)


def _by_its_log(bill: Bill, seen: Sighting) -> Iterator[Contradiction]:
    if seen.withheld_ms is None or seen.withheld_at is None:
        return
    waited_s = (seen.last_ms - seen.withheld_ms) // 1000
    if waited_s <= WITHHELD_S:
        return
    why = f"{seen.lines - seen.delivered} log lines were told of and not delivered in {waited_s} s"
    yield why, bill.usage, each(add, seen.withheld_at, usage_cap(bill.resources, WITHHELD_S))


def _counts(probe: Probe) -> bool:
    return probe.outcome in ("answered", "unanswered")


def _speaks(probe: Probe) -> bool:
    return probe.outcome == "answered" and probe.metered is not None


def _slack(billed: Usage, resources: Resources) -> Usage:
    share = each(lambda metric, _: metric // SLACK_SHARE, billed, billed)
    return each(add, usage_cap(resources, SLACK_S), share)
