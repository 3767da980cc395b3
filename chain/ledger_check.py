"""What a usage ledger is worth: whether its lines follow from one another, are its agent's word, add up, and fit into
what was reserved. Needs the ledger and nothing else; `Checked.against` holds it against what was told elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chain.job import Resources, Usage, usage_cap
from chain.ledger import VERSION, Entry, ReportLine, RunLine, StartLine, Totals, read_entries
from chain.messages import UsageStatement, is_signed_by

MAX_BYTES = 16 * 1024**2
FENCE_SLACK_S = 10  # seconds of what was reserved: bursts, and samples that were late
FENCE_SHARE = 20  # and a twentieth
START_CPU_MS = 3000  # what the runtime itself may need to start a container, beside the program
CLOCK_SLACK_MS = 10_000  # by which an agent's clock may have been set back
MAX_FAULTS = 20
METRICS = ("cpu_ms", "memory_mib_s", "egress_kib", "wall_s")


@dataclass(frozen=True, slots=True)
class Checked:
    """A ledger that was read to its end.

    Args:
        run: whose it claims to be; None when it does not say.
        usage: the last totals.
        reports: the totals that its agent signed, line by line.
        starts: of the run's container.
        heads: what had been metered at each line, by the line's hash.
        head: the hash of the last line.
        faults: why it cannot be believed, in plain words; empty when it holds.
    """

    run: RunLine | None
    usage: Usage
    reports: tuple[Usage, ...]
    starts: int
    heads: dict[str, Usage]
    head: str
    faults: tuple[str, ...]

    @property
    def reported(self) -> Usage:
        """The last totals that its agent signed."""
        return self.reports[-1] if self.reports else Usage()

    def against(self, statements: Sequence[UsageStatement], billed: Usage | None) -> list[str]:
        """What its agent said elsewhere and signed, or billed, that is not in it.

        Args:
            statements: about this run, signatures checked.
            billed: what the contract has accepted; None to leave that out.
        """
        faults = []
        for told in statements:
            if self.heads.get(told.ledger) != told.usage:
                faults.append(
                    f"its agent signed {words(told.usage)} at line {told.ledger[:12]}, which is not in it"
                )
        if billed is not None and not any(
            _bears(told, billed) for told in (*self.reports, Usage())
        ):
            faults.append(f"{words(billed)} were billed, which no signed line of it bears")
        return faults


@dataclass(frozen=True, slots=True)
class Finding:
    """What a watcher found in a ledger that was published under a CID.

    Args:
        of_bill: whether it was held against the whole bill too, which is known once the run is settled.
    """

    cid: str
    faults: tuple[str, ...] = ()
    of_bill: bool = False


@dataclass(slots=True)
class _Reader:
    """What is known after some lines."""

    run: RunLine | None = None
    totals: Totals = field(default_factory=Totals)
    reports: list[Usage] = field(default_factory=list)
    first_ms: int = 0
    starts: int = 0
    heads: dict[str, Usage] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def take(self, entry: Entry, number: int) -> None:
        """One more line."""
        line = entry.line
        match line:
            case RunLine():
                if number != 1 or line.version != VERSION:
                    self.fault(number, "names the run again, or in another version")
                self.run = line
            case StartLine():
                self.starts += 1
                self.first_ms = self.first_ms or line.started_ms
            case Totals():
                self.totals = line
            case ReportLine():
                self._report(line, entry.prev, number)
        self.heads[entry.head] = self.totals.usage()

    def _report(self, line: ReportLine, prev: str, number: int) -> None:
        if (line.usage, line.starts) != (self.totals.usage(), self.starts):
            self.fault(
                number, f"reports {words(line.usage)}, metered were {words(self.totals.usage())}"
            )
        if self.run is None:
            self.fault(number, "is signed for a run that is not named")
            return
        statement = line.statement(self.run, prev)
        if not is_signed_by(self.run.agent, self.run.domain, statement, line.signature):
            self.fault(number, "is not signed by the run's agent")
        self.reports.append(line.usage)

    def fault(self, number: int, what: str) -> None:
        """Note a fault, unless there are many."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"line {number} {what}")


def check_ledger(data: bytes) -> Checked:
    """Read a ledger and judge it. Takes a fraction of a millisecond for each signed line."""
    reader, ends, head, number = _Reader(), 0, "", 0
    for number, entry in enumerate(read_entries(data), 1):
        reader.take(entry, number)
        ends, head = entry.ends, entry.head
    if ends < len(data):
        reader.fault(number + 1, "does not follow from the one before it")
    if reader.run is None:
        reader.faults.append("it does not say which run it is of")
    else:
        usage = reader.totals.usage()
        reader.faults += beyond_fence(usage, reader.run.reserved, reader.starts)
        reader.faults += _beyond_time(reader)
    return Checked(
        run=reader.run,
        usage=reader.totals.usage(),
        reports=tuple(reader.reports),
        starts=reader.starts,
        heads=reader.heads,
        head=head,
        faults=tuple(reader.faults),
    )


def beyond_fence(usage: Usage, reserved: Resources, starts: int) -> list[str]:
    """What of a run's totals cannot be, since its container is held to what was reserved while it runs."""
    cap = usage_cap(reserved, usage.wall_s + FENCE_SLACK_S)
    allowed = {name: getattr(cap, name) * (FENCE_SHARE + 1) // FENCE_SHARE for name in METRICS[:3]}
    allowed["cpu_ms"] += START_CPU_MS * max(1, starts)
    return [
        f"{getattr(usage, name)} of {name} cannot be: {allowed[name]} at most in {usage.wall_s} s of what was reserved"
        for name in METRICS[:3]
        if getattr(usage, name) > allowed[name]
    ]


def _beyond_time(reader: _Reader) -> list[str]:
    totals = reader.totals
    passed_ms = totals.at_ms - reader.first_ms + CLOCK_SLACK_MS
    if totals.wall_ms <= passed_ms:
        return []
    return [f"{totals.wall_ms} ms of running time cannot be: {passed_ms} ms passed at most"]


def _bears(told: Usage, billed: Usage) -> bool:
    """Whether a bill can be of this signed line: the contract takes of each metric at most its cap, so none is more,
    and those that were not capped are the same."""
    same = any(0 < getattr(told, name) == getattr(billed, name) for name in METRICS)
    return told == billed or (same and not exceeding(billed, told))


def exceeding(one: Usage, other: Usage) -> list[str]:
    """The metrics in which one usage is more than the other."""
    return [name for name in METRICS if getattr(one, name) > getattr(other, name)]


def words(usage: Usage) -> str:
    """A usage for people."""
    return (
        f"{usage.cpu_ms} ms of CPU, {usage.memory_mib_s} MiB·s, {usage.egress_kib} KiB sent and "
        f"{usage.wall_s} s"
    )
