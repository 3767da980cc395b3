"""Streams of a tunnel: complete and in order whatever they share it with, bounded, and each alone with its troubles."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.errors import InvalidInput, NotFound, Unavailable
from chain.proxy.mux import Accept, Mux, Stream
from chain.proxy.pipe import Broken
from chain.tunnel import WINDOW, Frame, Kind, Open, credit, encode

TO = Open(job_id="0x" + "1" * 64, attempt=1, port=8080)


def a_pair(accept: Accept) -> tuple[Mux, Mux]:
    """Both ends of a tunnel."""
    ends: list[Mux] = []

    def towards(number: int) -> Callable[[bytes], Awaitable[None]]:
        async def send(data: bytes) -> None:
            await asyncio.sleep(0)
            ends[number].take(data)

        return send

    ends += [Mux(towards(1)), Mux(towards(0), accept)]
    return ends[0], ends[1]


async def echo(stream: Stream, _: Open) -> None:
    stream.accept()
    while data := await stream.read():
        await stream.write(data)
    await stream.write_eof()


async def there_and_back(mux: Mux, pieces: list[bytes]) -> bytes:
    stream = await mux.open(TO)

    async def send() -> None:
        for piece in pieces:
            await stream.write(piece)
        await stream.write_eof()

    sending = asyncio.create_task(send())
    found = b""
    while data := await stream.read():
        found += data
    await sending
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3 * WINDOW), max_size=4), min_size=1, max_size=4))
def test_every_stream_carries_all_its_bytes_in_order(sizes: list[list[int]]) -> None:
    async def run() -> None:
        mux, other = a_pair(echo)
        sent = [[bytes([n % 256]) * size for size in each] for n, each in enumerate(sizes)]
        found = await asyncio.gather(*(there_and_back(mux, pieces) for pieces in sent))
        assert found == [b"".join(pieces) for pieces in sent]
        await asyncio.sleep(0)
        assert mux.streams == other.streams == 0

    asyncio.run(run())


async def test_who_does_not_read_holds_up_its_own_stream_alone_and_keeps_one_window() -> None:
    got = 0

    async def deaf_first(stream: Stream, what: Open) -> None:
        if stream.number > 1:
            await echo(stream, what)
            return
        stream.accept()
        await asyncio.Event().wait()

    mux, other = a_pair(deaf_first)
    held = await mux.open(TO)

    async def push() -> None:
        nonlocal got
        for _ in range(100):
            await held.write(bytes(WINDOW // 4))
            got += 1

    pushing = asyncio.create_task(push())
    assert await there_and_back(mux, [b"x" * WINDOW]) == b"x" * WINDOW
    assert got == 4
    mux.close("ends")
    with pytest.raises(Unavailable):
        await pushing
    other.close("ends")


async def test_why_a_stream_is_refused_is_told_to_the_other_side() -> None:
    async def refuse(_: Stream, __: Open) -> None:
        raise Unavailable("The service does not listen.")

    mux, _ = a_pair(refuse)
    with pytest.raises(Unavailable, match="does not listen"):
        await mux.open(TO)
    assert mux.streams == 0


async def test_another_fault_is_a_broken_service() -> None:
    async def refuse(_: Stream, __: Open) -> None:
        raise NotFound("No such port.")

    mux, _ = a_pair(refuse)
    with pytest.raises(Broken, match="No such port"):
        await mux.open(TO)


async def test_a_stream_that_is_cut_is_no_end_of_data() -> None:
    async def cut(stream: Stream, _: Open) -> None:
        stream.accept()
        await stream.write(b"half")

    mux, _ = a_pair(cut)
    stream = await mux.open(TO)
    assert await stream.read() == b"half"
    with pytest.raises(Broken):
        await stream.read()


async def test_all_streams_end_with_their_tunnel() -> None:
    mux, other = a_pair(echo)
    stream = await mux.open(TO)
    mux.close("has ended")
    with pytest.raises(Unavailable):
        await stream.read()
    with pytest.raises(Unavailable):
        await mux.open(TO)
    other.close("has ended")


async def nowhere(_: bytes) -> None:
    return


def take_all(mux: Mux, frames: list[Frame]) -> None:
    for frame in frames:
        mux.take(encode(frame))


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(Kind.DATA, 1, bytes(60_000))] * 5,
        [Frame(Kind.END, 1), Frame(Kind.DATA, 1, b"more")],
        [credit(1, 1)],
        [Frame(Kind.OPEN, 1, TO.model_dump_json().encode())],
    ],
    ids=["more than the window", "after the end", "credit that was not spent", "opened twice"],
)
async def test_a_side_that_breaks_the_rules_is_found_out(frames: list[Frame]) -> None:
    async def accept(stream: Stream, _: Open) -> None:
        await asyncio.Event().wait()

    mux = Mux(nowhere, accept)
    mux.take(encode(Frame(Kind.OPEN, 1, TO.model_dump_json().encode())))
    with pytest.raises(InvalidInput):
        take_all(mux, frames)
    mux.close("ends")


async def test_the_agent_opens_no_streams_at_the_scheduler() -> None:
    mux = Mux(nowhere)
    with pytest.raises(InvalidInput):
        mux.take(encode(Frame(Kind.OPEN, 1, TO.model_dump_json().encode())))


async def test_frames_of_a_stream_that_is_over_are_passed_over() -> None:
    mux = Mux(nowhere)
    for kind in (Kind.DATA, Kind.END, Kind.RESET, Kind.CREDIT, Kind.OPENED):
        assert not mux.take(encode(Frame(kind, 9, b"x")))
    assert mux.streams == 0
