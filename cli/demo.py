"""`python -m cli.demo`: the main job on real input, and an audit of every balance afterwards.

Its own arithmetic on what it reads from the chain stands against what the parts say. The last line is one line of
JSON with the figures. Nothing stays behind, also when it fails or is interrupted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from chain.bundle import bundle_cid
from chain.errors import DraasError
from chain.follow import events_of_job
from chain.job import Address
from cli import deploy as deploying
from cli.audit import (
    Account,
    Step,
    agrees,
    balances,
    kernel_cpu_ms,
    read_steps,
    reckon,
    until_paid_out,
)
from cli.finish import end_on_signal
from cli.follow import PHASES, follow, settle
from cli.money import tokens
from cli.screen import Screen
from cli.session import Session, open_session
from cli.sweep import sweep
from cli.up import Options, RunningMarket, market

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "burn"
OPTIONS = Options(
    window=3,
    settle_grace=10,
    rpc_port=0,
    ipfs_port=0,
    scheduler_port=0,
    agent_port=0,
    frontend=False,
)
INTERRUPTED = 130
TITLES = {
    "JobPosted": "posted",
    "JobClaimed": "claimed",
    "UsageReported": "metered",
    "JobCompleted": "completed",
    "Refunded": "refunded",
    "Withdrawn": "withdrawn",
}


@dataclass
class Times:
    """Seconds that each step took, by the wall clock."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    def mark(self, step: str) -> None:
        """What happened since the last mark was this step."""
        now = time.monotonic()
        self.seconds[step] = round(self.seconds.get(step, 0) + now - self._last, 2)
        self._last = now


@dataclass(frozen=True, slots=True)
class Proof:
    """All that was found out about the job."""

    plan: deploying.Plan
    account: Account
    steps: list[Step]
    states: list[str]
    kernel_ms: int
    image: str


async def run_demo() -> int:
    """The whole demo; 0 when every figure agrees."""
    end_on_signal()
    screen, times = Screen(as_json=False), Times()
    agents: list[Address] = []
    cid = await asyncio.to_thread(bundle_cid, EXAMPLE)
    with tempfile.TemporaryDirectory(prefix="draas-demo-") as folder:
        try:
            async with market(OPTIONS, Path(folder), screen) as running:
                agents += [who.address for who in running.net.agents]
                times.mark("up")
                async with open_session({"DRAAS_HOME": folder}) as session:
                    proof = await _one_job(session, running, screen, times)
            times.mark("down")
        except asyncio.CancelledError:
            screen.say("Interrupted.", style="yellow")
            return INTERRUPTED
        finally:
            left = await sweep(agents, cid)
    good = _tell(screen, proof)
    typer.echo(json.dumps(_figures(proof, times)))
    return 0 if good and not left else 1


async def _one_job(session: Session, running: RunningMarket, screen: Screen, times: Times) -> Proof:
    holders = {
        "consumer": session.address,
        "provider": running.net.agents[0].address,
        "scheduler": running.net.scheduler.address,
        "deployer": running.net.deployer,
        "escrow": running.net.escrow,
        "court": running.net.court,
    }
    before = await balances(session, holders)
    plan = await deploying.make_plan(session, EXAMPLE)
    deploying.show_plan(screen, plan)
    states = ["Absent"]
    await deploying.upload_and_post(session, plan)
    times.mark("post")
    seen = await follow(
        session,
        plan.job_id,
        screen,
        lambda change: _note(change.state, change.phase, states, times),
    )
    await settle(session, plan.terms, screen)
    times.mark("refund")
    kernel_ms = await kernel_cpu_ms(session, plan.job_id)
    with screen.working("the last window passes, then the provider withdraws"):
        await until_paid_out(session, plan.job_id, holders["provider"], within_s=30)
    states.append("Closed")
    times.mark("withdraw")
    events = await events_of_job(session.w3, session.escrow, plan.job_id, session.since)
    account = await reckon(session, plan, events, before, await balances(session, holders))
    steps = await read_steps(session, events)
    return Proof(plan, account, steps, states, kernel_ms, seen.runs[-1].image)


def _note(state: str, phase: str, states: list[str], times: Times) -> None:
    if states[-1] != state:
        states.append(state)
    reached = PHASES.index(phase) if phase in PHASES else len(PHASES)
    for step, first in (("build", "placing"), ("claim", "running"), ("run", "ended")):
        if reached >= PHASES.index(first) and step not in times.seconds:
            times.mark(step)


def _tell(screen: Screen, proof: Proof) -> bool:
    """Print what happened, and whether everything agrees."""
    plan, account = proof.plan, proof.account
    used, rates = account.usage, account.rates
    screen.say("")
    screen.say("What happened, from the chain", style="bold")
    screen.say(f"  {'built':<10} image {proof.image}")
    for step in proof.steps:
        screen.say(
            f"  {TITLES.get(step.event, step.event.lower()):<10} tx {step.tx_hash}  gas {step.gas:,}"
        )
    screen.say("What it cost: metric × rate, in base units", style="bold")
    rows = (
        ("CPU ms", used.cpu_ms, rates.cpu_ms),
        ("MiB s", used.memory_mib_s, rates.memory_mib_s),
        ("KiB out", used.egress_kib, rates.egress_kib),
        ("seconds", used.wall_s, rates.wall_s),
    )
    for name, metric, rate in rows:
        screen.say(f"  {name:<8} {metric:>8} × {rate:>18} = {metric * rate:>24}")
    screen.say(
        f"  posted {tokens(plan.deposit, 9)} = paid {tokens(account.paid, 9)} + refunded {tokens(account.refunded, 9)}"
    )
    screen.say("What must hold", style="bold")
    good = True
    for check in account.checks:
        good &= check.holds
        told = "yes" if check.holds else f"NO: {check.found} instead of {check.expected}"
        screen.say(f"  {check.what}: {told}", style="" if check.holds else "bold red")
    close = agrees(used.cpu_ms, proof.kernel_ms)
    screen.say(
        f"  metered CPU {used.cpu_ms} ms, the kernel's own count of the process {proof.kernel_ms} ms, within 1 %: "
        + ("yes" if close else "NO"),
        style="" if close else "bold red",
    )
    return good and close


def _figures(proof: Proof, times: Times) -> dict[str, object]:
    return {
        "job": proof.plan.job_id,
        "states": proof.states,
        "cpu_ms_metered": proof.account.usage.cpu_ms,
        "cpu_ms_kernel": proof.kernel_ms,
        "paid": str(proof.account.paid),
        "refunded": str(proof.account.refunded),
        "gas": gas_by_step(proof.steps),
        "seconds": times.seconds,
    }


def gas_by_step(steps: Sequence[Step]) -> dict[str, int]:
    """Gas of each step, every transaction counted once: the last report is a part of the completion."""
    gas = dict.fromkeys(TITLES.values(), 0)
    for step in {step.tx_hash: step for step in steps}.values():
        name = TITLES.get(step.event, step.event)
        gas[name] = gas.get(name, 0) + step.gas
    return gas


def main() -> None:
    """The process boundary."""
    screen = Screen(as_json=False)
    try:
        code = asyncio.run(run_demo())
    except DraasError as error:
        screen.error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
