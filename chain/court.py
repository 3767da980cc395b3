"""The court: what a juror reads and does, and what anybody may do to move a case on.

What each function does stands in `contracts/interfaces/IDRaaSCourt.sol`. Reads raise `Unavailable` when the node
does not answer. A case: `draw` → each juror's `commit` → each juror's `reveal` → `tally` → `execute_ruling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from eth_utils.crypto import keccak
from web3 import AsyncWeb3

from chain.calls import Call
from chain.contracts import AddressBook, CourtParameters
from chain.errors import InvalidInput
from chain.interface import CODEC, Abi, Interface, from_abi, hex_bytes
from chain.job import Address
from chain.rpc import Block, call

T = TypeVar("T")
WHOLE = 10_000  # basis points; a ruling is 1 and the provider's share of these
_COMMITMENT = ("uint256", "address", "uint256", "uint256", "address", "uint256", "bytes32")


class Phase(IntEnum):
    """Where a case stands; the numbers are the contract's."""

    ABSENT = 0
    DRAWING = 1  # waits for `draw`
    COMMITTING = 2
    REVEALING = 3
    TALLYING = 4  # waits for `tally`
    APPEALABLE = 5  # ruled; a party may have the escrow appeal
    RULED = 6  # final, and waits for `execute_ruling`
    EXECUTED = 7


@dataclass(frozen=True, slots=True)
class Juror:
    """A juror's stake, in base units."""

    staked: int  # the locked ones too
    locked: int  # behind seats of open rounds
    leaf: int  # 0 before the first stake with weight


@dataclass(frozen=True, slots=True)
class CourtDispute:
    """The stored facts of a case."""

    arbitrable: Address
    round: int  # the current one, from 1
    appeals: int
    ruling: int  # 0 refused to rule, else 1 and the share
    phase: Phase  # last entered by a transaction; see `Court.phase`
    appeal_ends_at: int


@dataclass(frozen=True, slots=True)
class CourtRound:
    """The stored facts of one panel's work."""

    wanted: int
    drawn: int
    committed: int
    revealed: int
    coherent: int
    ruling: int
    redraw: bool
    closed: bool
    commit_ends_at: int
    reveal_ends_at: int
    fees: int  # wei


@dataclass(frozen=True, slots=True)
class Seat:
    """One juror's place on a panel."""

    juror: Address
    revealed: bool
    share: int  # basis points for the provider, once revealed


@dataclass(frozen=True, slots=True)
class Vote:
    """What one juror did in one round."""

    seated: bool
    revealed: bool
    share: int
    commitment: str  # 0x-prefixed


class Court:
    """One deployed court."""

    def __init__(self, w3: AsyncWeb3[Any], address: Address, abi: Abi, chain_id: int) -> None:
        self.w3 = w3
        self.address = address
        self.interface = Interface(abi)
        self._chain_id = chain_id

    @classmethod
    def of(cls, w3: AsyncWeb3[Any], book: AddressBook) -> Court:
        """The court that an address book names."""
        return cls(w3, book.court, book.court_abi, book.chain_id)

    def commitment(
        self, dispute_id: int, round_number: int, juror: Address, share: int, salt: str
    ) -> str:
        """What to commit to: computed here, so that no node learns the share before the time.

        Args:
            dispute_id: the case.
            round_number: its current round; a commitment holds for no other.
            juror: who commits.
            share: basis points for the provider.
            salt: 0x-prefixed 32 bytes that nobody can guess; to be kept until the reveal.

        Raises:
            InvalidInput: the share is above the whole, or the salt is not of 32 bytes.
        """
        raw = hex_bytes(salt)
        if not 0 <= share <= WHOLE or len(raw) != 32:
            raise InvalidInput(
                f"A share is 0 to {WHOLE} basis points, and a salt 32 bytes.",
                "Give values in range.",
            )
        values = (self._chain_id, self.address, dispute_id, round_number, juror, share, raw)
        return "0x" + keccak(CODEC.encode(_COMMITMENT, values)).hex()

    # ---- reads ------------------------------------------------------------------------------

    async def parameters(self) -> CourtParameters:
        """What the deployment fixed for good."""
        return await self._typed(CourtParameters, "parameters", "latest")

    async def dispute(self, dispute_id: int, block: Block = "latest") -> CourtDispute:
        """The stored facts of a case."""
        return await self._typed(CourtDispute, "disputes", block, dispute_id)

    async def phase(self, dispute_id: int, block: Block = "latest") -> tuple[Phase, int]:
        """Where a case stands at the block's time, and the second at which time alone ends that; 0 when it waits for
        a call."""
        phase, ends_at = await self._read("phaseOf", block, dispute_id)
        return Phase(phase), ends_at

    async def round(
        self, dispute_id: int, round_number: int, block: Block = "latest"
    ) -> CourtRound:
        """The stored facts of one round, from 1."""
        return await self._typed(CourtRound, "rounds", block, dispute_id, round_number)

    async def panel(
        self, dispute_id: int, round_number: int, block: Block = "latest"
    ) -> list[Seat]:
        """Who judges in a round, once it was drawn."""
        return await self._typed(list[Seat], "panel", block, dispute_id, round_number)

    async def vote(
        self, dispute_id: int, round_number: int, juror: Address, block: Block = "latest"
    ) -> Vote:
        """What a juror did in a round."""
        return await self._typed(Vote, "vote", block, dispute_id, round_number, juror)

    async def juror(self, address: Address, block: Block = "latest") -> Juror:
        """A juror's stake; all zero for others."""
        return await self._typed(Juror, "jurors", block, address)

    async def fees(self, juror: Address, block: Block = "latest") -> int:
        """The wei that `withdraw_fees` would pay."""
        return await self._typed(int, "feesOf", block, juror)

    async def next_draw(self, block: Block = "latest") -> tuple[int, int]:
        """The case that is drawn next, and the first block in which it can be; 0 and 0 when none waits."""
        dispute_id, first_block = await self._read("nextDraw", block)
        return dispute_id, first_block

    async def drawable(self, block: Block = "latest") -> tuple[int, int]:
        """How many jurors have a seat's stake free, and their stakes in all, in base units."""
        eligible, weight = await self._read("drawable", block)
        return eligible, weight

    async def excluded(self, dispute_id: int) -> list[Address]:
        """Who may not judge a case: its parties and who opened it."""
        return await self._typed(list[Address], "excluded", "latest", dispute_id)

    async def appeal_cost(self, dispute_id: int) -> int:
        """The wei that the escrow's `appeal` has to bring."""
        return await self._typed(int, "appealCost", "latest", dispute_id, b"")

    async def _typed(self, hint: type[T], name: str, block: Block, *values: object) -> T:
        (found,) = await self._read(name, block, *values)
        typed: T = from_abi(hint, found)
        return typed

    async def _read(self, name: str, block: Block, *values: object) -> tuple[Any, ...]:
        answer = await call(self.w3, self._call(name, *values), block)
        return self.interface.decode_result(name, answer)

    # ---- a juror's calls --------------------------------------------------------------------

    def stake(self, amount: int) -> Call:
        """Needs an allowance of `amount` base units; refused while a draw is pending."""
        return self._call("stake", amount)

    def unstake(self, amount: int) -> Call:
        """Takes out what is not locked; refused while a draw is pending."""
        return self._call("unstake", amount)

    def commit(self, dispute_id: int, commitment: str) -> Call:
        """Binds the caller, who has a seat, to a share; see `commitment`."""
        return self._call("commit", dispute_id, commitment)

    def reveal(self, dispute_id: int, share: int, salt: str) -> Call:
        """Shows what the caller committed to."""
        return self._call("reveal", dispute_id, share, salt)

    def withdraw_fees(self) -> Call:
        """Pays the caller all fees it has earned, in wei."""
        return self._call("withdrawFees")

    # ---- anybody's --------------------------------------------------------------------------

    def draw(self) -> Call:
        """Seats the panel of the first round in the queue, from the second block after it was queued."""
        return self._call("draw")

    def tally(self, dispute_id: int) -> Call:
        """Closes a round once revealing is over: rules, pays, penalises."""
        return self._call("tally", dispute_id)

    def execute_ruling(self, dispute_id: int) -> Call:
        """Gives the escrow its final ruling."""
        return self._call("executeRuling", dispute_id)

    def _call(self, name: str, *values: object) -> Call:
        data = self.interface.encode(name, *values)
        return Call(self.address, data, label=name, errors=self.interface.errors)
