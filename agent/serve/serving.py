"""All that visitors of services need on the agent, put together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from fastapi import FastAPI

from agent.engine.engine import Engine
from agent.link.link import Link
from agent.runs.runs import Runs
from agent.serve.dial import Dialer
from agent.serve.direct import DirectDoor
from agent.serve.ready import Readiness
from agent.serve.tunnel import Tunnels
from agent.settings import AgentSettings
from chain.wire import RunStatus


class Serving:
    """The tunnels, the agent's own door, and the look at whether services answer."""

    def __init__(self, engine: Engine, runs: Runs, link: Link, settings: AgentSettings) -> None:
        self._link = link
        self._dialer = Dialer(engine, runs)
        self._readiness = Readiness(self._dialer, link.tell)
        self._tunnels = Tunnels(settings.scheduler_urls, link, self._dialer)
        self._scheme = "https" if settings.public_url.startswith("https:") else "http"

    def changed(self, status: RunStatus) -> None:
        """A run has taken a step: for the scheduler, and for us to look."""
        self._link.tell(status)
        self._readiness.changed()
        self._tunnels.changed()

    def in_front_of(self, api: FastAPI) -> FastAPI:
        """The agent's HTTP, with the door for visitors before it."""
        api.add_middleware(DirectDoor, dialer=self._dialer, scheme=self._scheme)
        return api

    def loops(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """What goes on for ever."""
        return [self._readiness.work, self._tunnels.work]
