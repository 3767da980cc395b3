"""All messages of the agent's link, in each direction; and those by which a run that somebody watches is told of by the
second."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from chain.wire import (
    Ack,
    HashText,
    Heartbeat,
    Hello,
    LogLines,
    Offer,
    Probe,
    ProbeAnswer,
    Renew,
    RunKey,
    RunUpdate,
    UsageBody,
    Wake,
    Welcome,
    Whole,
    Wire,
)


class Metering(Wire):
    """From the scheduler: somebody watches these runs. Tell what they use as it is metered, for so long."""

    type: Literal["metering"] = "metering"
    runs: Annotated[list[RunKey], Field(max_length=1000)]
    for_s: Annotated[int, Field(ge=1, le=60)]


class MeteredRun(Wire):
    """The totals of one run at its last sample."""

    job_id: HashText
    attempt: Whole
    at_ms: Whole
    usage: UsageBody
    wall_ms: Whole
    memory_mib: Whole  # in use then


class Metered(Wire):
    """From the agent: runs that are watched and were sampled since they were told of last. Nothing is owed by it: what
    is reported on the chain is."""

    type: Literal["metered"] = "metered"
    runs: Annotated[list[MeteredRun], Field(max_length=1000)]


AgentMessage = Annotated[
    Hello | Renew | Heartbeat | RunUpdate | LogLines | ProbeAnswer | Metered,
    Field(discriminator="type"),
]
SchedulerMessage = Annotated[
    Welcome | Ack | Offer | Wake | Probe | Metering, Field(discriminator="type")
]
agent_message: TypeAdapter[AgentMessage] = TypeAdapter(AgentMessage)
scheduler_message: TypeAdapter[SchedulerMessage] = TypeAdapter(SchedulerMessage)
