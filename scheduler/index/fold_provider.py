"""A provider's events as facts: its bond and its record, counted as `DRaaSEscrow` counts them."""

from __future__ import annotations

from dataclasses import replace

from chain import events as ev
from chain.job import Address
from scheduler.rows.facts import JobFacts, ProviderFacts

EVEN = 5000  # of 10,000: with less than that for the provider it has lost
MOST_COMPLETED = 2**32 - 1  # the contract's counters stop there
MOST = 2**16 - 1  # of lapses, and of lost disputes


def provider_of(event: ev.Event, job: JobFacts | None) -> Address | None:
    """Whose facts an event changes, if any; `job` is the one that it is about."""
    match event:
        case (
            ev.ProviderRegistered()
            | ev.RatesSet()
            | ev.UnbondStarted()
            | ev.BondWithdrawn()
            | ev.BondSlashed()
            | ev.JobCompleted()
            | ev.JobLapsed()
        ):
            return event.provider
        case ev.DisputeRuled(share=share) if share < EVEN:
            run = job.run(event.attempt) if job is not None else None
            return run.provider if run is not None else None
        case _:
            return None


def fold_provider(  # noqa: PLR0911 - one case an event
    facts: ProviderFacts, event: ev.Event
) -> ProviderFacts:
    """The facts after one more event for which `provider_of` names this provider."""
    match event:
        case ev.ProviderRegistered(bonded=bonded):
            return replace(facts, bonded=bonded, unbond_at=0)
        case ev.RatesSet(rate_card=card):
            return replace(facts, rate_card=card)
        case ev.UnbondStarted(unbond_at=unbond_at):  # told again when a run is settled meanwhile
            return replace(facts, unbond_at=unbond_at)
        case ev.BondWithdrawn():
            return replace(facts, bonded=0, unbond_at=0)
        case ev.BondSlashed(units=units):
            return replace(facts, bonded=max(0, facts.bonded - units))
        case ev.JobCompleted():
            return replace(facts, completed=min(facts.completed + 1, MOST_COMPLETED))
        case ev.JobLapsed():
            return replace(facts, lapsed=min(facts.lapsed + 1, MOST))
        case ev.DisputeRuled():
            return replace(facts, disputes_lost=min(facts.disputes_lost + 1, MOST))
        case _:
            return facts
