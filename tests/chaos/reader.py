"""Reads the jobs' logs from the schedulers as their consumers do, and keeps every line that it was ever given."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import httpx

from chain.errors import DraasError
from cli.signin import Credentials

Place = tuple[int, int]  # attempt and number of a line
LOOK_S = 1.5
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was delivered."""

    at: Place
    stream: str
    text: str


class Reader:
    """A reader of logs.

    Args:
        schedulers: their addresses, asked in turn.
        who: the credentials of a job's consumer.
    """

    def __init__(self, schedulers: list[str], who: Callable[[str], Credentials]) -> None:
        self._turn = itertools.cycle(schedulers)
        self._who = who
        self._http = httpx.AsyncClient(timeout=10, trust_env=False)
        self.given: dict[str, dict[Place, Line]] = defaultdict(dict)
        self.faults: list[str] = []

    async def follow(self, jobs: Callable[[], Iterable[str]]) -> None:
        """Read on in every job's log, for ever."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(job: str) -> None:
            async with gate:
                await self.read_on(job)

        while True:
            await asyncio.gather(*(one(job) for job in jobs()))
            await asyncio.sleep(LOOK_S)

    async def read_on(self, job: str) -> None:
        """Read what is new."""
        known = self.given[job]
        last = max(known, default=None)
        after = f"{last[0]}-{last[1]}" if last else ""
        for line in await self._read(next(self._turn), job, after):
            before = known.setdefault(line.at, line)
            if before != line or (last is not None and line.at <= last):
                self.faults.append(f"{job} line {line.at}: {before.text!r} became {line.text!r}")

    async def read_all(self, job: str, scheduler: str) -> list[Line]:
        """The whole log, from its first line.

        Raises:
            OSError: the scheduler does not answer.
        """
        lines = await self._read(scheduler, job, "", patient=True)
        places = [line.at for line in lines]
        if places != sorted(set(places)):
            self.faults.append(f"{job}: lines out of order or twice")
        return lines

    async def _read(
        self, scheduler: str, job: str, after: str, patient: bool = False
    ) -> list[Line]:
        query = {"follow": "false"} | ({"after": after} if after else {})
        try:
            answer = await self._ask(scheduler, job, query)
        except (httpx.HTTPError, DraasError) as error:
            if patient:
                raise OSError(f"{scheduler} does not answer: {error}") from None
            return []
        if patient and not answer.is_success:
            raise OSError(f"{scheduler} answers {answer.status_code}: {answer.text[:200]}")
        return lines_of(answer.text) if answer.is_success else []

    async def _ask(self, scheduler: str, job: str, query: dict[str, str]) -> httpx.Response:
        """As the job's consumer, signed in anew where the session does not hold."""
        who, url = self._who(job), f"{scheduler}/v1/deployments/{job}/logs"
        for _ in range(2):
            headers = {"authorization": f"Bearer {who.token(scheduler)}"}
            answer = await self._http.get(url, params=query, headers=headers)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                break
            async with httpx.AsyncClient(base_url=scheduler, trust_env=False) as http:
                await who.renew(http, scheduler)
        return answer

    async def close(self) -> None:
        """Ask no more."""
        await self._http.aclose()


def lines_of(stream: str) -> list[Line]:
    """The lines in a stream of server-sent events; one that was cut off is left out."""
    found = []
    for event in stream.split("\n\n")[:-1]:
        fields = dict(part.split(": ", 1) for part in event.splitlines() if ": " in part)
        if fields.get("event") != "log":
            continue
        body = json.loads(fields["data"])
        found.append(Line((body["attempt"], body["seq"]), body["stream"], body["text"]))
    return found
