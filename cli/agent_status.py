"""Earnings and capacity at a glance. Pure: what the agent told → lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chain.job import Rates
from cli.money import TOKEN_DECIMALS, lasting, printable, short, tokens

BAR = 20
PER_HOUR = {"cpu_ms": 3_600_000, "memory_mib_s": 1024 * 3600, "egress_kib": 1024**2, "wall_s": 3600}
WORDS = {
    "cpu_ms": "core-hour",
    "memory_mib_s": "GiB-hour",
    "egress_kib": "GiB out",
    "wall_s": "hour",
}


def status_lines(told: Mapping[str, Any], now: float) -> list[str]:
    """The whole picture.

    Args:
        told: the answer of GET /v1/owner.
        now: Unix seconds.
    """
    state = "drained: takes no new jobs" if told["draining"] else "takes jobs"
    return [
        f"agent {told['agent']}  {state}",
        "",
        *_money(told),
        "",
        *_capacity(told),
        "",
        *_runs(told["runs"], now),
    ]


def _money(told: Mapping[str, Any]) -> list[str]:
    money, record = told["earnings"], told["provider"]
    rows = [
        ("earned", money["earned"], "by all reports so far"),
        ("pending", money["pending"], "of it, until its window has passed"),
        ("final", money["withdrawable"], "withdrawn by the agent itself, with its next report"),
        ("withdrawn", money["withdrawn"], ""),
        ("account", told["tokens"], "tokens of the agent's address"),
    ]
    lines = [f"{name:<10} {tokens(int(amount)):>22}  {why}".rstrip() for name, amount, why in rows]
    leaving = ", leaving" if record["leaving"] else ""
    lines.append(
        f"{'bond':<10} {tokens(int(record['bond'])):>22}  for {record['units']} units, "
        f"{record['reserved']} held by runs{leaving}"
    )
    lines.append(
        f"{'record':<10} {record['completed']} completed, {record['lapsed']} lapsed, "
        f"{record['disputes_lost']} disputes lost"
    )
    if told["rates"]:
        lines.append(f"{'prices':<10} {prices_text(told['rates'])}")
    return lines


def prices_text(rates: Mapping[str, str]) -> str:
    """Rates as prices in tokens."""
    units = 10**TOKEN_DECIMALS
    asked = [
        f"{int(rates[name]) * times / units:g} a {WORDS[name]}" for name, times in PER_HOUR.items()
    ]
    return ", ".join(asked)


def prices_of(rates: Rates) -> str:
    """The same of typed rates."""
    return prices_text({name: str(getattr(rates, name)) for name in PER_HOUR})


def _capacity(told: Mapping[str, Any]) -> list[str]:
    all_of, free = told["capacity"], told["free"]
    gpus = told["gpus"]
    rows = [
        ("cores", all_of["cpu_millis"] / 1000, free["cpu_millis"] / 1000),
        ("MiB", all_of["memory_mib"], free["memory_mib"]),
        ("KiB/s out", all_of["egress_kib_s"], free["egress_kib_s"]),
        ("GPUs", len(gpus["names"]), gpus["free"]),
    ]
    lines = []
    for name, whole, left in rows:
        if whole:
            used = max(0, whole - left)
            lines.append(f"{name:<10} {bar(used / whole)} {used:g} of {whole:g} taken")
    if not gpus["names"]:
        lines.append(f"{'GPUs':<10} none: {gpus['why']}")
    return lines


def bar(share: float) -> str:
    """A share as a bar; anything at all shows as something."""
    full = min(BAR, max(int(share > 0), round(share * BAR)))
    return "█" * full + "░" * (BAR - full)


def _runs(runs: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    if not runs:
        return ["no runs"]
    head = f"{'job':<16} {'phase':<11} {'since':>7} {'CPU s':>9} {'MiB h':>9} {'MiB out':>9} {'earned':>16}"
    return [head, *(_run(one, now) for one in runs)]


def _run(one: Mapping[str, Any], now: float) -> str:
    used = one["usage"]
    since = lasting(now - one["since"]) if one["since"] else "–"
    line = (
        f"{short(one['job_id']):<16} {one['phase']:<11} {since:>7} {used['cpu_ms'] / 1000:>9.1f} "
        f"{used['memory_mib_s'] / 3600:>9.2f} {used['egress_kib'] / 1024:>9.2f} "
        f"{tokens(int(one['earned'])):>16}"
    )
    return f"{line}  {printable(one['why'])[:60]}" if one["why"] else line
