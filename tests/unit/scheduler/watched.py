"""A run as its watcher sees it, second by second, for the tests of the watchtower's judgement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from chain.convert import usage_body
from chain.job import Address, JobId, Rates, Resources, Usage, accepted, cost, usage_cap
from chain.wire import ProbeAnswer, RunPhase, StatementBody
from scheduler.sessions.witness import Beat, Probe, Sighting, see, see_answer
from scheduler.watch.judge import Bill

RESERVED = Resources(cpu_millis=1000, memory_mib=256, egress_kib_s=0)
RATES = Rates(cpu_ms=10**9, memory_mib_s=10**6, egress_kib=0, wall_s=10**12)
AGENT, JOB = Address("0x" + "a1" * 20), JobId("0x" + "0b" * 32)
BEGAN = 1_700_000_000_000  # Unix milliseconds of the claim
BEAT_S, REPORT_S, PROBE_S, GAP_MS = 2, 20, 15, 8000

Span = tuple[int, int]  # from a second on, for so many seconds


@dataclass(frozen=True)
class Plan:
    """What happens to a run. Seconds since its claim.

    Args:
        starts, lasts: of its container.
        load: thousandths of its core that it uses.
        padding: hundredths of the truth that are billed.
        skew_ms: of the agent's clock.
        delay_s: of what the agent says, on its way.
        mining_s: from a report's sending to its block.
        agent_down, link_down, watcher_down: spans.
    """

    starts: int = 5
    lasts: int = 400
    horizon: int = 300
    load: int = 800
    padding: int = 100
    skew_ms: int = 0
    delay_s: int = 0
    mining_s: int = 1
    agent_down: tuple[Span, ...] = ()
    link_down: tuple[Span, ...] = ()
    watcher_down: tuple[Span, ...] = ()

    def used(self, second: int) -> Usage:
        """What has truly been used."""
        ran = max(0, min(second, self.starts + self.lasts) - self.starts)
        return Usage(cpu_ms=self.load * ran, memory_mib_s=200 * ran, wall_s=ran)

    def phase(self, second: int) -> RunPhase:
        """Where the run stands; the first word of an agent that has just come back is another."""
        if any(begin + length == second for begin, length in self.agent_down):
            return "accepted"
        if second < self.starts:
            return "claiming" if second < self.starts - 1 else "starting"
        return "running" if second < self.starts + self.lasts else "completing"


def within(spans: tuple[Span, ...], second: int) -> bool:
    """Whether a second lies in one of them."""
    return any(begin <= second < begin + length for begin, length in spans)


@dataclass
class Watched:
    """What the watcher knows."""

    seen: Sighting | None = None
    probes: list[Probe] = field(default_factory=list)
    reported: Usage = field(default_factory=Usage)
    reported_at: int = 0

    def bill(self) -> Bill:
        """All of it is disputable yet."""
        at_ms = BEGAN + 1000 * self.reported_at
        return Bill(self.reported, at_ms, RESERVED, RATES, cost(self.reported, RATES))


def watch(plan: Plan) -> Iterator[tuple[Watched, int]]:
    """What the watcher knows at each second in which it is up, and that moment."""
    known, sent = Watched(), Usage()
    for second in range(plan.horizon):
        now_ms = BEGAN + 1000 * second
        sent, reported = _reported(plan, second, sent)
        if reported is not None:
            known.reported, known.reported_at = reported, second
        if within(plan.watcher_down, second):
            continue
        known.seen = known.seen or Sighting(now_ms, now_ms)
        said_at = second - plan.delay_s
        speaks = not within(plan.agent_down, said_at) and not within(plan.link_down, second)
        if said_at >= 0 and speaks:
            if said_at % BEAT_S == 0:
                known.seen = see(known.seen, _beat(plan, said_at), 0, now_ms, GAP_MS)
            if second % PROBE_S == 0:
                _probe(plan, known, second)
        yield known, now_ms


def _reported(plan: Plan, second: int, before: Usage) -> tuple[Usage, Usage | None]:
    """What the contract has accepted by now, and the same when a report was mined in this second."""
    sent_at = second - plan.mining_s
    if sent_at <= 0 or sent_at % REPORT_S or within(plan.agent_down, sent_at):
        return before, None
    true = plan.used(sent_at)
    padded = Usage(
        true.cpu_ms * plan.padding // 100,
        true.memory_mib_s * plan.padding // 100,
        0,
        true.wall_s * plan.padding // 100,
    )
    taken = accepted(padded, usage_cap(RESERVED, second))
    return taken, taken


def _beat(plan: Plan, second: int) -> Beat:
    at_ms = BEGAN + 1000 * second + plan.skew_ms
    return Beat(AGENT, JOB, 1, plan.phase(second), plan.used(second), at_ms)


def stated(usage: Usage, starts: int = 1) -> StatementBody:
    """The signed part of an answer, as it is once its signature was checked."""
    place = {"ledger": "e" * 64, "at_ms": BEGAN, "signature": "0x" + "00" * 65}
    return StatementBody(**asdict(usage), starts=starts, **place)


def _probe(plan: Plan, known: Watched, second: int) -> None:
    """Asked and answered in one second."""
    assert known.seen is not None
    now_ms = BEGAN + 1000 * second
    begun, over = second >= plan.starts, second >= plan.starts + plan.lasts
    at_ms = now_ms + plan.skew_ms
    answer = ProbeAnswer(
        nonce=f"0x{second:064x}",
        at_ms=at_ms,
        running=begun and not over,
        started_ms=BEGAN + 1000 * plan.starts + plan.skew_ms if begun else 0,
        usage=usage_body(plan.used(second)),
        statement=stated(plan.used(second)) if begun else None,
    )
    probe = Probe(answer.nonce, now_ms, known.reported, "answered", now_ms, answer)
    known.probes.append(probe)
    known.seen = see_answer(known.seen, probe, now_ms)
