"""`draas agent`: a provider's commands. What the agent does itself is asked of it over its own HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from chain.convert import rates_body
from chain.errors import Unavailable
from chain.prices import PRICES, price_of, rates_of_prices
from chain.settings import home_of
from cli.agent_api import OwnerApi
from cli.agent_env import agent_environ, change_env, env_path
from cli.agent_init import Made, Plan, ask_password, is_asked, key_from_stdin, set_up
from cli.agent_status import prices_of, status_lines
from cli.finish import finish
from cli.screen import Screen

app = typer.Typer(
    name="agent",
    help="Offer this machine: set up, check, run, drain, see what it earns.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Price = Annotated[str | None, typer.Option(metavar="TOKENS")]
LOOK_SECONDS = 2.0
NAMES = tuple(name for name, _ in PRICES.values())


def _finish(screen: Screen, work: Callable[[], Coroutine[object, object, int]]) -> None:
    finish(screen, work, "")


@app.command()
def init(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    home: Annotated[Path | None, typer.Option(help="Instead of DRAAS_HOME.")] = None,
    keystore: Annotated[Path | None, typer.Option(help="Take over this keystore.")] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Take over a private key.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="With the keystore's password.")
    ] = None,
    addresses: Annotated[Path | None, typer.Option(help="The market's address book.")] = None,
    scheduler_url: Annotated[str, typer.Option()] = "http://127.0.0.1:5000",
    rpc_url: Annotated[str, typer.Option()] = "http://127.0.0.1:8545",
    escrow: Annotated[str, typer.Option(help="If not the address book's.")] = "",
    ip: Annotated[str, typer.Option(help="Where the agent listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5100,
    cpus: Annotated[str, typer.Option(help="Cores to offer. [default: all]")] = "",
    memory: Annotated[str, typer.Option(help="Like 2G. [default: all]")] = "",
    egress: Annotated[str, typer.Option(help="A second, like 10M.")] = "",
    attributes: Annotated[str, typer.Option(help="Like region=eu,disk=ssd.")] = "",
    cpu_hour: Price = None,
    memory_gib_hour: Price = None,
    egress_gib: Price = None,
    hour: Price = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Make an encrypted key and a file of settings for a new agent."""
    screen = Screen(as_json)
    given = dict(zip(NAMES, (cpu_hour, memory_gib_hour, egress_gib, hour), strict=True))
    settings = {
        "SCHEDULER_URL": scheduler_url, "RPC_URL": rpc_url, "NEXT_PUBLIC_CONTRACT_ADDRESS": escrow,
        "AGENT_IP": ip, "AGENT_PORT": str(port), "AGENT_CPUS": cpus, "AGENT_MEMORY": memory,
        "AGENT_EGRESS": egress, "AGENT_ATTRIBUTES": attributes,
    }  # fmt: skip

    async def work() -> int:
        asked = is_asked(as_json, yes)
        prices = _prices(given, dict(PRICES.values()))
        if asked:
            _ask(settings, prices)
        place = home.expanduser().resolve() if home else home_of(os.environ)
        key = key_from_stdin() if key_stdin else ""
        password = ask_password(password_file, keystore is not None, asked)
        kept = password_file.expanduser().resolve() if password_file else None
        plan = Plan(place, settings, prices, keystore, key, password, kept, addresses)
        _tell_made(screen, await asyncio.to_thread(set_up, plan))
        return 0

    _finish(screen, work)


def _prices(
    given: Mapping[str, str | None], otherwise: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """What was given, else what is said otherwise."""
    return {
        name: otherwise[name] if text is None else price_of(name, text)
        for name, text in given.items()
    }


def _ask(settings: dict[str, str], prices: dict[str, Decimal]) -> None:
    """Ask a person about what matters most; Enter takes what is shown."""
    for name, what in (("SCHEDULER_URL", "Scheduler"), ("RPC_URL", "Node of the chain")):
        settings[name] = typer.prompt(what, default=settings[name])
    for name, what in (("AGENT_CPUS", "Cores to offer"), ("AGENT_MEMORY", "Memory to offer")):
        found = typer.prompt(what, default=settings[name] or "all")
        settings[name] = "" if found == "all" else found
    words = {"cpu_hour": "a core for an hour", "memory_gib_hour": "a GiB for an hour",
             "egress_gib": "a GiB sent", "hour": "the machine for an hour"}  # fmt: skip
    for name, what in words.items():
        told = typer.prompt(f"Tokens for {what}", default=f"{prices[name]:f}")
        prices[name] = price_of(name, told)


def _tell_made(screen: Screen, made: Made) -> None:
    kept = str(made.password_file) if made.password_file else None
    screen.record(
        {
            "event": "initialised",
            "address": made.address,
            "home": str(made.home),
            "env": str(made.env),
            "keystore": str(made.keystore),
            "password_file": kept,
        }
    )
    screen.done("keystore", str(made.keystore))
    screen.done("settings", str(made.env))
    screen.say("")
    screen.say(f"The agent's address is {made.address}", style="bold")
    if kept is None:
        screen.say(
            "  Its password is kept nowhere: start the agent with DRAAS_KEYSTORE_PASSWORD set."
        )
    screen.say(
        "  Keep a copy of the keystore and of its password: whoever loses them loses the bond."
    )
    screen.say("Next:")
    screen.say(
        "  1. send it coins for gas, and tokens for its bond (on a test chain the faucet gives them)"
    )
    screen.say("  2. draas agent check")
    screen.say("  3. draas agent run   (or as a service: docs/provider.md)")


@app.command()
def check(as_json: Json = False) -> None:
    """See whether machine, key and market are fit, and what to do where they are not."""
    _become(Screen(as_json), ["check", *(["--json"] if as_json else [])])


@app.command()
def run() -> None:
    """Run the agent, until Ctrl-C. What it has started runs on, and is taken up at the next start."""
    _become(Screen(as_json=False), [])


def _become(screen: Screen, arguments: list[str]) -> None:
    """End as `python -m agent`, with the settings of the file. A check needs none."""

    async def work() -> int:
        told = dict(os.environ) if arguments and not env_path(os.environ).exists() else None
        environ = told if told is not None else agent_environ(os.environ)
        argv = [sys.executable, "-m", "agent", *arguments]
        os.execve(sys.executable, argv, environ)  # noqa: S606 - our own module, no shell

    _finish(screen, work)


@app.command()
def drain(
    undo: Annotated[bool, typer.Option("--undo", help="Take jobs again.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until no run is left.")] = False,
    as_json: Json = False,
) -> None:
    """Take no new jobs; those that run go on to their end. It lasts over restarts."""
    screen = Screen(as_json)

    async def work() -> int:
        api = OwnerApi(agent_environ(os.environ))
        told = await api.drain(not undo)
        screen.record({"event": "draining", **told})
        if undo:
            screen.done("the agent takes jobs again")
            return 0
        screen.done("the agent takes no new jobs", f"{told['left']} left")
        if wait:
            await _until_empty(api, screen, int(told["left"]))
        return 0

    _finish(screen, work)


async def _until_empty(api: OwnerApi, screen: Screen, left: int) -> None:
    """Tell each change until nothing is left. An agent that is started anew meanwhile is waited for."""
    with screen.working("the runs go on to their end"):
        while left:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                told = await api.show()
            except Unavailable:
                continue
            if told["left"] != left:
                left = int(told["left"])
                screen.record({"event": "left", "left": left})
                screen.say(f"  {left} left")
    screen.record({"event": "drained"})
    screen.done("nothing is left: the machine can be stopped")


@app.command()
def status(
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Earnings and capacity at a glance, and every run."""
    screen = Screen(as_json)

    async def work() -> int:
        api = OwnerApi(agent_environ(os.environ))
        while True:
            _show(screen, await api.show(), clear=watch)
            if not watch:
                return 0
            await asyncio.sleep(LOOK_SECONDS)

    _finish(screen, work)


def _show(screen: Screen, told: dict[str, Any], clear: bool) -> None:
    screen.record({"event": "status", **told})
    if clear and screen.console.is_terminal and not screen.as_json:
        screen.console.clear()
    for line in status_lines(told, time.time()):
        screen.say(line)


@app.command()
def prices(
    cpu_hour: Price = None,
    memory_gib_hour: Price = None,
    egress_gib: Price = None,
    hour: Price = None,
    as_json: Json = False,
) -> None:
    """Show the prices, or set some: in the settings, and at once on-chain where the agent runs."""
    screen = Screen(as_json)
    given = dict(zip(NAMES, (cpu_hour, memory_gib_hour, egress_gib, hour), strict=True))

    async def work() -> int:
        environ = agent_environ(os.environ)
        now = {
            name: price_of(name, environ.get(variable) or f"{default:f}")
            for variable, (name, default) in PRICES.items()
        }
        wanted = _prices(given, now)
        rates = rates_of_prices(wanted)
        if wanted != now:
            changes = {variable: f"{wanted[name]:f}" for variable, (name, _) in PRICES.items()}
            await asyncio.to_thread(change_env, env_path(os.environ), changes)
            await _tell_rates(screen, OwnerApi(environ), rates_body(rates).model_dump())
        screen.record({"event": "prices", **{name: f"{price:f}" for name, price in wanted.items()}})
        screen.say(prices_of(rates))
        return 0

    _finish(screen, work)


async def _tell_rates(screen: Screen, api: OwnerApi, rates: dict[str, str]) -> None:
    try:
        told = await api.set_rates(rates)
    except Unavailable:
        screen.say("The agent does not run: it asks these from its next start on.")
        return
    screen.done("on-chain", told["tx"] or "they were so already")
