"""What the members of a `verify` group say together. Pure.

Two agree when exit code and result CID are the same. A majority is more than half of *all* members, not of those that
answered: silence is not evidence, neither for nor against. A provider has one voice, however many members it ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Literal

from chain.job import Address

CUT_SHORT = (
    -1
)  # exit code with which a member's run ends that has no result; no program ends with it
MOST_TIMES = 3  # the usual bill: machines differ, and the slowest takes longest
VerdictKind = Literal["waiting", "agreed", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended, and what it left behind."""

    exit_code: int
    result_cid: str  # "" for nothing


@dataclass(frozen=True, slots=True)
class Voice:
    """One member.

    Args:
        provider: who ran it; None while nobody does.
        answer: None while it has none, or its run was cut short.
        over: no answer can come any more.
    """

    index: int
    provider: Address | None = None
    answer: Answer | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What follows.

    Args:
        kind: `agreed` as soon as a majority is sure; `none` when there can be none any more.
        answer: the majority's.
        agreeing: indices of who gave it.
        differing: of who gave another, where there is a majority.
        silent: of who gave none, so far or for good.
        why: for the consumer.
    """

    kind: VerdictKind
    answer: Answer | None
    agreeing: tuple[int, ...]
    differing: tuple[int, ...]
    silent: tuple[int, ...]
    why: str


def majority_of(size: int) -> int:
    """How many are more than half."""
    return size // 2 + 1


def verdict_of(voices: Sequence[Voice]) -> GroupVerdict:
    """The verdict of a group; all of its members are given, those too that have said nothing."""
    size, heard = len(voices), _heard(voices)
    counts = Counter(answer for answer in heard.values())
    silent = tuple(one.index for one in voices if one.answer is None)
    best, count = counts.most_common(1)[0] if counts else (None, 0)
    if best is not None and count >= majority_of(size):
        agreeing = tuple(one.index for one in voices if one.answer == best)
        differing = tuple(one.index for one in voices if one.answer not in (None, best))
        why = f"{count} of {size} agree: exit code {best.exit_code}, result {best.result_cid or 'none'}"
        return GroupVerdict("agreed", best, agreeing, differing, silent, why)
    to_come = sum(one.answer is None and not one.over for one in voices)
    if count + to_come >= majority_of(size):
        told = f"{size - len(silent)} of {size} have answered"
        return GroupVerdict("waiting", None, (), (), silent, told)
    return GroupVerdict("none", None, (), (), silent, _why_none(size, counts, len(silent)))


def overbilled(bills: Mapping[int, int], slack: int) -> set[int]:
    """Whose bill is out of line with the others' for the same work: such a one is not made final at once.

    Args:
        bills: index -> base units, of those that agree.
        slack: base units that machines may differ by anyhow.
    """
    usual = median_low(bills.values()) if bills else 0
    return {index for index, bill in bills.items() if bill > MOST_TIMES * usual + slack}


def _heard(voices: Sequence[Voice]) -> dict[object, Answer]:
    """Each provider's answer. One that gave two different ones is heard with neither."""
    found: dict[object, Answer] = {}
    twice = set[object]()
    for one in voices:
        if one.answer is None:
            continue
        who = one.index if one.provider is None else one.provider.lower()
        if found.setdefault(who, one.answer) != one.answer:
            twice.add(who)
    return {who: answer for who, answer in found.items() if who not in twice}


def _why_none(size: int, counts: Counter[Answer], silent: int) -> str:
    kinds = len(counts)
    if kinds > 1 and max(counts.values()) == 1:
        return (
            f"no two of {sum(counts.values())} answers are the same: the program is most likely not deterministic. "
            "Nothing is disputed; each provider is paid for what ran"
        )
    if kinds > 1:
        return f"{kinds} different answers and no majority of {size}: nothing is disputed"
    return f"{silent} of {size} gave no answer, which leaves no majority: nothing is disputed"
