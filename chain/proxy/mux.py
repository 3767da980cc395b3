"""Many streams in one tunnel, at either end of it. Every buffer is bounded by the streams' windows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from chain.errors import DraasError, InvalidInput, Unavailable
from chain.proxy.pipe import Broken, TooSlow
from chain.tunnel import (
    MAX_DATA,
    MAX_STREAM,
    WINDOW,
    Frame,
    Kind,
    Open,
    Reset,
    credit,
    credit_of,
    decode,
    encode,
    open_of,
    reset_of,
)

OPEN_S, AGAIN_S = 10.0, 1.0  # for the other side to answer an opening; once it has fallen silent
SEND_S = 30.0  # for one frame to be taken by the tunnel
STREAMS_MOST = 512

Accept = Callable[["Stream", Open], Awaitable[None]]


class Stream:
    """One stream of a tunnel, a `Pipe`."""

    def __init__(self, mux: Mux, number: int) -> None:
        self._mux = mux
        self.number = number
        self._arrived: deque[bytes] = deque()
        self._unread = self._taken = (
            0  # bytes: that wait here, that were read since the last credit
        )
        self._credit = WINDOW
        self._news = asyncio.Event()  # something has arrived
        self._room = asyncio.Event()  # there is credit
        self._room.set()
        self.opened = asyncio.Event()
        self.fault: DraasError | None = None
        self._ended_here = self._ended_there = False

    async def read(self) -> bytes:
        """As `Pipe`."""
        while not self._arrived:
            if self._ended_there:
                return b""
            if self.fault is not None:
                raise self.fault
            self._news.clear()
            await self._news.wait()
        data = self._arrived.popleft()
        self._unread -= len(data)
        self._taken += len(data)
        if self._taken >= WINDOW // 2 and not self._ended_there and self.fault is None:
            self._mux.post(credit(self.number, self._taken))
            self._taken = 0
        return data

    async def write(self, data: bytes) -> None:
        """As `Pipe`."""
        at = 0
        while at < len(data):
            while self._credit == 0 and self.fault is None:
                self._room.clear()
                await self._room.wait()
            if self.fault is not None:
                raise self.fault
            part = data[at : at + min(MAX_DATA, self._credit)]
            self._credit -= len(part)
            at += len(part)
            await self._mux.send(Frame(Kind.DATA, self.number, part))

    async def write_eof(self) -> None:
        """As `Pipe`."""
        if not self._ended_here and self.fault is None:
            self._ended_here = True
            await self._mux.send(Frame(Kind.END, self.number))
            self._forget_if_over()

    def close(self) -> None:
        """As `Pipe`."""
        self.refuse(Reset())

    def accept(self) -> None:
        """Tell the other side that it is connected."""
        self._mux.post(Frame(Kind.OPENED, self.number))

    def refuse(self, why: Reset) -> None:
        """End it, both ways."""
        if self.fault is None and not (self._ended_here and self._ended_there):
            payload = why.model_dump_json().encode() if why.status else b""
            self._mux.post(Frame(Kind.RESET, self.number, payload))
        self.cut(Broken("The connection was closed."))

    def cut(self, fault: DraasError) -> None:
        """It is over: what has arrived may still be read unless the other side is gone for good."""
        self.fault = self.fault or fault
        for event in (self._news, self._room, self.opened):
            event.set()
        self._mux.forget(self)

    def take(self, frame: Frame) -> None:
        """A frame of the other side.

        Raises:
            InvalidInput: it sends what it must not.
        """
        match frame.kind:
            case Kind.OPENED:
                self.opened.set()
            case Kind.DATA:
                self._take_data(frame.payload)
            case Kind.END:
                self._ended_there = True
                self._news.set()
                self._forget_if_over()
            case Kind.RESET:
                self.cut(_fault_of(reset_of(frame)))
            case Kind.CREDIT:
                self._credit += credit_of(frame)
                if self._credit > WINDOW:
                    raise InvalidInput("More credit was given than there was to give.")
                self._room.set()
            case Kind.OPEN:
                raise InvalidInput("A stream was opened twice.")

    def _take_data(self, data: bytes) -> None:
        if self._ended_there:
            raise InvalidInput("Data came after the end of its stream.")
        self._unread += len(data)
        if self._unread > WINDOW:
            raise InvalidInput("More data came than there was room for.")
        if data:
            self._arrived.append(data)
            self._news.set()

    def _forget_if_over(self) -> None:
        if self._ended_here and self._ended_there:
            self._mux.forget(self)


class Mux:
    """One end of a tunnel.

    Args:
        send: hands one message to the tunnel, and waits until it is taken.
        accept: serves a stream that the other side opened; None where that is not allowed.
    """

    def __init__(
        self, send: Callable[[bytes], Awaitable[None]], accept: Accept | None = None
    ) -> None:
        self._send = send
        self._accept = accept
        self._turn = asyncio.Lock()
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self._silent = False  # nothing has come since an opening was not answered
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: DraasError | None = None

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._streams)

    async def open(self, what: Open) -> Stream:
        """Open a stream to a run's port.

        Raises:
            Unavailable, Broken, TooSlow: it cannot be reached.
        """
        if self._fault is not None:
            raise self._fault
        if len(self._streams) >= STREAMS_MOST or self._last >= MAX_STREAM:
            raise Unavailable("Too many connections lead to this agent.", "Try again.")
        self._last += 1
        stream = self._streams[self._last] = Stream(self, self._last)
        try:
            async with asyncio.timeout(AGAIN_S if self._silent else OPEN_S):
                payload = what.model_dump_json().encode()
                await self.send(Frame(Kind.OPEN, stream.number, payload))
                await stream.opened.wait()
        except TimeoutError:
            self._silent = True
            stream.close()
            raise TooSlow("The agent does not answer.", "Try again.") from None
        except BaseException:
            stream.close()
            raise
        if stream.fault is not None:
            raise stream.fault
        return stream

    def take(self, data: bytes) -> bool:
        """A message of the other side; False when it was for a stream that is over: it was under way then.

        Raises:
            InvalidInput: it breaks the rules; the tunnel is to be closed.
        """
        frame = decode(data)
        self._silent = False
        stream = self._streams.get(frame.stream)
        if stream is not None:
            stream.take(frame)
        elif frame.kind is Kind.OPEN:
            self._opened(frame)
        return stream is not None

    def _opened(self, frame: Frame) -> None:
        what = open_of(frame)
        if self._accept is None or frame.stream <= self._last:
            raise InvalidInput("This stream is not the other side's to open.")
        self._last = frame.stream
        stream = Stream(self, frame.stream)
        if len(self._streams) >= STREAMS_MOST:
            stream.refuse(Reset(status=503, why="Too many connections lead to this agent."))
            return
        self._streams[frame.stream] = stream
        self._start(self._serve(self._accept, stream, what))

    async def _serve(self, accept: Accept, stream: Stream, what: Open) -> None:
        try:
            await accept(stream, what)
        except DraasError as error:
            stream.refuse(Reset(status=error.status, why=error.message[:500]))
        finally:
            stream.close()

    async def send(self, frame: Frame) -> None:
        """Send a frame, in turn with those of other streams.

        Raises:
            Unavailable: the tunnel is gone.
        """
        async with self._turn:
            if self._fault is not None:
                raise self._fault
            try:
                async with asyncio.timeout(SEND_S):
                    await self._send(encode(frame))
            except TimeoutError:
                self.close("takes nothing any more")
                raise Unavailable("The agent takes nothing any more.", "Try again.") from None

    def post(self, frame: Frame) -> None:
        """Send a small frame soon, without waiting for it."""
        if self._fault is None:
            self._start(self._post(frame))

    async def _post(self, frame: Frame) -> None:
        try:
            await self.send(frame)
        except DraasError:
            return  # the tunnel is gone, and its streams with it

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self._streams.pop(stream.number, None)

    def close(self, why: str) -> None:
        """The tunnel is gone: so are all its streams."""
        self._fault = self._fault or Unavailable(f"The agent's tunnel {why}.", "Try again.")
        for stream in list(self._streams.values()):
            stream.cut(self._fault)
        for task in list(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()


def _fault_of(reset: Reset) -> DraasError:
    if reset.status == 503:
        return Unavailable(reset.why, "Try again.")
    if reset.status == 504:
        return TooSlow(reset.why)
    return Broken(reset.why or "The service broke the connection.")
