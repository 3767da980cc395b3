"""What will happen, when: drawn from the seed alone, so that the same seed gives the same plan."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

AGENTS, CONSUMERS = 3, 3
BOOT_S = 4.0  # before which a part that was started is not counted on
LONG_S = 45.0  # an agent that is away for so long loses its runs
REORG_APART_S = 8.0
MAX_DEPTH = 5

StrikeKind = Literal["kill", "cut", "refuse", "stall", "freeze", "reorg"]
JobKind = Literal["steady", "burst", "failing", "cancelled", "broken", "homeless", "service"]


@dataclass(frozen=True, slots=True)
class Strike:
    """One act of the hand.

    Args:
        at_s: seconds after the storm's begin.
        kind: kill -9 and start again; the connection to the chain closed at once, refused or stalled; stopped by
            SIGSTOP; or the last blocks replaced by empty ones.
        target: the part; for a connection, whose.
        for_s: seconds until it is put right.
        depth: blocks, for a reorganisation.
    """

    at_s: float
    kind: StrikeKind
    target: str
    for_s: float = 0.0
    depth: int = 0

    @property
    def counts_as(self) -> str:
        """The kind of kill, "" for what is none."""
        if self.kind == "kill":
            return self.target.split("-")[0]
        return "chain" if self.kind in ("cut", "refuse", "stall") else ""

    def __str__(self) -> str:
        what = f"{self.depth} blocks" if self.kind == "reorg" else f"for {self.for_s:.1f} s"
        return f"{self.at_s:6.1f} s  {self.kind:<7} {self.target:<12} {what}"


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job to post.

    Args:
        lines, pace_s: how many lines it prints, and the seconds between two of them.
        exit_code: with which it ends by itself.
        cancel_after_s: after its posting; 0 for never.
    """

    name: str
    at_s: float
    kind: JobKind
    consumer: int
    lines: int
    pace_s: float
    exit_code: int = 0
    cancel_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole storm."""

    seed: int
    lasts_s: float
    strikes: tuple[Strike, ...]
    jobs: tuple[JobPlan, ...]

    def told(self) -> list[str]:
        """The plan in lines."""
        kinds = Counter(job.kind for job in self.jobs)
        jobs = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        head = f"seed {self.seed}: {len(self.jobs)} jobs ({jobs}) in {self.lasts_s:.0f} s"
        return [head, *map(str, self.strikes)]


def make_plan(seed: int, jobs: int, kills: int, reorgs: int, schedulers: int) -> Plan:
    """Draw a plan."""
    dice = random.Random(seed)
    lasts = max(90.0, 6.5 * kills, 4.0 * jobs)
    strikes = _kills(dice, kills, schedulers, lasts) + _reorgs(dice, reorgs, lasts)
    strikes += _freezes(dice, kills // 8, schedulers, strikes, lasts)
    strikes.sort(key=lambda strike: strike.at_s)
    return Plan(seed, lasts, tuple(strikes), tuple(_jobs(dice, jobs, lasts)))


def _kills(dice: random.Random, count: int, schedulers: int, lasts: float) -> list[Strike]:
    """As many of each kind as there is room for, at most five, and the rest as the dice fall."""
    kinds = ["scheduler", "agent", "ipfs", "chain"]
    drawn = [kinds[i % 4] for i in range(min(count, 20))]
    drawn += dice.choices(kinds, [3, 4, 1, 2], k=max(0, count - 20))
    dice.shuffle(drawn)
    found: list[Strike] = []
    long = {i for i, kind in enumerate(drawn) if kind == "agent"}
    long = set(sorted(long)[1:3])  # two agents stay away
    for i, kind in enumerate(drawn):
        found.append(_placed(dice, found, _kill(dice, kind, schedulers, i in long), lasts))
    return found


def _kill(dice: random.Random, kind: str, schedulers: int, long: bool) -> Strike:
    if kind == "scheduler":
        return Strike(0, "kill", f"scheduler-{dice.randint(1, schedulers)}", dice.uniform(0.2, 6))
    if kind == "agent":
        away = LONG_S if long else dice.uniform(0.2, 5)
        return Strike(0, "kill", f"agent-{dice.randint(1, AGENTS)}", away)
    if kind == "ipfs":
        return Strike(0, "kill", "ipfs", dice.uniform(0.5, 8))
    whose = dice.choice(_parts(schedulers))
    how: Sequence[StrikeKind] = ("cut", "refuse", "stall")
    return Strike(0, dice.choice(how), whose, dice.uniform(0.5, 6))


def _parts(schedulers: int) -> list[str]:
    return [
        *(f"scheduler-{number + 1}" for number in range(schedulers)),
        *(f"agent-{number + 1}" for number in range(AGENTS)),
    ]


def _placed(dice: random.Random, others: list[Strike], strike: Strike, lasts: float) -> Strike:
    """At a moment at which its target is not already struck."""
    latest = lasts if strike.for_s < LONG_S else lasts / 2
    for _ in range(200):
        at = dice.uniform(5, latest)
        mine = (at, at + strike.for_s + BOOT_S / 2)
        busy = [
            (other.at_s, other.at_s + other.for_s + BOOT_S / 2)
            for other in others
            if other.target == strike.target
        ]
        if all(mine[1] < begin or end < mine[0] for begin, end in busy):
            break
    return Strike(round(at, 2), strike.kind, strike.target, round(strike.for_s, 2))


def _freezes(
    dice: random.Random, count: int, schedulers: int, others: list[Strike], lasts: float
) -> list[Strike]:
    found: list[Strike] = []
    for _ in range(count):
        target = dice.choice(_parts(schedulers))
        freeze = Strike(0, "freeze", target, dice.uniform(1, 8))
        found.append(_placed(dice, others + found, freeze, lasts))
    return found


def _reorgs(dice: random.Random, count: int, lasts: float) -> list[Strike]:
    """Of every depth, the deepest first; so far apart that two of them do not add up."""
    slot = (lasts - 20) / max(1, count)
    found = []
    for number in range(count):
        at = 15 + number * slot + dice.uniform(0, max(0.0, slot - REORG_APART_S))
        depth = MAX_DEPTH - number if number < MAX_DEPTH else dice.randint(1, MAX_DEPTH)
        found.append(Strike(round(at, 2), "reorg", "chain", depth=depth))
    return found


def _jobs(dice: random.Random, count: int, lasts: float) -> list[JobPlan]:
    shares: dict[JobKind, int] = {
        "failing": 7,
        "cancelled": 6,
        "broken": 3,
        "homeless": 3,
        "service": 3,
        "burst": 10,
    }
    kinds: list[JobKind] = [kind for kind, share in shares.items() for _ in range(share)]
    dice.shuffle(kinds)
    kinds = (
        (kinds + ["steady"] * count)[: max(1, count)] if count >= 60 else _few(dice, kinds, count)
    )
    dice.shuffle(kinds)
    return [_job(dice, number, kind, lasts) for number, kind in enumerate(kinds)]


def _few(dice: random.Random, kinds: list[JobKind], count: int) -> list[JobKind]:
    """Half of them steady where there are not enough for all kinds."""
    rest: list[JobKind] = ["steady"] * (count - count // 2)
    return dice.sample(kinds, min(len(kinds), count // 2)) + rest


def _job(dice: random.Random, number: int, kind: JobKind, lasts: float) -> JobPlan:
    lines, pace = dice.choice([(20, 0.3), (40, 0.4), (30, 1.0)])
    at = dice.uniform(0, 0.7 * lasts)
    code = 0
    cancel = 0.0
    match kind:
        case "burst":
            lines, pace = 400, 0.0
        case "failing":
            code, lines, pace = 3, 25, 0.4
        case "cancelled":
            lines, pace, cancel = 600, 0.5, dice.uniform(0.5, 35)
        case "service":  # posted early, and longer than an agent's absence
            lines, pace, at = 100_000, 0.5, dice.uniform(0, 5)
    return JobPlan(
        name=f"{kind}-{number}",
        at_s=round(at, 2),
        kind=kind,
        consumer=number % CONSUMERS,
        lines=lines,
        pace_s=pace,
        exit_code=code,
        cancel_after_s=round(cancel, 2),
    )
