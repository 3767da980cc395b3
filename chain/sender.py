"""Transactions of one key: each call made once, nonces in order, stuck ones replaced, none lost in a crash.

A call is tried out first, and nothing is sent that would revert. Then: signed, saved with its nonce, broadcast,
waited for. After a crash the saved bytes are broadcast again; the same nonce can only be used once, so that is
never a second payment.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.calls import Call
from chain.errors import Conflict, Reverted, Unavailable
from chain.fees import Fees, quote
from chain.job import Address, TxHash
from chain.journal import Attempt, Intent, Journal, Planned, Receipt, State
from chain.rpc import NodeRefused, call, request

__all__ = ["Receipt", "Sender"]
GWEI = 10**9
_POLL_S = (0.05, 1.0)
_TEND_S = 2.0  # how often a waiting send looks after the whole queue


class Sender:
    """The only one that sends with this key.

    Args:
        w3: the node.
        account: the key.
        path: folder of the journal.
        stuck_after_s: seconds without being mined after which a transaction is replaced by a dearer one.
        patience_s: seconds after which `send` stops waiting (the transaction stays under way).
        max_fee: most wei for one unit of gas.
        confirmations: blocks under which a used nonce counts as used for good.

    Raises:
        Conflict: another process sends with this key.
    """

    def __init__(
        self,
        w3: AsyncWeb3[Any],
        account: LocalAccount,
        path: Path,
        *,
        stuck_after_s: float = 30,
        patience_s: float = 180,
        max_fee: int = 500 * GWEI,
        confirmations: int = 3,
    ) -> None:
        self.w3 = w3
        self.address = Address(account.address)
        self._account = account
        self._stuck_after_s = stuck_after_s
        self._patience_s = patience_s
        self._max_fee = max_fee
        self._confirmations = confirmations
        self._journal = Journal(path, self.address)
        self._lock = asyncio.Lock()
        self._chain = ""
        self._chain_id = 0
        self._tended_at = 0.0

    def close(self) -> None:
        """Let the key go. What is under way stays so, and is taken up by the next sender."""
        self._journal.close()

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
        async with self._lock:
            await self._prepare()
            intent = self._journal.by_key(self._chain, key) if key else None
            if intent is None or _came_to_nothing(intent):
                intent = await self._issue(made, key)
        return await self._until_mined(intent.id, made)

    async def resume(self) -> int:
        """Broadcast again what was under way when the last sender ended; how many there are."""
        async with self._lock:
            await self._prepare()
            await self._tend(always=True)
            return len(self._journal.under_way(self._chain))

    # ---- one call ---------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Learn which chain this is; once, then take up what was left."""
        if self._chain:
            return
        genesis = await request(self.w3, "eth_getBlockByNumber", "0x0", False)
        self._chain_id = int(await request(self.w3, "eth_chainId"), 16)
        self._chain = f"{self._chain_id}/{genesis['hash'] if genesis else ''}"
        await self._tend(always=True)

    async def _issue(self, made: Call, key: str) -> Intent:
        """Try out, sign, save, broadcast."""
        await call(self.w3, made, "latest", self.address)
        gas = await self._gas(made)
        nonce = await self._next_nonce()
        fees = await quote(self.w3)
        if fees.most > self._max_fee:
            raise Unavailable(
                f"Gas costs {fees.most / GWEI:.0f} gwei, more than the {self._max_fee / GWEI:.0f} allowed.",
                "Wait until the chain is cheaper, or raise the limit.",
            )
        planned = Planned(key, made.label, made.to, made.data, made.value, gas, nonce)
        attempt = self._sign(planned, fees)
        intent = await asyncio.to_thread(self._journal.record, self._chain, planned, attempt)
        try:
            await self._broadcast(attempt)
        except NodeRefused as refusal:
            await self._if_refused(intent, attempt, refusal)
        return self._journal.by_id(intent)

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

    async def _next_nonce(self) -> int:
        """From our own table; the chain's count only when that is ahead, for then the key was used elsewhere."""
        latest = await self._latest_count()
        ours = self._journal.next_nonce(self._chain)
        if latest < ours:
            await self._tend(always=True)  # something of ours is not mined, or not any more
        return max(latest, ours)

    async def _latest_count(self) -> int:
        count = await request(self.w3, "eth_getTransactionCount", self.address, "latest")
        return int(count, 16)

    def _sign(self, planned: Planned | Intent, fees: Fees) -> Attempt:
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

    async def _broadcast(self, attempt: Attempt) -> None:
        """Whether it arrived is not known when nobody answers, and looked up later."""
        try:
            await request(self.w3, "eth_sendRawTransaction", "0x" + attempt.raw.hex())
        except (Unavailable, Reverted):
            return  # a node that mines at once may tell of the revert; the receipt says the same

    async def _if_refused(self, intent: int, attempt: Attempt, refusal: NodeRefused) -> None:
        """Give the nonce back when the node will not have the transaction, or later ones would wait for ever."""
        if await self._is_known(attempt):
            return
        self._journal.dropped(intent)
        raise Unavailable(
            f"{refusal.message} Nothing was sent.", f"Check that {self.address} has coins for gas."
        ) from None

    async def _is_known(self, attempt: Attempt) -> bool:
        found = await request(self.w3, "eth_getTransactionByHash", attempt.tx_hash)
        return found is not None

    async def _until_mined(self, intent_id: int, made: Call) -> Receipt:
        loop = asyncio.get_running_loop()
        pause, ends = _POLL_S[0], loop.time() + self._patience_s
        why = "It is not mined yet."
        while True:
            try:
                intent = await self._settle(self._journal.by_id(intent_id))
                if intent.state is not State.SENT:
                    return await self._outcome(intent, made)
                async with self._lock:
                    await self._tend()
            except Unavailable as silence:
                why = silence.message
            if loop.time() > ends:
                raise Unavailable(
                    f"{made.label or 'A transaction'} was sent, but its end is not known: {why}",
                    "It stays under way; try again to go on waiting for it.",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _POLL_S[1])

    async def _outcome(self, intent: Intent, made: Call) -> Receipt:
        if intent.state is State.DROPPED or intent.receipt is None:
            raise Conflict(
                f"Another program sent with the key of {self.address} and took this one's place.",
                "Use each key in one program only, then try again.",
            )
        if intent.receipt.status != 1:
            await call(self.w3, made, intent.receipt.block, self.address)  # raises the reason
            raise Reverted("Unknown")
        return intent.receipt

    # ---- all that is under way --------------------------------------------------------------

    async def _settle(self, intent: Intent) -> Intent:
        """The intent with its receipt, if one of its transactions has one."""
        if intent.state is not State.SENT:
            return intent
        for attempt in reversed(intent.attempts):
            found = await request(self.w3, "eth_getTransactionReceipt", attempt.tx_hash)
            if found is not None and found.get("blockNumber") is not None:
                receipt = _receipt(attempt.tx_hash, found)
                await asyncio.to_thread(self._journal.mined, intent.id, receipt)
                break
        return self._journal.by_id(intent.id)

    async def _tend(self, *, always: bool = False) -> None:
        """Look after the queue: note what was mined, broadcast what the node has lost, replace what is stuck.

        The lock is held by the caller."""
        if not always and time.monotonic() - self._tended_at < min(_TEND_S, self._stuck_after_s):
            return
        self._tended_at = time.monotonic()
        latest = await self._latest_count()
        for intent in self._journal.from_nonce(self._chain, latest):
            if intent.state is State.MINED and not await self._still_mined(intent):
                self._journal.unmined(intent.id)
        for intent in self._journal.under_way(self._chain):
            settled = await self._settle(intent)
            if settled.state is State.SENT:
                await self._push(settled, latest)

    async def _still_mined(self, intent: Intent) -> bool:
        """The chain's count says that it is not: a reorganisation, or a node that is behind."""
        if intent.receipt is None:
            return False
        found = await request(self.w3, "eth_getTransactionReceipt", intent.receipt.tx_hash)
        return found is not None

    async def _push(self, intent: Intent, latest: int) -> None:
        last = intent.attempts[-1]
        if intent.nonce < latest:
            await self._drop_if_replaced(intent)
            return
        stuck = time.time() - last.sent_at > self._stuck_after_s
        if intent.nonce == latest and stuck and await self._replace(intent, last):
            return
        if not await self._is_known(last):
            await asyncio.to_thread(self._journal.touched, last.tx_hash)
            await self._offer(last)

    async def _drop_if_replaced(self, intent: Intent) -> None:
        """Its nonce is used and it has no receipt: another transaction took it, once that is some blocks deep.
        Until then a node that is behind may be what has answered."""
        head = int(await request(self.w3, "eth_blockNumber"), 16)
        deep = max(0, head - self._confirmations)
        count = await request(self.w3, "eth_getTransactionCount", self.address, hex(deep))
        if intent.nonce < int(count, 16) and (await self._settle(intent)).state is State.SENT:
            self._journal.dropped(intent.id)

    async def _replace(self, intent: Intent, last: Attempt) -> bool:
        fees = (await quote(self.w3)).replacing(last.fees, self._max_fee)
        if fees is None:
            return False
        attempt = self._sign(intent, fees)
        await asyncio.to_thread(self._journal.add_attempt, intent.id, attempt)
        await self._offer(attempt)
        return True

    async def _offer(self, attempt: Attempt) -> None:
        """Broadcast; a refusal (it is known, it is mined) changes nothing: receipts tell."""
        try:
            await self._broadcast(attempt)
        except NodeRefused:
            return


def _came_to_nothing(intent: Intent) -> bool:
    failed = intent.receipt is not None and intent.receipt.status != 1
    return intent.state is State.DROPPED or (intent.state is State.MINED and failed)


def _receipt(tx_hash: TxHash, found: dict[str, Any]) -> Receipt:
    return Receipt(
        tx_hash=tx_hash,
        block=int(found["blockNumber"], 16),
        gas_used=int(found["gasUsed"], 16),
        status=int(found["status"], 16),
    )
