"""POST /v1/bundles: a folder comes in; its CID, what it can cost, and the transactions to post it go out."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request

from chain import archive, ipfs
from chain.api import BundleReceipt, Estimate
from chain.convert import address_of, terms_body, unsigned_tx
from chain.errors import NotAllowed, TooLarge, Unavailable
from chain.folder import Limits
from chain.job import ZERO_ADDRESS, Cid, JobTerms, max_cost
from chain.manifest import Manifest
from chain.manifests.folder import manifest_of
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import refusals
from scheduler.decide.fit import Need
from scheduler.decide.place import choose

router = APIRouter(tags=["bundles"])
ARCHIVE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
SILENT_S = 30.0  # an upload may pause for so long
UPLOAD_S = 900.0  # and last for so long in all
TAR_OVERHEAD = 16 * 1024**2  # headers of many small files


@router.post("/v1/bundles", status_code=201, openapi_extra=ARCHIVE, responses=refusals())
async def add_bundle(
    request: Request,
    context: Ctx,
    consumer: Annotated[str, Query(pattern=r"^0x[0-9a-fA-F]{40}$")],
    salt: Annotated[str | None, Query(pattern=r"^0x[0-9a-f]{64}$")] = None,
    watch: bool = False,
) -> BundleReceipt:
    """Put a folder (the body: a plain tar of it) on IPFS, and say what posting it as a job takes.

    With `watch`, the terms name this scheduler as watcher: it disputes reports that do not fit what it sees.
    Nothing is posted: the answer's transactions are unsigned, for the consumer's wallet.
    """
    payer = address_of(consumer)
    folder = Path(tempfile.mkdtemp(prefix="bundle-", dir=context.scratch))
    try:
        unpacked = folder / "bundle"
        limits = Limits(max_bytes=context.settings.max_bundle_bytes)
        chunks = _limited(request, context.settings.max_bundle_bytes + TAR_OVERHEAD)
        await archive.unpack_stream(chunks, unpacked, limits)
        with ExitStack() as stack:
            plain, owner = await context.opener.open(unpacked, limits, stack)
            if owner not in (None, payer):
                raise NotAllowed("The bundle was sealed by another consumer.", "Seal your own.")
            manifest = (await asyncio.to_thread(manifest_of, plain)).manifest
        cid = await ipfs.add_folder(context.ipfs_api, unpacked, limits=limits)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    terms = JobTerms(
        consumer=payer,
        scheduler=address_of(context.market.scheduler),
        watcher=address_of(context.market.scheduler) if watch else ZERO_ADDRESS,
        salt=salt or "0x" + secrets.token_hex(32),
        resources=manifest.reserved(),
        max_rates=manifest.max_rates(),
        duration=manifest.duration_s,
        claim_within=manifest.claim_within_s,
        cid=Cid(cid),
    )
    await context.pinner.uploaded(terms.cid, context.escrow.job_id(terms))
    # A private manifest is told to nobody: a receipt is anybody's to ask for, of what is on IPFS.
    return await _receipt(context, terms, manifest, Manifest() if owner else manifest)


async def _limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body, as long as it stays within the limit and goes on.

    Raises:
        TooLarge, Unavailable: it does not.
    """
    size, body = 0, aiter(request.stream())
    ends = asyncio.get_running_loop().time() + UPLOAD_S
    while True:
        left = ends - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(SILENT_S, max(0.0, left))):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Unavailable("The upload did not go on.", "Send it again.") from None
        size += len(chunk)
        if size > limit:
            raise TooLarge(
                f"The upload is larger than {limit // 1024**2} MiB.", "Leave large files out."
            )
        yield chunk


async def _receipt(
    context: Context, terms: JobTerms, manifest: Manifest, shown: Manifest
) -> BundleReceipt:
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    need = Need.of(terms, terms.duration, manifest)
    choice = choose(need, await context.assigner.candidates())
    chain_id = context.market.chain_id
    return BundleReceipt(
        cid=terms.cid,
        manifest=shown,
        terms=terms_body(terms),
        job_id=context.escrow.job_id(terms),
        deposit=str(deposit),
        estimate=Estimate(
            deposit=str(deposit),
            cheapest=None if choice.cheapest is None else str(choice.cheapest),
            agents_fitting=choice.fitting,
            why_not=choice.why_not,
        ),
        approval=unsigned_tx(context.token.approve(context.escrow.address, deposit), chain_id),
        transaction=unsigned_tx(context.escrow.post_job(terms, deposit), chain_id),
    )
