"""Where the command line speaks: to a person on a terminal, to a pipe, or as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from chain.errors import DraasError


class Screen:
    """Says things once, in the form asked for. With `as_json` only objects are printed, one a line.

    Colours follow the terminal, and NO_COLOR.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """A line for people; markup in it is shown as it is."""
        if not self.as_json:
            self.console.print(escape(text), style=style or None)

    def done(self, what: str, detail: str = "") -> None:
        """One step that has worked."""
        if not self.as_json:
            self.console.print(
                f"[green]✓[/green] {escape(what)}  [dim]{escape(detail)}[/dim]".rstrip()
            )

    def write(self, text: str, out: TextIO) -> None:
        """Text as it is, without markup, wrapping or style."""
        out.write(text)
        out.flush()

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show on a terminal that something takes its time."""
        if self.as_json or not self.console.is_terminal:
            yield
            return
        with self.console.status(escape(what)):
            yield

    def record(self, fact: dict[str, object]) -> None:
        """An object for programs."""
        if self.as_json:
            typer.echo(json.dumps(fact))

    def error(self, error: DraasError) -> None:
        """What went wrong and what to do about it; never a traceback."""
        if self.as_json:
            fault = {"error": type(error).__name__, "message": error.message, "fix": error.fix}
            typer.echo(json.dumps(fault), err=True)
            return
        self._errors.print(f"[bold red]error:[/bold red] {escape(error.message)}")
        if error.fix:
            self._errors.print(f"  [dim]fix:[/dim] {escape(error.fix)}")


class Journey:
    """The progress of one deployment: a bar on a terminal, a line for each change elsewhere."""

    def __init__(self, screen: Screen, phases: tuple[str, ...]) -> None:
        self._screen = screen
        self._phases = phases
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if screen.console.is_terminal and not screen.as_json:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[money]}"),
                TimeElapsedColumn(),
                console=screen.console,
                transient=True,
            )

    def __enter__(self) -> Journey:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("posted", total=len(self._phases), money="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, phase: str, why: str, money: str) -> None:
        """Redraw the bar; does nothing where there is none."""
        if self._bar is None:
            return
        step = self._phases.index(phase) + 1 if phase in self._phases else len(self._phases)
        told = f"{phase}: {why}" if why else phase
        self._bar.update(
            self._task, completed=step, description=escape(told[:60]), money=escape(money)
        )
