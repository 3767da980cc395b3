"""What the owner of the machine may do and see besides: drain the agent, set its prices, look at earnings.

Whoever can read the file with the token in the agent's home may; a web page that is open on the machine cannot.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field

from agent.api.owner import owner_only
from agent.link.machine import NOTHING
from agent.pay.earnings import earnings_of
from agent.pay.register import Registry
from agent.runs.look import ChainView
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.convert import rates_body, rates_of, resources_body
from chain.errors import Conflict, NotAllowed
from chain.job import Address, Provider, Rates
from chain.wire import RatesBody

TOKEN_NAME = "owner.token"  # noqa: S105 - the file's name
RUNS_MOST = 200


class DrainBody(BaseModel):
    """Whether to take no new jobs."""

    model_config = ConfigDict(extra="forbid")
    draining: bool = Field(strict=True)


@dataclass(frozen=True, slots=True)
class Owner:
    """What the owner's requests are about."""

    registry: Registry
    runs: Runs
    view: ChainView

    @property
    def agent(self) -> Address:
        """Whose money it is."""
        return self.registry.sender.address

    def drain(self, on: bool) -> dict[str, Any]:
        """Begin or end the maintenance; what is left to run."""
        self.runs.drain.set(on)
        return {"draining": on, "left": self.left}

    @property
    def left(self) -> int:
        """Runs that were not brought to their end on-chain: those that a machine should not be stopped with."""
        records = [run.record for run in self.runs.all()]
        return sum(not (record.refused or record.settled) for record in records)

    async def set_rates(self, wanted: Rates) -> dict[str, Any]:
        """Ask these rates from now on; jobs that are claimed keep theirs.

        Raises:
            Conflict: the provider is not registered.
            Unavailable: the chain does not answer.
        """
        at = self.registry
        provider = await at.escrow.provider(self.agent)
        if provider.rate_card == 0:
            raise Conflict("This provider is not registered.", "Start the agent again.")
        tx = ""
        if await at.escrow.rates(self.agent, provider.rate_card) != wanted:
            tx = (await at.sender.send(at.escrow.set_rates(wanted), "")).tx_hash
        return {"rates": rates_body(wanted).model_dump(), "tx": tx}

    async def show(self) -> dict[str, Any]:
        """Earnings, bond, prices, capacity, and every run."""
        at, runs = self.registry, self.runs.all()
        provider = await at.escrow.provider(self.agent)
        known = provider.rate_card > 0
        rates = await at.escrow.rates(self.agent, provider.rate_card) if known else None
        held = await at.token.balance_of(self.agent)
        money = earnings_of(provider.earned, [run.seen for run in runs], await self.view.credit())
        drained = self.runs.drain.on
        return {
            "agent": self.agent,
            "earnings": {name: str(value) for name, value in asdict(money).items()},
            "tokens": str(held),
            "provider": _record(provider, at.parameters.bond_per_unit),
            "rates": rates_body(rates).model_dump() if rates else None,
            "draining": drained,
            "left": self.left,
            "capacity": resources_body(self.runs.capacity).model_dump(),
            "free": resources_body(NOTHING if drained else self.runs.free()).model_dump(),
            "gpus": {
                "names": self.runs.gpus.names,
                "free": len(self.runs.gpus_free()),
                "why": self.runs.gpus.why,
            },
            "runs": [_run(run) for run in runs][-RUNS_MOST:],
        }


def _record(provider: Provider, bond_per_unit: int) -> dict[str, Any]:
    return {
        "units": provider.bonded,
        "reserved": provider.reserved,
        "bond": str(provider.bonded * bond_per_unit),
        "leaving": provider.unbond_at > 0,
        "completed": provider.completed,
        "lapsed": provider.lapsed,
        "disputes_lost": provider.disputes_lost,
    }


def _run(run: Run) -> dict[str, Any]:
    seen = run.seen.chain if run.seen is not None else None
    return run.status().model_dump() | {
        "since": run.record.claimed_at,
        "gpus": list(run.record.gpus),
        "earned": str(seen.earned if seen else 0),
        "final": str(seen.final if seen else 0),
        "released": str(seen.released if seen else 0),
    }


def owner_routes(owner: Owner, home: Path) -> APIRouter:
    """The routes; the token that opens them is made anew at each start, in a file that only the owner can read."""
    token = secrets.token_urlsafe(32)
    write_token(home / "agent" / TOKEN_NAME, token)

    def known(authorization: Annotated[str, Header()] = "") -> None:
        if not compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise NotAllowed(
                "This is for the owner of the agent.",
                f"Show the token in DRAAS_HOME/agent/{TOKEN_NAME}.",
            )

    routes = APIRouter(prefix="/v1/owner", dependencies=[Depends(owner_only), Depends(known)])

    @routes.get("")
    async def show() -> dict[str, Any]:
        """Earnings and capacity at a glance."""
        return await owner.show()

    @routes.post("/drain")
    async def drain(body: DrainBody) -> dict[str, Any]:
        """Take no new jobs, or take them again."""
        return owner.drain(body.draining)

    @routes.post("/rates")
    async def rates(body: RatesBody) -> dict[str, Any]:
        """Ask other prices from now on."""
        return await owner.set_rates(rates_of(body))

    return routes


def write_token(path: Path, token: str) -> None:
    """Put it where only the owner of the home can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(token, encoding="utf-8")
    new.rename(path)
