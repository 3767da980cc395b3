"""Tracing of one deployment, from the block of its event to its first log line, by OpenTelemetry.

Off, and without cost, unless OTEL_EXPORTER_OTLP_ENDPOINT is set. A trace belongs to a job: its id and that of its
first span follow from the job's id, so that every copy of a scheduler and every agent adds to the same trace, after a
restart too, and nothing is passed along between them. The job comes from `log_setup.working_on`.
"""

from __future__ import annotations

import functools
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
)

from chain.job import JobId
from chain.log_setup import job_at_hand
from chain.settings import Env

P = ParamSpec("P")
R = TypeVar("R")

EXPORT_EVERY_MS = 1000
HISTORY_S = 86_400  # a job posted longer ago is read again, not deployed
KEPT_TRIES = 4096  # spans remembered, for the links of later tries
_provider: TracerProvider | None = None  # of this process, as in OpenTelemetry itself
_given: ContextVar[tuple[int, int] | None] = ContextVar("given_ids", default=None)
_tries: OrderedDict[tuple[str, str], SpanContext] = OrderedDict()


class _Ids(RandomIdGenerator):
    """Random ids, but for the first span of a trace."""

    def generate_trace_id(self) -> int:
        given = _given.get()
        return given[0] if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given = _given.get()
        return given[1] if given else super().generate_span_id()


def set_up_tracing(environ: Mapping[str, str], service: str) -> Callable[[], None]:
    """Send spans to OTEL_EXPORTER_OTLP_ENDPOINT, if that is set; returns what ends it.

    Args:
        service: "scheduler" or "agent", the `service.name`.

    Raises:
        InvalidInput: it is no http(s) address.
    """
    global _provider
    env = Env(environ)
    endpoint = env.url("OTEL_EXPORTER_OTLP_ENDPOINT")
    env.done()
    if not endpoint:
        return lambda: None
    instance = f"{socket.gethostname()}:{os.getpid()}"
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS)
    provider.add_span_processor(processor)
    _provider = provider

    def end() -> None:
        global _provider
        _provider = None
        provider.shutdown()

    return end


def trace_id_of(job_id: JobId | str) -> int:
    """A job's trace: the first half of its id, which is a hash."""
    return int(job_id[2:34], 16) or 1


def root_id_of(job_id: JobId | str) -> int:
    """The span that all others of a job hang from: the next quarter of its id."""
    return int(job_id[34:50], 16) or 1


def posted(job_id: JobId, posted_at: int, began_ns: int) -> None:
    """The first two spans of a job: from its block to its rows, and the reading of that block.

    Args:
        posted_at: Unix seconds of the block.
        began_ns: when the reading began, in Unix nanoseconds.
    """
    if _provider is None or began_ns - posted_at * 10**9 > HISTORY_S * 10**9:
        return
    tracer, now = _provider.get_tracer("draas"), time.time_ns()
    start = min(posted_at * 10**9, began_ns)  # a local chain's clock may be ahead of ours
    about = _about(job_id, None)
    token = _given.set((trace_id_of(job_id), root_id_of(job_id)))
    try:
        root = tracer.start_span("job.posted", Context(), attributes=about, start_time=start)
    finally:
        _given.reset(token)
    root.end(now)
    under = _under_root(job_id)
    tracer.start_span("index", under, attributes=about, start_time=began_ns).end(now)


@contextmanager
def span(name: str) -> Iterator[None]:
    """Time what is inside as a span of the job at hand; outside of any job it does nothing.

    A try that fails is marked with the error's kind, and the next one of the same name links to it.
    """
    at_hand = job_at_hand() if _provider is not None else None
    if _provider is None or at_hand is None:
        yield
        return
    made = _begin(name, *at_hand)
    try:
        with trace.use_span(made, record_exception=False, set_status_on_exception=False):
            yield
    except BaseException as error:
        made.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        made.end()


def mark(name: str, job_id: JobId, attempt: int, since_ms: int) -> None:
    """A span that ends now, of a run that is told outright. It began at `since_ms`, in Unix milliseconds."""
    if _provider is None:
        return
    now = time.time_ns()
    began = min(since_ms * 10**6, now)  # by the clock of another machine, perhaps
    _begin(name, job_id, attempt, began).end(now)


def traced(
    name: str,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Decorate an asynchronous function to be a span of the job at hand."""

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(function)
        async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return await function(*args, **kwargs)

        return wrapped

    return decorate


def _begin(name: str, job_id: str, attempt: int | None, at_ns: int | None = None) -> Span:
    """A new span of a job, with a link to the one of the same name before it."""
    provider = _provider or trace.NoOpTracerProvider()
    before = _tries.get((job_id, name))
    made = provider.get_tracer("draas").start_span(
        name,
        _parent(job_id),
        attributes=_about(job_id, attempt),
        links=[Link(before)] if before is not None else [],
        start_time=at_ns,
    )
    _remember((job_id, name), made.get_span_context())
    return made


def _about(job_id: str, attempt: int | None) -> dict[str, str | int]:
    return {"draas.job": job_id} | ({} if attempt is None else {"draas.attempt": attempt})


def _parent(job_id: str) -> Context | None:
    """The span that is under way here, if it is of this job; else the job's first."""
    here = trace.get_current_span().get_span_context()
    return None if here.trace_id == trace_id_of(job_id) else _under_root(job_id)


def _under_root(job_id: str) -> Context:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    root = SpanContext(trace_id_of(job_id), root_id_of(job_id), is_remote=True, trace_flags=sampled)
    return trace.set_span_in_context(NonRecordingSpan(root), Context())


def _remember(key: tuple[str, str], made: SpanContext) -> None:
    _tries[key] = made
    _tries.move_to_end(key)
    while len(_tries) > KEPT_TRIES:
        _tries.popitem(last=False)
