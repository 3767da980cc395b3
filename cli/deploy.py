"""`draas deploy`: a folder becomes a posted job, and the job is followed to its end."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from chain.api import BundleReceipt
from chain.bundle import Bundle, pack
from chain.convert import terms_of
from chain.errors import Conflict, InvalidInput, NotAllowed
from chain.group import ID_BYTES, Kind, Member, group_id, salt_of
from chain.job import MAX_AMOUNT, ZERO_ADDRESS, Address, Cid, JobId, JobTerms, max_cost
from chain.manifest import Manifest
from chain.manifests.conversion import Conversion
from chain.manifests.folder import manifest_of
from chain.recipes.recognise import dockerfile_of
from chain.sealed_bundle import seal_bundle
from chain.sender import Receipt
from chain.token import sign_permit
from cli.money import lasting, short, tokens
from cli.screen import Screen
from cli.secrets import domain_of, recipient_of_scheduler
from cli.session import Session
from cli.source import folder_of

PERMIT_FOR_S = 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be posted, worked out without asking anybody."""

    folder: Path
    manifest: Manifest
    archive: bytes
    cid: Cid
    terms: JobTerms
    job_id: JobId
    deposit: int  # base units
    notes: tuple[str, ...] = ()  # what of another tool's file did not map


async def make_plan(
    session: Session, folder: Path, *, watch: bool = False, group: str = "", private: bool = False
) -> Plan:
    """Read the folder and fix the terms; with `watch`, the scheduler is named as the job's watcher; with `private`,
    what is posted is sealed to it. Where the manifest wants several jobs, these are the first's; `group` takes up one
    whose posting was cut off.

    Raises:
        InvalidInput: no folder, a manifest that does not hold, or a bundle over the limits.
    """
    found = read_folder(folder)
    manifest = found.manifest
    bundle = await asyncio.to_thread(pack, folder)
    if private:
        if group:
            raise InvalidInput(
                "What is sealed again is another bundle, and no part of the group.",
                "Deploy it as a new group.",
            )
        bundle = await _sealed(session, bundle)
    resources, rates = manifest.reserved(), manifest.max_rates()
    terms = JobTerms(
        consumer=session.address,
        scheduler=Address(session.market.scheduler),
        watcher=Address(session.market.scheduler) if watch else ZERO_ADDRESS,
        salt=_salt(manifest, group),
        resources=resources,
        max_rates=rates,
        duration=manifest.duration_s,
        claim_within=manifest.claim_within_s,
        cid=bundle.cid,
    )
    deposit = max_cost(resources, rates, terms.duration)
    if deposit > MAX_AMOUNT:
        raise InvalidInput(
            f"The deposit would be {tokens(deposit)}, and the escrow takes at most {tokens(MAX_AMOUNT)}.",
            "Lower duration, resources or prices.",
        )
    job_id = session.escrow.job_id(terms)
    dockerfile_of(folder, manifest)  # what has nothing to build is refused before it is paid for
    return Plan(folder, manifest, bundle.archive, bundle.cid, terms, job_id, deposit, found.notes)


async def _sealed(session: Session, bundle: Bundle) -> Bundle:
    recipient = await recipient_of_scheduler(session)
    domain, scheduler = domain_of(session), session.market.scheduler
    return await asyncio.to_thread(
        seal_bundle, bundle, domain, scheduler, session.address, recipient
    )


def _salt(manifest: Manifest, group: str) -> str:
    if manifest.jobs == 1:
        if group:
            raise InvalidInput(
                "This folder is one job.", "Set verify or replicas, or leave --group."
            )
        return "0x" + secrets.token_hex(32)
    named = group_id(group) if group else group_id("0x" + secrets.token_hex(ID_BYTES))
    kind: Kind = "verify" if manifest.verify > 1 else "replicas"
    return salt_of(Member(named, kind, 0, manifest.jobs))


def read_folder(folder: Path) -> Conversion:
    """How the folder says that it wants to run.

    Raises:
        InvalidInput: no folder, or what it says cannot be read.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.", "Name the folder that holds the code.")
    return manifest_of(folder)


async def show_dockerfile(screen: Screen, path: Path, rev: str) -> int:
    """Print the Dockerfile that the folder is built by; the scheduler may have other base images."""
    with folder_of(path, rev) as folder:
        found = read_folder(folder)
        text, kind = dockerfile_of(folder, found.manifest)
    screen.record({"kind": kind, "dockerfile": text, "notes": list(found.notes)})
    screen.say(text.rstrip())
    return 0


def show_plan(screen: Screen, plan: Plan) -> None:
    """What will be posted, and the most that it can cost."""
    manifest, spec = plan.manifest, plan.manifest.resources
    for note in plan.notes:
        screen.say(note, style="dim")
    screen.say(f"{manifest.name}: {plan.folder}", style="bold")
    screen.say(f"  bundle     {plan.cid} ({len(plan.archive) / 1024:.0f} KiB)")
    screen.say(
        f"  resources  {spec.cpus} CPU, {spec.memory} memory, egress {spec.egress}/s, disk {spec.disk}"
    )
    screen.say(
        f"  time       at most {lasting(plan.terms.duration)}; to be claimed within {lasting(plan.terms.claim_within)}"
    )
    if manifest.jobs > 1:
        what = "the same on different providers" if manifest.verify > 1 else "replicas"
        screen.say(f"  jobs       {manifest.jobs}: {what}, each with a deposit of its own")
    screen.say(
        f"  deposit    {tokens(plan.deposit, 8)}: the most that can be spent, the rest comes back"
    )


def show_posted(screen: Screen, plan: Plan, receipt: Receipt) -> None:
    """The job that there is now."""
    screen.done(
        "posted",
        f"job {plan.job_id}, {tokens(plan.deposit)} locked, tx {short(receipt.tx_hash)}",
    )
    screen.record(
        {
            "event": "posted",
            "job": plan.job_id,
            "cid": plan.cid,
            "deposit": str(plan.deposit),
            "tx": receipt.tx_hash,
        }
    )


def check_receipt(plan: Plan, receipt: BundleReceipt) -> None:
    """Hold the scheduler's answer against what we worked out ourselves; sign nothing that differs.

    Raises:
        Conflict: it stored other bytes, or asks for other terms.
    """
    if receipt.cid != plan.cid:
        raise Conflict(
            f"The scheduler stored {receipt.cid}, but the folder is {plan.cid}.",
            "Nothing was posted. Try again; if it stays so, do not trust this scheduler.",
        )
    if (
        terms_of(receipt.terms) != plan.terms
        or receipt.job_id != plan.job_id
        or int(receipt.deposit) != plan.deposit
    ):
        raise Conflict(
            "The scheduler's terms differ from those asked for.",
            "Nothing was posted. Check that the scheduler has this version; if so, do not trust it.",
        )


async def upload_and_post(session: Session, plan: Plan) -> Receipt:
    """The folder to IPFS, checked; then the job on-chain."""
    await upload(session, plan)
    return await post(session, plan)


async def upload(session: Session, plan: Plan) -> None:
    """The folder to IPFS.

    Raises:
        Conflict: as `check_receipt`.
    """
    watch = plan.terms.watcher != ZERO_ADDRESS
    answer = await session.api.upload(plan.archive, session.address, plan.terms.salt, watch=watch)
    check_receipt(plan, answer)


async def post(session: Session, plan: Plan) -> Receipt:
    """Lock the deposit and post the job, in one transaction.

    Raises:
        NotAllowed: the consumer has too few tokens.
    """
    held = await session.token.balance_of(session.address)
    if held < plan.deposit:
        raise NotAllowed(
            f"The deposit is {tokens(plan.deposit)}, but {session.address} has {tokens(held)}.",
            "Get tokens (on a test network: `draas balance --faucet`), or lower duration, resources or prices.",
        )
    head = await session.w3.eth.get_block("latest")
    permit = await sign_permit(
        session.account,
        session.token,
        Address(session.market.escrow),
        plan.deposit,
        head["timestamp"] + PERMIT_FOR_S,
    )
    call = session.escrow.post_job_with_permit(plan.terms, plan.deposit, permit)
    return await session.send(call, f"post/{plan.job_id}")
