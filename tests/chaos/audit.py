"""What the chain says at the end, read with plain web3 and the ABIs: a fault in our bindings must not hide itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector
from web3 import HTTPProvider, Web3

from chain.contracts import AddressBook

CLOSED = 5
# Calls that work once with the same arguments, and events that come once for a run.
ONCE = ("postJob", "claimJob", "completeJob", "cancelJob", "refund", "declineJob")
ONCE_A_RUN = ("JobClaimed", "JobLapsed", "JobSettled")


@dataclass
class Findings:
    """What does not hold, in words, and by how much."""

    lost: list[str] = field(default_factory=list)
    paid_twice: list[str] = field(default_factory=list)
    unaccounted: int = 0  # base units
    notes: list[str] = field(default_factory=list)

    def differ(self, what: str, expected: int, found: int) -> None:
        """Two amounts that are to be equal."""
        if expected != found:
            self.unaccounted += abs(expected - found)
            self.notes.append(f"{what}: {expected} expected, {found} found")


@dataclass(frozen=True)
class Ledger:
    """The events of the escrow."""

    events: list[Any]

    def of(self, name: str) -> list[Any]:
        """The arguments of one kind."""
        return [event["args"] for event in self.events if event["event"] == name]

    def sums(self, name: str, amount: str, *by: str) -> Counter[tuple[Any, ...]]:
        """Sums of an amount by some arguments."""
        found: Counter[tuple[Any, ...]] = Counter()
        for args in self.of(name):
            found[tuple(args[one] for one in by)] += args[amount]
        return found


def audit(rpc_url: str, book: AddressBook, jobs: Sequence[str]) -> Findings:
    """Hold every token against the events and the storage of the escrow."""
    w3 = Web3(HTTPProvider(rpc_url))
    escrow = w3.eth.contract(address=w3.to_checksum_address(book.escrow), abi=book.escrow_abi)
    token = w3.eth.contract(address=w3.to_checksum_address(book.token), abi=book.token_abi)
    found = Findings()
    ledger = _read(escrow)
    for job in jobs:
        state = escrow.functions.stateOf(job).call()
        if state != CLOSED:
            found.lost.append(f"{job} is in state {state}")
    _jobs(escrow, ledger, jobs, found)
    _payments(ledger, found)
    _balances(escrow, token, ledger, jobs, found)
    _once(w3, escrow, found)
    return found


def _read(escrow: Any) -> Ledger:
    found: list[Any] = []
    for event in escrow.events:
        found += event().get_logs(from_block=0)
    return Ledger(sorted(found, key=lambda item: (item["blockNumber"], item["logIndex"])))


def _earned(ledger: Ledger) -> dict[tuple[Any, ...], int]:
    """What each run had earned by its last report, settlement or lapse."""
    earned: dict[tuple[Any, ...], int] = {}
    for name in ("UsageReported", "JobLapsed", "JobSettled"):
        for args in ledger.of(name):
            run = (args["jobId"], args["attempt"], args["provider"])
            earned[run] = max(earned.get(run, 0), args["earned"])
    return earned


def _jobs(escrow: Any, ledger: Ledger, jobs: Sequence[str], found: Findings) -> None:
    """deposits = earned + refunded + unspent, for each job."""
    put = ledger.sums("JobPosted", "deposit", "jobId")
    put.update(ledger.sums("JobToppedUp", "amount", "jobId"))
    back = ledger.sums("Refunded", "amount", "jobId")
    back.update(ledger.sums("JobCancelled", "refunded", "jobId"))
    earned: Counter[tuple[Any, ...]] = Counter()
    for (job, _, _), amount in _earned(ledger).items():
        earned[job,] += amount
    for text in jobs:
        job = (bytes.fromhex(text.removeprefix("0x")),)
        if put[job] == 0:
            found.lost.append(f"{text} was never posted")
        unspent = escrow.functions.jobs(text).call()[0]
        found.differ(f"{text} deposits", put[job], earned[job] + back[job] + unspent)


def _payments(ledger: Ledger, found: Findings) -> None:
    """Nothing is released beyond what was earned, and no credit paid beyond what came in."""
    released = ledger.sums("Withdrawn", "amount", "jobId", "attempt", "provider")
    released.update(ledger.sums("Released", "amount", "jobId", "attempt", "provider"))
    earned = _earned(ledger)
    for run, amount in released.items():
        if amount > earned.get(run, 0):
            found.paid_twice.append(f"{run[0].hex()}/{run[1]}: {amount} of {earned.get(run, 0)}")
    for name in ONCE_A_RUN:
        runs = Counter((args["jobId"], args["attempt"]) for args in ledger.of(name))
        found.paid_twice += [f"{name} {job.hex()}/{n}" for (job, n), c in runs.items() if c > 1]
    credit = ledger.sums("Released", "amount", "provider")
    for (account,), amount in ledger.sums("CreditWithdrawn", "amount", "account").items():
        if amount > credit[account,]:
            found.paid_twice.append(f"credit of {account}: {amount} of {credit[account,]}")


def _balances(
    escrow: Any, token: Any, ledger: Ledger, jobs: Sequence[str], found: Findings
) -> None:
    """All balances make the supply, and the escrow has what it owes."""
    holders: set[str] = set()
    for event in token.events.Transfer().get_logs(from_block=0):
        holders |= {event["args"]["from"], event["args"]["to"]}
    held = {who: token.functions.balanceOf(who).call() for who in holders}
    found.differ("sum of balances", token.functions.totalSupply().call(), sum(held.values()))
    owed = sum(escrow.functions.jobs(job).call()[0] for job in jobs)
    for (job, attempt, provider), earned in _earned(ledger).items():
        run = escrow.functions.runs(job, attempt, provider).call()
        found.differ(f"{job.hex()}/{attempt} earned", earned, run[0])
        owed += run[0] - run[2]
    providers = {args["provider"] for args in ledger.of("ProviderRegistered")}
    unit = escrow.functions.bondPerUnit().call()
    owed += sum(escrow.functions.providers(who).call()[0] * unit for who in providers)
    owed += sum(escrow.functions.creditOf(who).call() for who in holders)
    owed += escrow.functions.burned().call()
    found.differ("what the escrow holds", owed, held[escrow.address])


def _once(w3: Web3, escrow: Any, found: Findings) -> None:
    """No call that is made once for a job worked twice, whoever sent it."""
    abis = {name: escrow.get_function_by_name(name).abi for name in ONCE}
    selectors = {"0x" + function_abi_to_4byte_selector(abi).hex(): n for n, abi in abis.items()}
    made: dict[tuple[str, str], list[str]] = defaultdict(list)
    for number in range(w3.eth.block_number + 1):
        block: Any = w3.eth.get_block(number, full_transactions=True)
        for tx in block["transactions"]:
            data = "0x" + bytes(tx["input"]).hex()
            if tx["to"] != escrow.address or data[:10] not in selectors:
                continue
            if w3.eth.get_transaction_receipt(tx["hash"])["status"] == 1:
                made[tx["from"], data].append(selectors[data[:10]])
    for (who, _), names in made.items():
        if len(names) > 1:
            found.paid_twice.append(f"{names[0]} by {who} worked {len(names)} times")
