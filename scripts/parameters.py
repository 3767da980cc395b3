"""What a deployment fixes for good: the defaults, the environment's changes, and whether it all holds together."""

from __future__ import annotations

import os

from scripts.words import WHOLE_SHARE, refuse, whole

MINUTE, HOUR, TOKEN = 60, 3600, 10**18
SPAN = 2**32 - 1  # the longest, in seconds

# In the order of the contracts' structs. Times are in seconds, fees in wei, stakes and bonds in base units.
COURT = {
    "SEAT_STAKE": 1000 * TOKEN,
    "JURORS": 3,
    "FEE_PER_JUROR": 2 * 10**15,
    "DRAW_TIME": HOUR,
    "COMMIT_TIME": 12 * HOUR,
    "REVEAL_TIME": 12 * HOUR,
    "APPEAL_TIME": 12 * HOUR,
    "COHERENCE": 1000,
    "PENALTY": 2000,
    "MAX_APPEALS": 1,
}
ESCROW = {
    "WINDOW": 6 * HOUR,
    "LAPSE_AFTER": 15 * MINUTE,
    "SETTLE_GRACE": 30 * MINUTE,
    "BOND_PER_UNIT": TOKEN // 100,
    "DISPUTE_BOND": 10 * TOKEN,
    "RULING_TIME": 144 * HOUR,
    "UNBOND_TIME": 7 * 24 * HOUR,
    "LAPSES_PER_SLASH": 3,
    "COURT_ID": 0,
    "MIN_JURORS": 0,
}
# On a chain on one machine one juror judges, in minutes.
LOCAL_COURT = COURT | {
    "SEAT_STAKE": 100 * TOKEN,
    "JURORS": 1,
    "DRAW_TIME": MINUTE,
    "COMMIT_TIME": MINUTE,
    "REVEAL_TIME": MINUTE,
    "APPEAL_TIME": MINUTE,
}
LOCAL_ESCROW = ESCROW | {
    "WINDOW": MINUTE,
    "LAPSE_AFTER": MINUTE,
    "SETTLE_GRACE": MINUTE // 2,
    "RULING_TIME": 20 * MINUTE,
    "UNBOND_TIME": 30 * MINUTE,
}
MOST = {
    "SEAT_STAKE": 2**96 - 1,
    "JURORS": 31,
    "FEE_PER_JUROR": 2**88 - 1,
    "COHERENCE": WHOLE_SHARE,
    "PENALTY": WHOLE_SHARE,
    "MAX_APPEALS": 4,
    "BOND_PER_UNIT": 2**128 - 1,
    "DISPUTE_BOND": 2**128 - 1,
    "LAPSES_PER_SLASH": 2**256 - 1,
    "COURT_ID": 2**256 - 1,
    "MIN_JURORS": 31,
}
MAY_BE_ZERO = {
    "FEE_PER_JUROR",
    "COHERENCE",
    "PENALTY",
    "MAX_APPEALS",
    "BOND_PER_UNIT",
    "DISPUTE_BOND",
    "COURT_ID",
    "MIN_JURORS",
}


def from_environment(defaults: dict[str, int]) -> dict[str, int]:
    """The defaults, with what the environment sets of them."""
    values = {
        name: whole(os.environ.get(name) or str(value), name, MOST.get(name, SPAN))
        for name, value in defaults.items()
    }
    for name, value in values.items():
        if value == 0 and name not in MAY_BE_ZERO:
            refuse(f"{name} is 0.", "It has to be 1 or more.")
    return values


def check_court(court: dict[str, int]) -> None:
    """Refuse a panel that could be tied."""
    if court["JURORS"] % 2 == 0:
        refuse(f"JURORS is {court['JURORS']}.", "It has to be odd.")


def longest_case(court: dict[str, int]) -> int:
    """As the court's `longestCase`: every round drawn twice, every appeal used; in seconds."""
    appeals = court["MAX_APPEALS"]
    return longest_round(court) * (appeals + 1) + court["APPEAL_TIME"] * appeals


def longest_round(court: dict[str, int]) -> int:
    """Seconds from a draw to the ruling of a round that is drawn twice."""
    return 2 * (court["DRAW_TIME"] + court["COMMIT_TIME"] + court["REVEAL_TIME"])


def last_appeal(court: dict[str, int]) -> int:
    """The latest second of a case at which an appeal can be made."""
    return longest_case(court) - longest_round(court)


def check_escrow(escrow: dict[str, int], longest: int, appealed: int = 0) -> None:
    """Refuse times in which the court could not rule, or a bond could be gone before it is called for.

    Args:
        longest: seconds that a case can take; 0 when the arbitrator does not tell.
        appealed: seconds until its last appeal, which the escrow takes in the first half of the ruling time.
    """
    ruling = escrow["RULING_TIME"]
    needed = max(longest, 2 * appealed)
    if ruling < needed:
        refuse(
            f"RULING_TIME is {ruling}: a case can take {longest} s, its last appeal can come after {appealed} s.",
            f"Set it to {needed} or more, or shorten the court's times.",
        )
    least = 2 * escrow["WINDOW"] + ruling + 1
    if escrow["UNBOND_TIME"] < least:
        refuse(
            f"UNBOND_TIME is {escrow['UNBOND_TIME']}: a bond could be gone before a dispute is ruled.",
            f"Set it to {least} or more: two windows, the ruling time and a second.",
        )
