"""`python -m tests.chaos`: a market in a storm, and the account of it. The last line is JSON."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from chain.errors import DraasError
from chain.job import Address
from cli.sweep import sweep
from tests.chaos.audit import audit
from tests.chaos.consumers import Consumers, Posting
from tests.chaos.ends import own_ends
from tests.chaos.market import Market, build_market
from tests.chaos.plan import Plan, make_plan
from tests.chaos.reader import Line, Reader
from tests.chaos.storm import Storm
from tests.chaos.verdict import Verdict, double_runs, missing_lines, unprinted_lines
from tests.chaos.witness import Witness
from tests.fixtures_postgres import Postgres

CALM_S = 300.0  # within which everything has to have ended
READY_S = 60.0
LAST_LOOK_S = 60.0
LEAVE_S = 10.0


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"· {text}\n")


class Chaos:
    """One storm from beginning to end."""

    def __init__(self, market: Market, plan: Plan) -> None:
        self._market = market
        self._plan = plan
        self._storm = Storm(market, plan)
        self._consumers = Consumers(market)
        self._reader = Reader(market.scheduler_urls, self._consumers.credentials)
        self._witness = Witness([who.address for who in market.agents])
        self._verdict = Verdict(seed=plan.seed, schedulers=len(market.scheduler_urls))

    async def run(self) -> Verdict:
        """Storm, calm, audit."""
        began = time.monotonic()
        self._witness.start()
        self._market.start()
        await self._prepare()
        work = [
            asyncio.create_task(self._consumers.work(self._storm.now)),
            asyncio.create_task(self._reader.follow(self._posted)),
            asyncio.create_task(self._tell()),
        ]
        await self._storm.blow()
        say("the storm is over")
        await self._until_closed()
        say("all that could end has ended")
        for task in work:
            task.cancel()
        await asyncio.wait(work, timeout=LEAVE_S)
        await self._judge()
        self._verdict.seconds = round(time.monotonic() - began)
        return self._verdict

    async def close(self) -> None:
        """Let everything go."""
        self._witness.stop()
        await self._reader.close()
        await self._consumers.close()

    async def _prepare(self) -> None:
        ends = time.monotonic() + READY_S
        while True:
            try:
                await self._consumers.prepare(self._plan)
                return
            except DraasError:
                if time.monotonic() > ends:
                    raise
                self._consumers.postings.clear()
            await asyncio.sleep(0.5)

    def _posted(self) -> list[str]:
        return [one.job_id for one in self._consumers.postings if one.posted_at]

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(20)
            lines = sum(len(lines) for lines in self._reader.given.values())
            try:
                left = len(await self._consumers.open_jobs())
            except DraasError:
                continue
            say(f"{self._storm.now():6.1f} s  {left} jobs not closed, {lines} lines delivered")
            if self._reader.last_fault:
                say(f"          the last that a reader met: {self._reader.last_fault[:150]}")

    async def _until_closed(self) -> None:
        ends = time.monotonic() + CALM_S
        while time.monotonic() < ends:
            try:
                if not await self._consumers.open_jobs():
                    break
            except DraasError as error:
                say(str(error))
            await asyncio.sleep(2)
        await asyncio.sleep(10)  # for the last withdrawals and the last lines

    async def _judge(self) -> None:
        verdict, jobs = self._verdict, [one.job_id for one in self._consumers.postings]
        say("reading the chain")
        found = await asyncio.to_thread(audit, self._market.chain.rpc_url, self._market.book, jobs)
        say("reading the logs")
        lives = self._witness.lives()
        doubled = double_runs(lives)
        lost_lines = await self._lost_lines()
        for text in [*found.lost, *found.paid_twice, *found.notes, *doubled, *lost_lines]:
            say(f"WRONG: {text}")
        verdict.jobs, verdict.jobs_lost = len(jobs), len(found.lost)
        verdict.kills, verdict.reorgs = self._storm.kills.total(), self._storm.reorgs
        verdict.kills_by_kind = dict(self._storm.kills)
        verdict.double_runs, verdict.double_payments = len(doubled), len(found.paid_twice)
        verdict.tokens_unaccounted = found.unaccounted
        verdict.log_lines_lost = len(lost_lines)
        verdict.lines_delivered = sum(len(lines) for lines in self._reader.given.values())
        verdict.runs = sum(len(each) for each in lives.values())
        for name, process in self._market.processes.items():
            if process.ended_by_itself:
                say(f"{name} ended by itself {process.ended_by_itself} times")

    async def _lost_lines(self) -> list[str]:
        """What was delivered and is not there any more, and what ended runs have printed and is not there."""
        ends = await asyncio.to_thread(own_ends, self._market.chain.rpc_url, self._market.book)
        lost: list[str] = []
        until = time.monotonic() + LAST_LOOK_S
        for scheduler in self._market.scheduler_urls:
            for posting in self._consumers.postings:
                kept = await self._whole_log(posting, scheduler, ends, until)
                lost += [
                    f"{posting.plan.name}: {text}"
                    for text in missing_lines(self._reader.given[posting.job_id], kept)
                ]
                lost += self._unprinted(posting, kept, ends)
        return lost + self._reader.faults

    def _unprinted(
        self, posting: Posting, kept: list[Line], ends: dict[str, tuple[int, int]]
    ) -> list[str]:
        end = ends.get(posting.job_id)
        if end is None or end[1] != posting.plan.exit_code:
            return []
        missing = unprinted_lines(posting, end[0], kept)
        return [f"{posting.plan.name}: {text!r} was printed" for text in missing]

    async def _whole_log(
        self, posting: Posting, scheduler: str, ends: dict[str, tuple[int, int]], until: float
    ) -> list[Line]:
        """The job's log at last: lines may still be on their way."""
        while True:
            late = time.monotonic() > until
            try:
                kept = await self._reader.read_all(posting.job_id, scheduler)
                if late or not self._unprinted(posting, kept, ends):
                    return kept
            except OSError:
                if late:
                    return []
            await asyncio.sleep(1)


def _tell_tasks() -> None:
    """What the program waits for; asked for by SIGUSR1."""
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)


async def main(argv: Sequence[str]) -> int:
    """Run it; 0 when every promise held."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell_tasks)
    options = _options(argv)
    plan = make_plan(options.seed, options.jobs, options.kills, options.reorgs, options.schedulers)
    for line in plan.told():
        say(line)
    home = Path(tempfile.mkdtemp(prefix="draas-chaos-"))
    verdict = Verdict()
    async with AsyncExitStack() as stack:
        database = await asyncio.to_thread(_database, stack) if options.schedulers > 1 else ""
        market = await build_market(home / "market", plan.seed, options.schedulers, database)
        stack.push_async_callback(_leave_nothing, market)
        stack.push_async_callback(market.stop)
        chaos = Chaos(market, plan)
        stack.push_async_callback(chaos.close)
        verdict = await chaos.run()
    held = verdict.holds(options.jobs, options.kills, options.reorgs)
    if held and not options.keep:
        shutil.rmtree(home, ignore_errors=True)
    else:
        say(f"logs and files are in {home}")
    sys.stdout.write(verdict.line() + "\n")
    return 0 if held else 1


def _database(stack: AsyncExitStack) -> str:
    """A PostgreSQL of its own, for as long as the stack is open; the address of a database in it."""
    server = Postgres()
    stack.callback(server.stop)
    return server.create()


async def _leave_nothing(market: Market) -> None:
    await sweep([Address(who.address) for who in market.agents])


def _options(argv: Sequence[str]) -> argparse.Namespace:
    reader = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    reader.add_argument("--seed", type=int, default=None, help="replays a plan")
    reader.add_argument("--jobs", type=int, default=60)
    reader.add_argument("--kills", type=int, default=40)
    reader.add_argument("--reorgs", type=int, default=5)
    reader.add_argument("--schedulers", type=int, default=1, choices=[1, 2])
    reader.add_argument("--keep", action="store_true", help="keep logs and files")
    options = reader.parse_args(argv)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
