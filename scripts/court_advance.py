"""Do whatever the court waits for, in any case: draw jurors, tally votes, execute rulings; anybody may:
scripts/brownie.sh run court_advance --network NAME
"""

from __future__ import annotations

from typing import Any

from brownie import Contract, web3

from scripts.cases import Phase, stands
from scripts.market import LOCAL, foresee, send, the_account, the_court, the_escrow
from scripts.words import refuse, say


def main() -> None:
    """One transaction a step; a case that time alone moves on is left to it."""
    escrow = the_escrow()
    court, account = the_court(escrow), the_account()
    cases = range(1, court.disputeCount() + 1)
    steps = 0
    for dispute in cases:
        steps += draw(court, account)  # before the tallies, which are refused while a draw is due
        steps += tally(court, account, dispute)
        steps += execute(court, escrow, account, dispute)
    dispute, block = court.nextDraw()
    if dispute:
        say(f"jurors for dispute {dispute} can be drawn from block {block} on: run this again then")
    if steps == 0:
        waiting = [stands(court, dispute) for dispute in cases if not is_over(court, dispute)]
        refuse("No case waits for a call.", "\n  ".join(waiting) or "There are no open cases.")


def draw(court: Any, account: Any) -> int:
    """Seats the panels in the queue whose seeds are known. Returns how many calls that took."""
    steps = 0
    while (pending := court.nextDraw())[0]:
        dispute, first = pending
        if web3.eth.chain_id in LOCAL:
            mine_until(first)
        if web3.eth.block_number < first:
            break
        tx = send(account, court.draw)
        steps += 1
        late = "CommitStarted" not in tx.events and "RoundClosed" not in tx.events
        say(f"dispute {dispute}: {'queued again, the seed was gone' if late else 'drawn'}")
    return steps


def tally(court: Any, account: Any, dispute: int) -> int:
    """Tallies a case, when that is due and no draw comes first. Returns how many calls that took."""
    if court.phaseOf(dispute)[0] != Phase.TALLYING or court.nextDraw()[0]:
        return 0
    send(account, court.tally, dispute)
    say(f"dispute {dispute}: tallied")
    return 1


def execute(court: Any, escrow: Any, account: Any, dispute: int) -> int:
    """Has a final ruling taken by the contract that asked. Returns how many calls that took."""
    if court.phaseOf(dispute)[0] != Phase.RULED:
        return 0
    if fault := refusal(court, escrow, dispute):
        say(f"dispute {dispute}: ruled, but not taken ({fault}); see rule_by_default")
        return 0
    send(account, court.executeRuling, dispute)
    say(f"dispute {dispute}: executed, {court.currentRuling(dispute)}")
    return 1


def refusal(court: Any, escrow: Any, dispute: int) -> str:
    """Why the contract that asked would not take the ruling; empty when it would."""
    where = court.disputes(dispute)[0]
    asker = escrow
    if where != escrow.address:
        asker = Contract.from_abi("Arbitrable", where, escrow.abi, persist=False)
    return foresee(court.address, asker.rule, (dispute, court.currentRuling(dispute)))


def is_over(court: Any, dispute: int) -> bool:
    """Whether nothing will come of a case any more."""
    return bool(court.phaseOf(dispute)[0] == Phase.EXECUTED)


def mine_until(block: int) -> None:
    """A local chain makes no blocks of its own."""
    while web3.eth.block_number < block:
        web3.provider.make_request("evm_mine", [])
