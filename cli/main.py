"""`draas`: the commands, each a few calls into the modules beside this one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated

import typer

from chain.group import group_id
from chain.job import JobId
from cli import deploy as deploying
from cli import jobs
from cli.agent import app as agent_app
from cli.finish import INTERRUPTED
from cli.finish import finish as _finish
from cli.group import post_group, see_through
from cli.lines import View, may_be_raw, show_logs, since_of
from cli.members import find_group
from cli.one import deploy_one
from cli.results import fetch_results
from cli.screen import Screen
from cli.secrets import check_taken, give, read_secrets
from cli.session import Session, open_session
from cli.source import folder_of
from cli.up import Options, run_market
from cli.verify import Expected, verify

app = typer.Typer(
    name="draas",
    help="Run code on other people's machines and pay for exactly what ran.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(agent_app, name="agent")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="A job's id, or the beginning of it.")
]


def _with_session(
    screen: Screen, work: Callable[[Session], Coroutine[object, object, int]]
) -> None:
    async def connected() -> int:
        async with open_session(os.environ) as session:
            return await work(session)

    _finish(screen, connected)


@app.command()
def up(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    agents: Annotated[int, typer.Option(min=1, max=32, help="How many agents.")] = 1,
    window: Annotated[int, typer.Option(min=1, help="Seconds to dispute a report in.")] = 5,
    lapse_after: Annotated[
        int, typer.Option(min=1, help="Seconds of silence after which a job lapses.")
    ] = 60,
    settle_grace: Annotated[int, typer.Option(min=1, help="Seconds for a last report.")] = 15,
    rpc_port: Annotated[int, typer.Option(help="Ganache.")] = 8545,
    ipfs_port: Annotated[int, typer.Option(help="The IPFS store.")] = 5001,
    port: Annotated[int, typer.Option(help="The scheduler.")] = 5000,
    agent_port: Annotated[int, typer.Option(help="The first agent; others follow.")] = 5100,
    agent_cpus: Annotated[
        float | None, typer.Option(help="Cores of each agent. [default: an equal share]")
    ] = None,
    agent_memory: Annotated[str | None, typer.Option(help="Memory of each agent, like 2G.")] = None,
    ipfs_api: Annotated[
        str | None, typer.Option(envvar="IPFS_API", help="Use this IPFS node.")
    ] = None,
    frontend: Annotated[bool, typer.Option(help="The market's pages.")] = True,
    frontend_port: Annotated[
        int | None, typer.Option(help="The front end. [default: 3000 or the next that is free]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring up the whole market on this machine, until Ctrl-C."""
    screen = Screen(as_json)
    options = Options(
        agents=agents,
        window=window,
        lapse_after=lapse_after,
        settle_grace=settle_grace,
        rpc_port=rpc_port,
        ipfs_port=ipfs_port,
        scheduler_port=port,
        agent_port=agent_port,
        agent_cpus=agent_cpus,
        agent_memory=agent_memory,
        ipfs_api=ipfs_api,
        frontend=frontend,
        frontend_port=frontend_port,
    )
    _finish(screen, lambda: run_market(options, os.environ, screen))


@app.command()
def deploy(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    path: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder with the code, or a tar or zip of it.")
    ] = Path("."),
    rev: Annotated[
        str, typer.Option("--rev", metavar="COMMIT", help="What git has of the folder there.")
    ] = "",
    detach: Annotated[bool, typer.Option("-d", "--detach", help="Do not follow.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Have the scheduler dispute bills that do not fit.")
    ] = False,
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", metavar="NAME[=VALUE|=@FILE]", help="One that draas.yaml names."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Seal the code to the scheduler that builds it.")
    ] = False,
    group: Annotated[
        str, typer.Option(help="Of verify or replicas: post what is missing of this group.")
    ] = "",
    show_dockerfile: Annotated[
        bool,
        typer.Option("--show-dockerfile", help="Print what would be built, and post nothing."),
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Post a folder as a job and follow it to its end."""
    screen = Screen(as_json)
    if show_dockerfile:
        _finish(screen, lambda: deploying.show_dockerfile(screen, path, rev))
        return

    async def work(session: Session) -> int:
        with folder_of(path, rev) as folder:
            plan = await deploying.make_plan(
                session, folder, watch=watch, group=group, private=private
            )
        values = read_secrets(plan.manifest, secret or [], os.environ)
        await check_taken(session, values)
        deploying.show_plan(screen, plan)
        if (
            not (yes or as_json)
            and sys.stdin.isatty()
            and not typer.confirm("Post it?", default=True)
        ):
            return INTERRUPTED
        if plan.manifest.jobs > 1:
            members = await post_group(session, screen, plan, values)
            return 0 if detach else await see_through(session, screen, members, os.environ)
        return await deploy_one(session, screen, plan, values, detach=detach)

    _with_session(screen, work)


@app.command("group")
def follow_group(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="A group's id.")],
    as_json: Json = False,
) -> None:
    """Follow the jobs of a group to their end, and carry its verdict out."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        members = await find_group(session, group_id(group))
        return await see_through(session, screen, members, os.environ)

    _with_session(screen, work)


@app.command("ps")
def list_jobs(as_json: Json = False) -> None:
    """List your jobs."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        await jobs.list_jobs(session, screen, time.time())
        return 0

    _with_session(screen, work)


@app.command()
def logs(
    job: JobArgument,
    follow_on: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until it has ended.")
    ] = False,
    timestamps: Annotated[
        bool, typer.Option("-t", "--timestamps", help="With the time of each line.")
    ] = False,
    since: Annotated[str, typer.Option(help="Only lines since then: 10m, or a time.")] = "",
    tail: Annotated[
        int | None, typer.Option("-n", "--tail", min=0, max=100_000, help="Only the last lines.")
    ] = None,
    raw: Annotated[bool, typer.Option(help="With control characters; not on a terminal.")] = False,
    as_json: Json = False,
) -> None:
    """Print what a job has printed: its stderr, and notices about the log, on stderr."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        if raw:
            may_be_raw(sys.stdout)
            may_be_raw(sys.stderr)
        since_ms = since_of(since, time.time()) if since else 0
        view = View(follow_on, timestamps, since_ms, tail, raw=raw)
        found = await jobs.find(session, job)
        await show_logs(session.api, JobId(found.job_id), screen, view)
        return 0

    _with_session(screen, work)


@app.command()
def results(
    job: JobArgument,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="A folder to make.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch what a job has left in its results folder."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        await fetch_results(session, os.environ, screen, job, folder)
        return 0

    _with_session(screen, work)


@app.command()
def cancel(job: JobArgument, as_json: Json = False) -> None:
    """End a job now; what was not spent comes back."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        await jobs.cancel(session, screen, job)
        return 0

    _with_session(screen, work)


@app.command("secrets")
def give_secrets(
    job: JobArgument,
    secret: Annotated[list[str], typer.Option("--secret", metavar="NAME=…", help="All of them.")],
    as_json: Json = False,
) -> None:
    """Give a job's secrets after it was posted; a run that is under way keeps what it has."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        return await give(session, screen, job, secret, os.environ)

    _with_session(screen, work)


@app.command()
def balance(
    faucet: Annotated[
        bool, typer.Option("--faucet", help="First take tokens from the test network's faucet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show your tokens, and what is locked in jobs."""
    screen = Screen(as_json)

    async def work(session: Session) -> int:
        await jobs.show_balance(session, screen, faucet)
        return 0

    _with_session(screen, work)


@app.command("verify")
def verify_evidence(
    source: Annotated[str, typer.Argument(metavar="CID|FILE", help="A usage ledger, or evidence.")],
    job: Annotated[str, typer.Option(help="The job it is to be about.")] = "",
    attempt: Annotated[int, typer.Option(min=0, help="Which run of it; 0 for any.")] = 0,
    agent: Annotated[str, typer.Option(help="Whose word it is to be.")] = "",
    evidence: Annotated[
        Path | None,
        typer.Option(help="A watcher's evidence, to hold the ledger against.", exists=True),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check what a bill or a dispute rests on, without trusting anybody."""
    screen = Screen(as_json)
    expected = Expected(job, attempt, agent)
    _finish(screen, lambda: verify(screen, source, expected, evidence, os.environ))


if __name__ == "__main__":
    app()
