"""Stops a program at its nth step to the outside: the steps are counted from the test's side, around the calls."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 137
NEVER = 10**9


class Steps:
    """Counts the moments before and after each step, and ends the process at one of them."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._told: Path | None = None
        self.count = 0

    def report_to(self, path: Path) -> None:
        """Keep the count in a file too."""
        self._told = path

    def tick(self) -> None:
        """One moment more. As kill -9 would: nothing is flushed, closed or told."""
        self.count += 1
        if self._told is not None:
            self._told.write_text(str(self.count))
        if self.count == self._last:
            os._exit(KILLED)

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step with a moment before and one after it."""
        if inspect.iscoroutinefunction(step):

            @functools.wraps(step)
            async def later(*given: Any, **named: Any) -> Any:
                self.tick()
                answer = await step(*given, **named)
                self.tick()
                return answer

            return later

        @functools.wraps(step)
        def at_once(*given: Any, **named: Any) -> Any:
            self.tick()
            answer = step(*given, **named)
            self.tick()
            return answer

        return at_once

    def watch(self, *places: tuple[Any, str]) -> None:
        """Put the moments around these."""
        for owner, name in places:
            setattr(owner, name, self.around(getattr(owner, name)))
