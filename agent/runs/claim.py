"""Checking an offer, and claiming the job. `faults_of` is pure: every reason is found before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from agent.observed import OnChain
from agent.runs.drain import REFUSAL
from agent.runs.record import RunRecord
from agent.runs.surroundings import Surroundings
from chain.convert import assignment_of, resources_of, terms_of
from chain.errors import DraasError
from chain.escrow import Escrow
from chain.job import Address, JobId, JobState, Rates, Resources, units_of
from chain.messages import Domain, signer_of_assignment
from chain.sender import Receipt, Sender
from chain.trace import traced
from chain.wire import Offer


@dataclass(frozen=True, slots=True)
class Facts:
    """What an offer is held against.

    Args:
        agent: our address.
        scheduler: the one we are logged in to.
        job_id: computed from the offer's terms.
        signer: who signed the assignment; "" when the signature is none.
        rates: our current rate card on-chain; None when it could not be read.
        units_free: of our bonded capacity: what no run holds on-chain.
        free: what is not reserved by other runs.
        gpus_free: devices that no other run holds.
        draining: whether no new jobs are taken.
        now: chain time.
    """

    agent: Address
    scheduler: Address
    job_id: JobId
    signer: str
    rates: Rates | None
    units_free: int
    free: Resources
    now: int
    gpus_free: int = 0
    draining: bool = False


def faults_of(offer: Offer, facts: Facts, chain: OnChain | None) -> list[str]:
    """Why this offer cannot be taken, for people; empty when it can.

    Args:
        chain: the attempt as seen on-chain; None when it was not seen (the contract checks the state again).
    """
    assignment, terms = offer.assignment, terms_of(offer.terms)
    faults = (
        [] if assignment.provider.lower() == facts.agent.lower() else ["it is for another agent"]
    )
    if facts.job_id != assignment.job_id:
        faults.append("the terms are not those of the job")
    if terms.scheduler.lower() != facts.scheduler.lower():
        faults.append("the job names another scheduler")
    if facts.signer.lower() != terms.scheduler.lower():
        faults.append("the assignment is not signed by the job's scheduler")
    if assignment.deadline < facts.now:
        faults.append("the assignment has run out")
    if offer.manifest.reserved() != terms.resources:
        faults.append("the manifest reserves other resources than the terms")
    if facts.rates is None or not facts.rates.within(terms.max_rates):
        faults.append("our rates are above the price limit")
    if units_of(terms.resources) > facts.units_free:
        wanted = units_of(terms.resources)
        faults.append(f"{wanted} units of bonded capacity are wanted and {facts.units_free} free")
    faults += shortages(resources_of(offer.terms.resources), facts.free)
    faults += _unserved(offer, facts)
    if chain is not None and not _is_open(chain, assignment.attempt):
        faults.append(f"the job is {chain.state.name.lower()}, at attempt {chain.attempt}")
    return faults


def _unserved(offer: Offer, facts: Facts) -> list[str]:
    """What this machine does not give just now."""
    wanted = offer.manifest.resources.gpus
    told = f"{wanted} GPUs are wanted and {facts.gpus_free} are free"
    return [told] * (wanted > facts.gpus_free) + [REFUSAL] * facts.draining


def _is_open(chain: OnChain, attempt: int) -> bool:
    return chain.state is JobState.OPEN and chain.attempt == attempt


def shortages(need: Resources, free: Resources) -> list[str]:
    """What of a need is not free, told with both figures."""
    pairs = (
        ("thousandths of a core", need.cpu_millis, free.cpu_millis),
        ("MiB of memory", need.memory_mib, free.memory_mib),
        ("KiB/s of network", need.egress_kib_s, free.egress_kib_s),
    )
    return [
        f"{want} {what} are wanted and {have} are free" for what, want, have in pairs if want > have
    ]


def signer_of(offer: Offer, domain: Domain) -> str:
    """Who signed the offer's assignment; "" when the signature is none."""
    try:
        return signer_of_assignment(domain, assignment_of(offer.assignment), offer.signature)
    except DraasError:
        return ""


@traced("check")
async def check_offer(around: Surroundings, record: RunRecord, chain: OnChain | None) -> list[str]:
    """Hold an offer against what is so now; the reasons not to take it.

    Raises:
        Unavailable: the chain does not answer.
    """
    offer, escrow = record.offer, around.escrow
    provider = await escrow.provider(around.agent)
    known = provider.rate_card > 0
    rates = await escrow.rates(around.agent, provider.rate_card) if known else None
    facts = Facts(
        agent=around.agent,
        scheduler=around.scheduler(),
        job_id=escrow.job_id(terms_of(offer.terms)),
        signer=signer_of(offer, around.domain),
        rates=rates,
        units_free=0 if provider.unbond_at else provider.bonded - provider.reserved,
        free=around.free(record),
        gpus_free=len(around.gpus_for(record)),
        draining=around.draining(),
        now=around.view.clock.now(),
    )
    short = around.room(offer.manifest.resources.disk_mib)
    why_not = around.machine.runtime_of(offer.manifest).why_not
    return faults_of(offer, facts, chain) + [why for why in (short, why_not) if why]


@traced("claim")
async def claim_job(escrow: Escrow, sender: Sender, offer: Offer) -> Receipt:
    """Claim the job at our current rates. Safe to repeat: one claim an assignment is ever sent.

    Raises:
        Reverted: the contract refuses; nothing was sent.
    """
    assignment = assignment_of(offer.assignment)
    call = escrow.claim_job(terms_of(offer.terms), assignment, offer.signature)
    key = f"claim/{assignment.job_id}/{assignment.attempt}/{assignment.deadline}"
    return await sender.send(call, key)
