"""What this provider has earned, from the chain's own figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.runs.look import Seen
from chain.job import RunState


@dataclass(frozen=True, slots=True)
class Earnings:
    """In base units of the token.

    Args:
        earned: by every report so far: of settled runs, and of those that are not.
        pending: of it, still inside the window: it may be disputed.
        withdrawable: final, and not yet paid out; the agent withdraws it by itself.
        withdrawn: what was.
    """

    earned: int
    pending: int
    withdrawable: int
    withdrawn: int


def earnings_of(settled: int, runs: Iterable[Seen | None], credit: int) -> Earnings:
    """The sums.

    Args:
        settled: what the chain counts as earned over all settled runs.
        runs: as last seen on-chain; None for one that was not.
        credit: what the escrow holds for us besides.
    """
    chains = [seen.chain for seen in runs if seen is not None]
    live = sum(chain.earned for chain in chains if chain.run is RunState.LIVE)
    pending = sum(chain.earned - chain.final for chain in chains)
    withdrawable = credit + sum(max(0, chain.final - chain.released) for chain in chains)
    earned = settled + live
    withdrawn = max(0, earned - pending - withdrawable)
    return Earnings(earned, pending, withdrawable, withdrawn)
