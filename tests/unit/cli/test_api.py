import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from chain.errors import Conflict, DraasError, InvalidInput, NotFound, TooLarge, Unavailable
from cli.api import _refusal
from cli.event_stream import read_events

LINE = '{"attempt":1,"seq":0,"at_ms":5,"stream":"stdout","text":"hello"}'


class Stream(httpx.AsyncByteStream):
    def __init__(self, text: str) -> None:
        self.text = text

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.text), 7):
            yield self.text[start : start + 7].encode()


def read(text: str) -> list[tuple[str, str, str]]:
    async def collect() -> list[tuple[str, str, str]]:
        return [event async for event in read_events(httpx.Response(200, stream=Stream(text)))]

    return asyncio.run(collect())


def test_events_are_read_across_pieces_of_the_stream() -> None:
    events = read(
        f": keep-alive\n\nevent: log\nid: 1-0\ndata: {LINE}\n\nevent: end\ndata: {{}}\n\n"
    )
    assert events == [("log", "1-0", LINE)]


def test_nothing_after_the_end_is_read() -> None:
    assert read(f"event: end\ndata: {{}}\n\nevent: log\nid: 1-0\ndata: {LINE}\n\n") == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (409, Conflict), (413, TooLarge), (422, InvalidInput), (502, Unavailable)],
)
def test_a_problem_document_becomes_the_error_it_was_made_from(
    status: int, kind: type[DraasError]
) -> None:
    error = _refusal(
        httpx.Response(status, json={"title": "t", "detail": "what happened", "fix": "what to do"})
    )
    assert (type(error), error.message, error.fix) == (kind, "what happened", "what to do")


def test_an_answer_that_is_no_problem_document_is_still_told() -> None:
    assert _refusal(httpx.Response(500, text="<html>")).message == "The scheduler answered 500."
