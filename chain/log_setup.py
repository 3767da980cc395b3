"""How a service logs: one line an event to stderr, JSON for programs or columns for people, no secret in either.

The libraries' own loggers (uvicorn, SQLAlchemy, websockets, …) go the same way. `working_on` binds the job and run
that a task is about, so that every line from inside carries them, in threads too (`asyncio.to_thread` takes the
context along).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from chain.job import JobId
from chain.redact import SHORTEST, clean, clean_trace, secrets_of
from chain.settings import Env

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# They tell every request at INFO, addresses and all.
CHATTY = ("httpx", "httpcore", "urllib3", "aiohttp", "web3", "websockets", "docker", "alembic")
_TRACES = ("exception", "stack")
_TRACEBACK = "Traceback (most recent call last)"
_secrets: set[str] = set()  # of this process; logging is the process's own too


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: str = "info"
    form: str = "json"


def read_log_settings(environ: Mapping[str, str], terminal: bool) -> LogSettings:
    """LOG_LEVEL and LOG_FORMAT; by default JSON, and columns on a terminal.

    Raises:
        InvalidInput: one of them is no word that we know.
    """
    env = Env(environ)
    level = env.choice("LOG_LEVEL", "info", LEVELS)
    form = env.choice("LOG_FORMAT", "console" if terminal else "json", ("json", "console"))
    env.done()
    return LogSettings(level, form)


def set_up_logs(environ: Mapping[str, str], stream: TextIO = sys.stderr) -> None:
    """Log to `stream` from now on, without what the environment holds of secrets.

    Raises:
        InvalidInput: LOG_LEVEL or LOG_FORMAT is no word that we know.
    """
    settings = read_log_settings(environ, stream.isatty())
    _secrets.update(secrets_of(environ))
    level = LEVELS[settings.level]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_before(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _safe,
                _renderer(settings.form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def hide(*secrets: str) -> None:
    """Keep these out of every log line from now on."""
    _secrets.update(one for one in secrets if len(one) >= SHORTEST)


@contextmanager
def working_on(job_id: JobId | str, attempt: int | None = None) -> Iterator[None]:
    """Bind what the code inside is about: the job, and the run once there is one."""
    # `...` is how structlog marks a variable that is not bound: the run of a job around this one is none of ours.
    run = ... if attempt is None else f"{job_id}/{attempt}"
    bound = {"job": str(job_id), "run": run}
    with structlog.contextvars.bound_contextvars(**bound):
        yield


def job_at_hand() -> tuple[str, int | None] | None:
    """The job and attempt that `working_on` has bound here; None outside of it."""
    bound = structlog.contextvars.get_contextvars()
    if "job" not in bound:
        return None
    _, _, attempt = str(bound.get("run", "")).rpartition("/")
    return str(bound["job"]), int(attempt) if attempt.isdigit() else None


def _before() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _safe(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Every value cleaned, whoever logged it."""
    if str(event.get("event")).startswith(_TRACEBACK):  # uvicorn tells a failed start so
        event.update(event="start.failed", exception=event["event"])
    for name, value in event.items():
        traced = name in _TRACES and isinstance(value, str)
        event[name] = clean_trace(str(value), _secrets) if traced else clean(value, _secrets)
    return event


def _renderer(form: str, stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    colours = stream.isatty()
    return structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
