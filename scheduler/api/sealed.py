"""What is sealed: the key to seal to, a job's secrets on their way in, and out to the agent that has claimed it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from chain.api import SealedBody, SecretNames
from chain.errors import InvalidInput, NotAllowed
from chain.job import JobId
from chain.sealing_key import SealingKeyBody
from scheduler.api.access import NEEDS_SESSION, Gatekeeper
from scheduler.api.context import Ctx
from scheduler.api.problems import refusals

router = APIRouter(tags=["sealed"])
Job = Annotated[str, Path(pattern=r"^0x[0-9a-f]{64}$")]
Attempt = Annotated[int, Path(ge=0, le=999)]


@router.get("/v1/sealing-key", responses=refusals(404))
async def sealing_key(context: Ctx, response: Response) -> SealingKeyBody:
    """The key to which secrets and private bundles are sealed for this scheduler, under its signature."""
    response.headers["Cache-Control"] = "no-store"
    return context.vault.announced()


@router.post(
    "/v1/deployments/{job_id}/secrets",
    dependencies=NEEDS_SESSION,
    responses=refusals(401, 404, 409),
)
async def put_secrets(
    context: Ctx, access: Gatekeeper, request: Request, job_id: Job, body: SealedBody
) -> SecretNames:
    """The job's secrets, sealed to this scheduler, from its consumer. They take the place of those given before; a
    run that is under way keeps what it has."""
    await access.consumer(request, JobId(job_id))
    return SecretNames(names=await context.vault.keep(JobId(job_id), _bytes(body)))


@router.post(
    "/v1/agents/runs/{job_id}/{attempt}/secrets",
    dependencies=NEEDS_SESSION,
    responses=refusals(401, 404, 409),
)
async def get_secrets(
    context: Ctx,
    access: Gatekeeper,
    request: Request,
    response: Response,
    job_id: Job,
    attempt: Attempt,
    body: SealingKeyBody,
) -> SealedBody:
    """The secrets of a run, sealed to the key in the body, for the agent that has claimed it."""
    response.headers["Cache-Control"] = "no-store"
    caller = await access.signed_in(request)
    if caller.claims.role != "agent":
        raise NotAllowed("These are for the agent that has claimed the run.", "")
    sealed = await context.vault.hand_over(JobId(job_id), attempt, caller.address, body)
    return SealedBody(sealed=base64.b64encode(sealed).decode())


def _bytes(body: SealedBody) -> bytes:
    try:
        return base64.b64decode(body.sealed, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("`sealed` is not base64.", "Encode the sealed bytes.") from None
