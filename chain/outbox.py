"""What is under way with one key: signed, broadcast again when lost, replaced when stuck, noted when mined."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.errors import Reverted, Unavailable
from chain.fees import Fees, quote
from chain.headers import Header, hash_at, header_at, identity_of, nonsense
from chain.job import Address, TxHash
from chain.journal import Attempt, Intent, Journal, Planned, Receipt, State
from chain.rpc import NodeRefused, request

_TEND_S = 2.0  # how often the queue is looked after
DEEP = 64  # blocks under which what was mined counts as mined for good


@dataclass(frozen=True, slots=True)
class Limits:
    """How far to go for a transaction."""

    stuck_after_s: float  # seconds without being mined after which a dearer one replaces it
    max_fee: int  # most wei for one unit of gas
    confirmations: int  # blocks under which a used nonce counts as used for good


class Outbox:
    """The transactions of one key. Its sender's lock is held around everything but `settle`."""

    def __init__(
        self, w3: AsyncWeb3[Any], account: LocalAccount, journal: Journal, limits: Limits
    ) -> None:
        self.w3 = w3
        self.address = Address(account.address)
        self.chain = ""  # the journal's name of the chain, once open
        self._account = account
        self._journal = journal
        self._limits = limits
        self._chain_id = 0
        self._tended_at = 0.0
        self._head: tuple[int, str] | None = None  # number and hash, as last seen

    async def open(self) -> None:
        """Learn which chain this is, and take up what was left on it; does nothing the second time."""
        if self.chain:
            return
        self._chain_id, genesis = await identity_of(self.w3)
        self.chain = f"{self._chain_id}/{genesis}"
        await self.tend(always=True)

    async def next_nonce(self) -> int:
        """From our own table; the chain's count only when that is ahead, for then the key was used elsewhere."""
        latest = await self.latest_count()
        ours = await asyncio.to_thread(self._journal.next_nonce, self.chain)
        if latest < ours:
            await self.tend(always=True)  # something of ours is not mined, or not any more
        return max(latest, ours)

    async def tend(self, *, always: bool = False) -> None:
        """Look after the queue: note what was mined, broadcast what the node has lost, replace what is stuck."""
        if not always and time.monotonic() - self._tended_at < min(
            _TEND_S, self._limits.stuck_after_s
        ):
            return
        self._tended_at = time.monotonic()
        latest = await self.latest_count()
        for intent in await asyncio.to_thread(self._journal.from_nonce, self.chain, latest):
            await self._recheck(intent)
        for intent in await asyncio.to_thread(self._journal.under_way, self.chain):
            settled = await self.settle(intent)
            if settled.state is State.SENT:
                await self._push(settled, latest)

    async def watch(self) -> None:
        """Look whether the chain is still the one on which our transactions were mined. Where it is not, note what
        became of each, and send again what is missing."""
        head = await header_at(self.w3, "latest")
        if head is None:
            raise nonsense("its newest block")
        if not await self._follows(head):
            above = head.number - DEEP
            for one in await asyncio.to_thread(self._journal.mined_above, self.chain, above):
                await self._recheck(one)
        self._head = (head.number, head.hash)
        if await asyncio.to_thread(self._journal.under_way, self.chain):
            await self.tend()

    async def _follows(self, head: Header) -> bool:
        """Whether this head has the one that was seen before it among its ancestors."""
        if self._head is None:
            return False
        number, known = self._head
        return known == (head.hash if number == head.number else await hash_at(self.w3, number))

    async def recheck(self, intent: Intent) -> Intent:
        """The intent as the chain has it now, if it was mined so lately that a reorganisation may have undone it."""
        if intent.state is not State.MINED or intent.receipt is None:
            return intent
        head = int(await request(self.w3, "eth_blockNumber"), 16)
        if intent.receipt.block > head - DEEP:
            await self._recheck(intent)
        return await asyncio.to_thread(self._journal.by_id, intent.id)

    async def _recheck(self, intent: Intent) -> None:
        """Note where a mined intent is mined now, or that it is not: undone, or the node is behind."""
        if intent.state is not State.MINED or intent.receipt is None:
            return
        found = await request(self.w3, "eth_getTransactionReceipt", intent.receipt.tx_hash)
        if found is None or found.get("blockNumber") is None:
            await asyncio.to_thread(self._journal.unmined, intent.id)
            return
        receipt = _receipt(intent.receipt.tx_hash, found)
        if receipt != intent.receipt:
            await asyncio.to_thread(self._journal.mined, intent.id, receipt)

    async def undone(self) -> bool:
        """Whether something that was mined is under way again."""
        left = await asyncio.to_thread(self._journal.under_way, self.chain)
        return any(one.receipt is not None for one in left)

    async def _push(self, intent: Intent, latest: int) -> None:
        last = intent.attempts[-1]
        if intent.nonce < latest:
            await self._drop_if_replaced(intent)
            return
        if not await self.is_known(last) and await self._offer(last):
            await asyncio.to_thread(self._journal.touched, last.tx_hash)
        elif intent.nonce == latest and time.time() - last.sent_at > self._limits.stuck_after_s:
            await self._replace(intent, last)

    async def _drop_if_replaced(self, intent: Intent) -> None:
        """Its nonce is used and it has no receipt: another transaction took it, once that is some blocks deep.
        Until then a node that is behind may be what has answered."""
        head = int(await request(self.w3, "eth_blockNumber"), 16)
        deep = max(0, head - self._limits.confirmations)
        count = await request(self.w3, "eth_getTransactionCount", self.address, hex(deep))
        if intent.nonce < int(count, 16) and (await self.settle(intent)).state is State.SENT:
            await asyncio.to_thread(self._journal.dropped, intent.id)

    async def _replace(self, intent: Intent, last: Attempt) -> None:
        fees = (await quote(self.w3)).replacing(last.fees, self._limits.max_fee)
        if fees is not None:
            attempt = self.sign(intent, fees)
            await asyncio.to_thread(self._journal.add_attempt, intent.id, attempt)
            await self._offer(attempt)

    async def _offer(self, attempt: Attempt) -> bool:
        """Broadcast. A refusal (known, mined, or too cheap to replace) changes nothing: receipts tell."""
        try:
            await self.broadcast(attempt)
        except NodeRefused:
            return False
        return True

    async def settle(self, intent: Intent) -> Intent:
        """The intent with its receipt, if one of its transactions has one."""
        if intent.state is not State.SENT:
            return intent
        for attempt in reversed(intent.attempts):
            found = await request(self.w3, "eth_getTransactionReceipt", attempt.tx_hash)
            if found is not None and found.get("blockNumber") is not None:
                receipt = _receipt(attempt.tx_hash, found)
                await asyncio.to_thread(self._journal.mined, intent.id, receipt)
                break
        return await asyncio.to_thread(self._journal.by_id, intent.id)

    def sign(self, planned: Planned | Intent, fees: Fees) -> Attempt:
        """The transaction at these fees; nothing is sent."""
        transaction: dict[str, Any] = {
            "chainId": self._chain_id,
            "nonce": planned.nonce,
            "gas": planned.gas,
            "to": planned.target,
            "value": planned.value,
            "data": planned.data,
            **fees.fields(),
        }
        signed = self._account.sign_transaction(transaction)
        tx_hash = TxHash("0x" + bytes(signed.hash).hex())
        return Attempt(tx_hash, bytes(signed.raw_transaction), fees, time.time())

    async def broadcast(self, attempt: Attempt) -> None:
        """Send it off. Whether it arrived is not known when nobody answers, and looked up later.

        Raises:
            NodeRefused: the node will not have it.
        """
        try:
            await request(self.w3, "eth_sendRawTransaction", "0x" + attempt.raw.hex())
        except (Unavailable, Reverted):
            return  # a node that mines at once may tell of the revert; the receipt says the same

    async def is_known(self, attempt: Attempt) -> bool:
        """Whether the node has it, mined or not."""
        found = await request(self.w3, "eth_getTransactionByHash", attempt.tx_hash)
        return found is not None

    async def latest_count(self) -> int:
        """How many transactions of the key are mined: the next nonce by the chain."""
        count = await request(self.w3, "eth_getTransactionCount", self.address, "latest")
        return int(count, 16)


def _receipt(tx_hash: TxHash, found: dict[str, Any]) -> Receipt:
    return Receipt(
        tx_hash=tx_hash,
        block=int(found["blockNumber"], 16),
        gas_used=int(found["gasUsed"], 16),
        status=int(found["status"], 16),
    )
