"""`draas results`: what a job has left behind, fetched from IPFS and checked block by block against its CID."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx

from chain.api import Deployment
from chain.car import unpack
from chain.cid import cid_bytes
from chain.errors import Conflict, DraasError, NotFound, Unavailable
from chain.folder import RESULT_LIMITS, Gate
from chain.ipfs import fetch_folder, parse_cid
from chain.job import Cid
from cli.jobs import find
from cli.screen import Screen
from cli.session import Session, home_of, load_market

DEADLINE_S = 120.0


def result_of(deployment: Deployment) -> Cid:
    """The CID of what the newest run that has results left.

    Raises:
        NotFound: there are none (yet).
        InvalidInput: what stands there on-chain is no CID.
    """
    cids = [run.result_cid for run in deployment.runs if run.result_cid]
    if not cids:
        over = deployment.state in ("Ended", "Closed")
        why = "left no results" if over else "has no results yet"
        raise NotFound(f"The job {why}.", "A program writes them into /output.")
    return parse_cid(cids[-1])


async def fetch_results(
    session: Session, environ: Mapping[str, str], screen: Screen, given: str, dest: Path | None
) -> None:
    """Write a job's results into a new folder, whole or not at all.

    Args:
        dest: the folder; a name that follows from the job's id when there is none.

    Raises:
        NotFound: there are none, or nobody has them.
        Unavailable: no IPFS node or gateway answers.
        Conflict: the folder exists.
    """
    deployment = await find(session, given)
    cid = result_of(deployment)
    dest = (dest or Path(f"results-{deployment.job_id[2:10]}")).absolute()
    if dest.exists():
        raise Conflict(f"{dest} exists already.", "Name a folder that does not exist with -o.")
    await _fetch(_places(session, environ), cid, dest)
    files = [path for path in dest.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    screen.done("results", f"{len(files)} files, {size} bytes in {dest}")
    told = {"event": "results", "job": deployment.job_id, "cid": cid, "folder": str(dest)}
    screen.record(told | {"files": len(files), "bytes": size})


def _places(session: Session, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where to ask: nodes by their RPC, then the scheduler's gateway."""
    local = load_market(home_of(environ))
    api = environ.get("IPFS_API") or (local.ipfs_api if local else "")
    named = [("api", api), ("gateway", session.market.gateway)]
    return [(kind, url) for kind, url in named if url]


async def _fetch(places: list[tuple[str, str]], cid: Cid, dest: Path) -> None:
    fault: DraasError = Unavailable(
        "No IPFS node or gateway is known here.", "Name an IPFS node in IPFS_API."
    )
    for kind, url in places:
        try:
            if kind == "api":
                await fetch_folder(url, cid, dest, limits=RESULT_LIMITS, deadline_s=DEADLINE_S)
            else:
                await _from_gateway(url, cid, dest)
            return
        except (NotFound, Unavailable) as error:
            fault = error
    raise fault


async def _from_gateway(url: str, cid: Cid, dest: Path) -> None:
    gate = Gate()
    try:
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.to_thread(_receive, f"{url.rstrip('/')}/ipfs/{cid}", cid, dest, gate)
    except TimeoutError:
        if gate.close():
            raise Unavailable(f"{url} is too slow.", "Try again, or name a node.") from None


def _receive(url: str, cid: Cid, dest: Path, gate: Gate) -> None:
    """Blocking: for a thread."""
    wanted = {"accept": "application/vnd.ipld.car"}
    try:
        with httpx.stream("GET", url, params={"format": "car"}, headers=wanted, trust_env=False,
                          timeout=30) as answer:  # fmt: skip
            if answer.status_code == 404:
                raise NotFound(f"The gateway does not have {cid}.", "Try again later.")
            if not answer.is_success:
                raise Unavailable(f"The gateway answered {answer.status_code}.", "Try again.")
            unpack(answer.iter_bytes(), cid_bytes(cid), dest, RESULT_LIMITS, gate)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Unavailable("The gateway does not answer.", "Name a node in IPFS_API.") from None
