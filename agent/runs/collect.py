"""A run's results on their way to IPFS. Pay goes before results: they get the time that the last report leaves."""

from __future__ import annotations

import asyncio

import structlog

from agent.container.host import JobContainer
from agent.runs.look import Seen
from agent.runs.record import RunRecord
from agent.runs.surroundings import Surroundings
from chain.errors import DraasError, InvalidInput, TooLarge
from chain.job import Cid
from chain.trace import traced

log = structlog.get_logger()
MOST_S, LEAST_S = 120.0, 1.0


def time_left(seen: Seen | None, now: int, settle_grace: int) -> float:
    """Seconds for the results: up to half of the grace in which the last report is taken; 0 when that is over.

    Args:
        now: chain time.
    """
    if seen is None:
        return MOST_S
    return max(0.0, min(MOST_S, seen.chain.deadline + settle_grace / 2 - now))


@traced("collect")
async def collect(
    around: Surroundings, record: RunRecord, kept: JobContainer, seen: Seen | None
) -> Cid:
    """Store what the program left; its CID, "" for nothing. What was left out stands in the run's log.

    Raises:
        Unavailable: the store does not answer, and there is time to try again.
    """
    view = around.view
    ends_s = time_left(seen, view.clock.now(), view.parameters.settle_grace)
    folder, told = await kept.take_results(max(LEAST_S, ends_s / 2))
    at_ms = record.exit.finished_ms if record.exit is not None else 0
    if told:
        kept.say(at_ms, told)
    if folder is None:
        return Cid("")
    try:
        return await asyncio.wait_for(around.store(folder), max(LEAST_S, ends_s))
    except (DraasError, TimeoutError) as error:
        again = ends_s > 0 and not isinstance(error, InvalidInput | TooLarge | TimeoutError)
        if again:
            raise
        log.warning("run.results_lost", run=record.job_id, error=str(error))
        kept.say(at_ms, f"The results could not be stored: {str(error) or 'it took too long'}")
        return Cid("")
