"""The process boundary of every command: whatever happens ends in an exit code and a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine

import typer

from chain.errors import DraasError
from cli.screen import Screen

INTERRUPTED = 130
INTERNAL_FAULT = 1


def finish(
    screen: Screen,
    work: Callable[[], Coroutine[object, object, int]],
    interrupted: str = "What was posted goes on: see `draas ps`.",
) -> None:
    """Run, and end with an exit code whatever happens.

    Args:
        interrupted: what to say to somebody who pressed Ctrl-C.
    """
    try:
        code = asyncio.run(work())
    except DraasError as error:
        screen.error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        screen.say(f"Interrupted. {interrupted}".strip())
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the process boundary)
        if os.environ.get("DRAAS_DEBUG"):
            traceback.print_exc(file=sys.stderr)
        fix = "This is a fault of draas. Run it again with DRAAS_DEBUG=1 and report what it prints."
        screen.error(DraasError(f"{type(error).__name__}: {error}", fix))
        code = INTERNAL_FAULT
    raise typer.Exit(code)


def end_on_signal() -> None:
    """Let SIGINT and SIGTERM cancel this task, once: a second one does not interrupt the cleaning up."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def end() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: None)
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
