"""What each step costs, the least it could cost, and the ratio: scripts/gas.sh measures, this prints.

The floor of a step is what the EVM charges for the things that the step cannot do without: the transaction, its
calldata, the storage slots that it has to read and write, the events that it has to tell, the signatures that it has to
recover and the tokens that it has to move. All computing is above the floor. Prices: Shanghai.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

SNAPSHOT = Path(__file__).resolve().parents[1] / "snapshots" / "gas.json"

TRANSACTION = 21_000
READ = 2_100  # a slot not touched before, EIP-2929
WARM_READ = 100
CHANGE = 2_100 + 2_900  # a slot that holds something, EIP-2200 and EIP-2929
NEW = 2_100 + 20_000  # a slot that holds nothing yet
CLEARED = 4_800  # refunded for a slot that is emptied, EIP-3529
CALL = 2_600  # another contract's account, EIP-2929
ECRECOVER = 3_000
WORD = 32


def log(topics: int, words: int) -> int:
    """Gas of an event with so many topics, its name's hash included, and words of data."""
    return 375 + 375 * topics + 8 * WORD * words


TOKEN_OUT = CALL + 2 * CHANGE + log(3, 1)  # two balances and the token's own event
TOKEN_IN = TOKEN_OUT + READ  # and the allowance
REPORT_LOG = log(3, 6)  # attempt, four metrics, earned

# By step: what it cannot avoid, apart from the transaction and its calldata.
TERMS: dict[str, dict[str, int]] = {
    "post": {"job slot, new": NEW, "JobPosted": log(4, 20), "tokens in": TOKEN_IN},
    "post_permit": {
        "job slot, new": NEW,
        "JobPosted": log(4, 20),
        "tokens in": TOKEN_IN - READ,
        "permit's signature": ECRECOVER,
        "permit's nonce": CHANGE,
        # Given and used up: 20,000 for the new value, and 19,900 of it back when it is zero again.
        "allowance": NEW + WARM_READ - 19_900 + WARM_READ,
        "token's Approval": log(3, 1),
    },
    "claim": {
        "job slot": CHANGE,
        "run slot, new": NEW,
        "provider slot": CHANGE,
        "rate card": READ,
        "scheduler's signature": ECRECOVER,
        "JobClaimed": log(3, 4),
    },
    "report": {
        "run slot": CHANGE,
        "job slot": READ,
        "rate card": READ,
        "UsageReported": REPORT_LOG,
    },
    "complete": {
        "run slot": CHANGE,
        "job slot": CHANGE,
        "provider slot": CHANGE,
        "rate card": READ,
        "UsageReported": REPORT_LOG,
        "JobCompleted": log(3, 6),
    },
    "cancel_open": {"job slot": CHANGE, "JobCancelled": log(2, 1), "tokens out": TOKEN_OUT},
    "refund": {"job slot": CHANGE, "Refunded": log(3, 1), "tokens out": TOKEN_OUT},
    "withdraw": {
        "run slot": CHANGE,
        "credit": READ,
        "Withdrawn": log(3, 2),
        "tokens out": TOKEN_OUT,
    },
}
TERMS["report_first"] = TERMS["report_next_window"] = TERMS["report"]
TERMS["report_release"] = {**TERMS["report"], "credit slot, new": NEW, "Released": log(3, 2)}
BATCH = 10
CYCLE = ("post", "claim", "report_first", "complete", "withdraw")
KEYS = (
    "post",
    "post_permit",
    "claim",
    "report",
    "report_of_10",
    "complete",
    "cancel_open",
    "withdraw",
    "cycle",
)
LIMITS = dict(
    zip(
        KEYS,
        (110_000, 145_000, 75_000, 40_000, 18_000, 55_000, 45_000, 50_000, 310_000),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: gas used, and the floor term by term."""

    name: str
    gas: int
    terms: dict[str, int]

    @property
    def floor(self) -> int:
        """The least it could cost."""
        return sum(self.terms.values())


def steps_of(measured: dict[str, int]) -> list[Step]:
    """Every step with its floor; a report of ten is a tenth of the ten together."""
    steps = [
        Step(name, measured[name], _with_calldata(terms, measured[f"{name}.calldata"]))
        for name, terms in TERMS.items()
    ]
    batch = _with_calldata({}, measured["ten_reports.calldata"])
    each = {name: value // BATCH for name, value in batch.items()}
    each |= {name: value for name, value in TERMS["report"].items() if name != "rate card"}
    each["rate card, once"] = READ // BATCH
    steps.append(Step("report_of_10", measured["ten_reports"] // BATCH, each))
    floors = {step.name: step.floor for step in steps}
    steps.append(Step("cycle", measured["cycle"], {name: floors[name] for name in CYCLE}))
    return steps


def _with_calldata(terms: dict[str, int], calldata: int) -> dict[str, int]:
    return {"transaction": TRANSACTION, "calldata": calldata, **terms}


def table(steps: list[Step]) -> list[str]:
    """For people: a line a step, the terms of its floor below it."""
    lines = [f"{'step':<20}{'gas':>9}{'floor':>9}{'ratio':>8}{'limit':>9}"]
    for step in steps:
        limit = f"{LIMITS[step.name]:>9,}" if step.name in LIMITS else ""
        ratio = step.gas / step.floor
        lines.append(f"{step.name:<20}{step.gas:>9,}{step.floor:>9,}{ratio:>8.3f}{limit}")
        lines += [f"    {name:<25}{gas:>9,}" for name, gas in step.terms.items()]
    return lines


def summary(steps: list[Step]) -> str:
    """For programs: one JSON object, step to gas and floor."""
    found = {step.name: {"gas": step.gas, "floor": step.floor} for step in steps}
    return json.dumps({key: found[key] for key in KEYS})


def main() -> None:
    """Print the table of the snapshot; its last line is JSON."""
    measured = {name: int(value) for name, value in json.loads(SNAPSHOT.read_text()).items()}
    steps = steps_of(measured)
    sys.stdout.write("\n".join([*table(steps), summary(steps)]) + "\n")


if __name__ == "__main__":
    main()
