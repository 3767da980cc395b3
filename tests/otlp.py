"""A receiver of OTLP over HTTP: takes spans, and keeps them in a plain form."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span as it came; times are Unix nanoseconds."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, str | int]
    links: tuple[str, ...]
    failed: bool


@dataclass
class Receiver:
    """What has come so far."""

    url: str
    spans: list[Span] = field(default_factory=list)

    def of(self, job_id: str) -> list[Span]:
        """The spans of a job, by their start."""
        mine = [span for span in self.spans if span.attributes.get("draas.job") == job_id]
        return sorted(mine, key=lambda span: span.start)


def read_spans(body: bytes) -> Iterator[Span]:
    """The spans of one request."""
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {item.key: item.value.string_value for item in group.resource.attributes}
        for span in (span for scope in group.scope_spans for span in scope.spans):
            yield Span(
                service=about["service.name"],
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                start=span.start_time_unix_nano,
                end=span.end_time_unix_nano,
                attributes={
                    item.key: item.value.string_value or item.value.int_value
                    for item in span.attributes
                },
                links=tuple(link.span_id.hex() for link in span.links),
                failed=span.status.code == 2,
            )


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port, until the end of the block."""
    kept = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            packed = self.headers.get("content-encoding") == "gzip"
            kept.spans += read_spans(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
