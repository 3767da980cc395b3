"""What is held against the key, the chain and the schedulers. Pure; amounts are base units, times seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from agent.check.lines import Line, rated
from chain.job import Rates, Resources, cost, units_of, usage_cap

LITTLE_GAS = 10**16  # wei: a few hundred transactions on a cheap chain
WARN_CLOCK_S, FAIL_CLOCK_S = 5.0, 30.0
DEAR = 2.0  # times what the others ask
LOOPBACK = ("127.", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class ChainFound:
    """What the chain says.

    Args:
        gas: wei of the agent.
        tokens, bonded, leaving: of the agent.
        faucet: whether this is a test chain, where tokens can be had for nothing.
        ahead_s: how far the newest block is ahead of this machine's clock; negative where it is behind.
    """

    chain_id: int
    escrow: str
    gas: int
    tokens: int
    bonded: int
    leaving: bool
    bond_per_unit: int
    faucet: bool
    ahead_s: float


@dataclass(frozen=True, slots=True)
class SchedulerFound:
    """One scheduler.

    Args:
        url: where it was asked.
        fault: why signing in does not work; "" when it does.
        fix: what to do about it.
        offset_s: its clock less ours; None when it told no time.
        asked: rates of the other agents that it knows as live.
    """

    url: str
    fault: str = ""
    fix: str = ""
    offset_s: float | None = None
    asked: tuple[Rates, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """Where the agent listens.

    Args:
        free: nobody listens there.
        ours: an agent of ours does.
        local: the address is one of this machine's.
    """

    ip: str
    port: int
    free: bool
    ours: bool
    local: bool


def chain_lines(found: ChainFound, offered: Resources) -> list[Line]:
    """The chain, and what the agent has there."""
    missing = max(0, units_of(offered) - found.bonded)
    needed = missing * found.bond_per_unit
    lacks = found.tokens < needed
    told = f"{units_of(offered)} units are offered, {found.bonded} bonded; "
    told += f"{tokens(needed)} more is to bond, the account has {tokens(found.tokens)}"
    more = "The faucet gives 1000 tokens an hour, at the agent's start." if found.faucet else ""
    fix = (
        f"Send tokens to the agent, or offer less with AGENT_CPUS and AGENT_MEMORY. {more}".strip()
    )
    return [
        Line("chain", "ok", f"chain {found.chain_id}, escrow {found.escrow}"),
        rated(
            "gas",
            f"{found.gas / 10**18:.6f} coins",
            "Send more coins soon." if found.gas < LITTLE_GAS else "",
            "Send coins for gas to the agent's address." if found.gas == 0 else "",
        ),
        rated(
            "bond",
            "the provider is leaving: its bond is being released" if found.leaving else told,
            fix if lacks and found.faucet else "",
            "Withdraw the bond, then register anew."
            if found.leaving
            else fix
            if lacks and not found.faucet
            else "",
        ),
        clock_line("the chain's newest block", max(0.0, found.ahead_s)),
    ]


def clock_line(of: str, offset_s: float) -> Line:
    """How far this machine's clock is off."""
    fix = "Set this machine's clock by NTP (systemctl enable --now systemd-timesyncd)."
    off = abs(offset_s)
    side = "ahead of" if offset_s > 0 else "behind"
    told = f"{of} is {off:.1f} s {side} this clock" if off >= 1 else f"in time with {of}"
    return rated(
        "clock", told, fix if off > WARN_CLOCK_S else "", fix if off > FAIL_CLOCK_S else ""
    )


def scheduler_lines(found: Sequence[SchedulerFound]) -> list[Line]:
    """The schedulers: one that works is enough."""
    works = any(not one.fault for one in found)
    lines = []
    for one in found:
        if not one.fault:
            lines.append(Line("scheduler", "ok", f"signed in at {one.url}"))
            if one.offset_s is not None:
                lines.append(clock_line(f"the scheduler at {one.url}", one.offset_s))
            continue
        fix = one.fix or "Check SCHEDULER_URL."
        told = f"{one.url}: {one.fault}"
        lines.append(Line("scheduler", "warn" if works else "fail", told, fix))
    return lines


def place_lines(found: PlaceFound, schedulers: Sequence[str]) -> list[Line]:
    """The port, and who can reach it."""
    where = f"{found.ip}:{found.port}"
    if found.ours:
        first = Line("port", "ok", f"an agent of this key listens at {where} already")
    elif not found.local:
        fix = "Set AGENT_IP to an address of this machine."
        first = Line("port", "fail", f"{found.ip} is not an address of this machine", fix)
    else:
        fix = "" if found.free else "Choose another AGENT_PORT, or stop what listens there."
        first = rated("port", f"{where} is {'free' if found.free else 'taken'}", fail=fix)
    inside = found.ip.startswith(LOOPBACK)
    remote = any(not url.split("//")[-1].startswith(LOOPBACK) for url in schedulers)
    told = (
        f"others reach the agent at {where}"
        if not inside
        else "by the scheduler's connection alone"
    )
    hint = "That is enough. For direct connections as well, set AGENT_IP to an address that others reach."
    second = Line("reach", "ok", told, hint if inside and remote else "")
    return [first, second]


def price_line(mine: Rates, others: Sequence[Rates]) -> Line:
    """Our price for a core and a GiB, against the others'."""
    ours = hourly(mine)
    if not others:
        return Line(
            "prices", "ok", f"{tokens(ours)} an hour for 1 core and 1 GiB; nobody else is live"
        )
    asked = sorted(hourly(one) for one in others)
    middle = int(median(asked))
    told = f"{tokens(ours)} an hour for 1 core and 1 GiB; {len(asked)} others ask {tokens(asked[0])} to "
    told += f"{tokens(asked[-1])}, {tokens(middle)} in the middle"
    fix = "Jobs go to who asks less: see `draas agent prices`."
    return rated("prices", told, fix if ours > DEAR * middle else "")


def hourly(rates: Rates) -> int:
    """What one core and one GiB cost in an hour of full use, without egress."""
    return cost(usage_cap(Resources(1000, 1024, 0), 3600), rates)


def tokens(amount: int) -> str:
    """Base units as tokens, for people."""
    return f"{amount / 10**18:,.4f} DRT"
