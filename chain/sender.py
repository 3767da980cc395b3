"""Transactions of one key: each call made once, nonces in order, stuck ones replaced, none lost in a crash.

A call is tried out first, and nothing is sent that would revert. Then: signed, saved with its nonce, broadcast,
waited for. After a crash the saved bytes are broadcast again; the same nonce can only be used once, so that is
never a second payment. What a reorganisation undoes is sent again in the same way, for as long as `watch` runs.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import structlog
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.calls import Call
from chain.errors import Conflict, DraasError, Reverted, Unavailable
from chain.fees import quote
from chain.heads import Heads
from chain.instruments import SenderFigures, timed
from chain.job import Address
from chain.journal import Attempt, Intent, Journal, Planned, Receipt, State, Where
from chain.outbox import Limits, Outbox
from chain.rpc import NodeRefused, call, request

__all__ = ["Receipt", "Sender"]
log = structlog.get_logger()
GWEI = 10**9
_POLL_S = (0.05, 1.0)
_HEAD_LOOK_S = 0.1  # while something is waited for
WATCH_S = 1.0  # between two looks at what was sent


class Sender:
    """The only one that sends with this key.

    Args:
        w3: the node.
        account: the key.
        where: folder of the journal, or what opens its place in a database that several processes share.
        stuck_after_s: seconds without being mined after which a transaction is replaced by a dearer one.
        patience_s: seconds after which `send` stops waiting (the transaction stays under way).
        max_fee: most wei for one unit of gas.
        confirmations: blocks under which a used nonce counts as used for good.
        figures: where the outcome and time of each call are counted.

    Raises:
        Conflict: another process sends with this key.
    """

    def __init__(
        self,
        w3: AsyncWeb3[Any],
        account: LocalAccount,
        where: Where,
        *,
        stuck_after_s: float = 30,
        patience_s: float = 180,
        max_fee: int = 500 * GWEI,
        confirmations: int = 3,
        figures: SenderFigures | None = None,
    ) -> None:
        self.w3 = w3
        self.address = Address(account.address)
        self._patience_s = patience_s
        self._max_fee = max_fee
        self._journal = Journal(where, self.address)
        limits = Limits(stuck_after_s, max_fee, confirmations)
        self._outbox = Outbox(w3, account, self._journal, limits)
        self._lock = asyncio.Lock()
        self._heads = Heads(w3, _HEAD_LOOK_S)
        self.figures = figures or SenderFigures()

    def close(self) -> None:
        """Let the key go. What is under way stays so, and is taken up by the next sender."""
        self._journal.close()

    async def check(self) -> None:
        """Whether the key is still ours; a shared one is lost to its holder's silence, so ask every few seconds.

        Raises:
            KeyLost: it is not, and everything that is under way here raises it too.
            Unavailable: the journal does not answer.
        """
        await asyncio.to_thread(self._journal.check)

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def send(self, made: Call, key: str = "") -> Receipt:
        """Make the call, once for each key, and wait until it is mined.

        Args:
            made: the call.
            key: names what is to happen once; "" for a call that may be repeated. One that was mined before
                returns its receipt, one under way is waited for, one that reverted or was dropped is sent anew.

        Raises:
            Reverted: the contract refuses; nothing was sent, or it was mined and did nothing.
            Unavailable: the node does not answer, or it is not mined in time: it stays under way, call again.
            Conflict: another program used the nonce with the same key; call again.
        """
        with timed(self.figures.seconds, made.label, count=self.figures.total):
            return await self._sent(made, key)

    async def _sent(self, made: Call, key: str) -> Receipt:
        async with self._lock:
            await self._outbox.open()
            intent = None
            if key:
                intent = await asyncio.to_thread(self._journal.by_key, self._outbox.chain, key)
            if intent is not None:
                intent = await self._outbox.recheck(intent)
            if intent is None or _came_to_nothing(intent):
                intent = await self._issue(made, key)
        return await self._until_mined(intent.id, made)

    async def resume(self) -> int:
        """Broadcast again what was under way when the last sender ended; how many there are."""
        async with self._lock:
            await self._outbox.open()
            await self._outbox.tend(always=True)
            return len(await asyncio.to_thread(self._journal.under_way, self._outbox.chain))

    async def finish(self) -> None:
        """Wait until nothing is under way any more: what the last process left is at its end then, and the chain's
        state tells of it.

        Raises:
            Unavailable: the node does not answer, or it is not all mined in time.
        """
        left = await self.resume()
        ends = asyncio.get_running_loop().time() + self._patience_s
        while left:
            if asyncio.get_running_loop().time() > ends:
                raise Unavailable(
                    f"{left} transactions of {self.address} are not mined yet.",
                    "Look at the chain.",
                )
            await asyncio.sleep(4 * _POLL_S[0])
            left = await self.resume()

    async def watch(self) -> None:
        """Look after all that was sent, until cancelled."""
        while True:
            try:
                await self.tend()
            except DraasError as error:  # the node's, which costs time only
                log.info("sender.waits", address=self.address, error=error.message)
            await asyncio.sleep(WATCH_S)

    async def tend(self) -> None:
        """Look after all that was sent, once: what a reorganisation undid, what the node has lost, and what is stuck
        is sent again.

        Raises:
            Unavailable: the node or the journal does not answer.
            KeyLost: the key is another's by now.
        """
        async with self._lock:
            await self._outbox.open()
            await self._outbox.watch()

    async def _issue(self, made: Call, key: str) -> Intent:
        """Try out, sign, save, broadcast."""
        nonce = await self._outbox.next_nonce()
        await self._until_whole()
        await call(self.w3, made, "latest", self.address)
        gas = await self._gas(made)
        fees = await quote(self.w3)
        if fees.most > self._max_fee:
            raise Unavailable(
                f"Gas costs {fees.most / GWEI:.0f} gwei, more than the {self._max_fee / GWEI:.0f} allowed.",
                "Wait until the chain is cheaper, or raise the limit.",
            )
        planned = Planned(key, made.label, made.to, made.data, made.value, gas, nonce)
        attempt = self._outbox.sign(planned, fees)
        chain = self._outbox.chain
        intent = await asyncio.to_thread(self._journal.record, chain, planned, attempt)
        try:
            await self._outbox.broadcast(attempt)
        except NodeRefused as refusal:
            await self._if_refused(intent, attempt, refusal)
        return await asyncio.to_thread(self._journal.by_id, intent)

    async def _until_whole(self) -> None:
        """Wait until what a reorganisation undid is mined again: on a chain without it, a call is tried out in vain."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._patience_s
        while await self._outbox.undone():
            if loop.time() > ends:
                raise Unavailable(
                    "What the chain has undone is not mined again yet.", "Wait, and try again."
                )
            await asyncio.sleep(4 * _POLL_S[0])
            await self._outbox.tend(always=True)

    async def _gas(self, made: Call) -> int:
        """With room to spare: by the time it is mined it may have other storage to write."""
        wanted: dict[str, str] = {
            "from": self.address,
            "to": made.to,
            "data": "0x" + made.data.hex(),
        }
        if made.value:
            wanted["value"] = hex(made.value)
        estimate = await request(self.w3, "eth_estimateGas", wanted, errors=made.errors)
        return int(estimate, 16) * 3 // 2 + 30_000

    async def _if_refused(self, intent: int, attempt: Attempt, refusal: NodeRefused) -> None:
        """Give the nonce back when the node will not have the transaction, or later ones would wait for ever."""
        if await self._outbox.is_known(attempt):
            return
        await asyncio.to_thread(self._journal.dropped, intent)
        raise Unavailable(
            f"{refusal.message} Nothing was sent.", f"Check that {self.address} has coins for gas."
        ) from None

    async def _until_mined(self, intent_id: int, made: Call) -> Receipt:
        loop = asyncio.get_running_loop()
        pause, ends = _POLL_S[0], loop.time() + self._patience_s
        why = "It is not mined yet."
        while True:
            try:
                found = await asyncio.to_thread(self._journal.by_id, intent_id)
                intent = await self._outbox.settle(found)
                if intent.state is not State.SENT:
                    return await self._outcome(intent, made)
                async with self._lock:
                    await self._outbox.tend()
            except (Unavailable, NodeRefused) as silence:
                why = silence.message
            if loop.time() > ends:
                raise Unavailable(
                    f"{made.label or 'A transaction'} was sent, but its end is not known: {why}",
                    "It stays under way; try again to go on waiting for it.",
                )
            await self._heads.wait(pause)
            pause = min(pause * 1.5, _POLL_S[1])

    async def _outcome(self, intent: Intent, made: Call) -> Receipt:
        if intent.state is State.DROPPED or intent.receipt is None:
            raise Conflict(
                f"Another program sent with the key of {self.address} and took this one's place.",
                "Use each key in one program only, then try again.",
            )
        if intent.receipt.status != 1:
            raise await self._reason(made, intent.receipt.block)
        return intent.receipt

    async def _reason(self, made: Call, block: int) -> Reverted:
        """Why it reverted when it was mined: the same call again, at that block."""
        try:
            await call(self.w3, made, block, self.address)
        except Reverted as reason:
            return reason
        except NodeRefused:  # it keeps no old states
            pass
        return Reverted("Unknown")


def _came_to_nothing(intent: Intent) -> bool:
    failed = intent.receipt is not None and intent.receipt.status != 1
    return intent.state is State.DROPPED or (intent.state is State.MINED and failed)
