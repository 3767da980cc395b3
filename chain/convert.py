"""Our types as bodies on the wire, and back."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from chain.api import UnsignedTx
from chain.calls import Call
from chain.job import Address, Cid, Digest, JobId, JobTerms, Rates, Resources, Usage
from chain.messages import Assignment
from chain.wire import AssignmentBody, RatesBody, ResourcesBody, TermsBody, UsageBody


def resources_body(resources: Resources) -> ResourcesBody:
    """For the wire."""
    return ResourcesBody(
        cpu_millis=resources.cpu_millis,
        memory_mib=resources.memory_mib,
        egress_kib_s=resources.egress_kib_s,
    )


def resources_of(body: ResourcesBody) -> Resources:
    """From the wire."""
    return Resources(body.cpu_millis, body.memory_mib, body.egress_kib_s)


def rates_body(rates: Rates) -> RatesBody:
    """For the wire."""
    return RatesBody(
        cpu_ms=str(rates.cpu_ms),
        memory_mib_s=str(rates.memory_mib_s),
        egress_kib=str(rates.egress_kib),
        wall_s=str(rates.wall_s),
    )


def rates_of(body: RatesBody) -> Rates:
    """From the wire."""
    return Rates(int(body.cpu_ms), int(body.memory_mib_s), int(body.egress_kib), int(body.wall_s))


def usage_body(usage: Usage) -> UsageBody:
    """For the wire."""
    return UsageBody(
        cpu_ms=usage.cpu_ms,
        memory_mib_s=usage.memory_mib_s,
        egress_kib=usage.egress_kib,
        wall_s=usage.wall_s,
    )


def usage_of(body: UsageBody) -> Usage:
    """From the wire."""
    return Usage(body.cpu_ms, body.memory_mib_s, body.egress_kib, body.wall_s)


def terms_body(terms: JobTerms) -> TermsBody:
    """For the wire."""
    return TermsBody(
        consumer=terms.consumer,
        scheduler=terms.scheduler,
        watcher=terms.watcher,
        salt=terms.salt,
        resources=resources_body(terms.resources),
        max_rates=rates_body(terms.max_rates),
        duration=terms.duration,
        claim_within=terms.claim_within,
        cid=terms.cid,
    )


def terms_of(body: TermsBody) -> JobTerms:
    """From the wire."""
    return JobTerms(
        consumer=address_of(body.consumer),
        scheduler=address_of(body.scheduler),
        watcher=address_of(body.watcher),
        salt=body.salt,
        resources=resources_of(body.resources),
        max_rates=rates_of(body.max_rates),
        duration=body.duration,
        claim_within=body.claim_within,
        cid=Cid(body.cid),
    )


def assignment_body(assignment: Assignment) -> AssignmentBody:
    """For the wire."""
    return AssignmentBody(
        job_id=assignment.job_id,
        attempt=assignment.attempt,
        provider=assignment.provider,
        image=assignment.image,
        deadline=assignment.deadline,
    )


def assignment_of(body: AssignmentBody) -> Assignment:
    """From the wire."""
    return Assignment(
        job_id=JobId(body.job_id),
        attempt=body.attempt,
        provider=address_of(body.provider),
        image=Digest(body.image),
        deadline=body.deadline,
    )


def unsigned_tx(call: Call, chain_id: int) -> UnsignedTx:
    """For a wallet to fill in, sign and send."""
    return UnsignedTx(
        chain_id=chain_id, to=call.to, data="0x" + call.data.hex(), value=str(call.value)
    )


def address_of(text: str) -> Address:
    """An address of any capitalisation, checksummed."""
    return Address(to_checksum_address(text))
