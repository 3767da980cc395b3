"""Chromium by its bare protocol: Playwright keeps every tab in sight, and here one is hidden behind another."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.chromium import CHROMIUM, QUIET

STARTS_WITHIN_S = 30
ANSWERS_WITHIN_S = 20


@dataclass(frozen=True)
class Tab:
    """One page of it."""

    browser: Browser
    target: str
    session: str

    def show(self) -> None:
        """In front of the others, which are hidden."""
        self.browser.ask("Target.activateTarget", targetId=self.target)

    def freeze(self, on: bool) -> None:
        """As a browser does with tabs that have been hidden for long: no script of theirs runs."""
        state = "frozen" if on else "active"
        self.browser.ask("Page.setWebLifecycleState", self.session, state=state)

    def value(self, expression: str) -> Any:
        """Of a script's expression."""
        told = self.browser.ask(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")


class Browser:
    """A connection to all of it."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._last = 0

    def ask(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """What it answers."""
        self._last += 1
        asked = {"id": self._last, "method": method, "params": params}
        self._socket.send(json.dumps(asked | ({"sessionId": session} if session else {})))
        while True:
            told = json.loads(self._socket.recv(timeout=ANSWERS_WITHIN_S))
            if told.get("id") == self._last:
                assert "error" not in told, told
                return dict(told["result"])

    def open(self, url: str) -> Tab:
        """A new tab, in front."""
        target = str(self.ask("Target.createTarget", url=url)["targetId"])
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        return Tab(self, target, str(attached["sessionId"]))


@contextmanager
def a_browser(profile: Path) -> Iterator[Browser]:
    """With an empty profile."""
    assert CHROMIUM
    options = (*QUIET, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}")
    process = subprocess.Popen([CHROMIUM, *options, "about:blank"], stderr=subprocess.DEVNULL)
    try:
        port, path = _place(profile / "DevToolsActivePort", process)
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(30)


def _place(told: Path, process: subprocess.Popen[bytes]) -> list[str]:
    ends = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends and process.poll() is None:
        lines = told.read_text().splitlines() if told.exists() else []
        if len(lines) == 2:
            return lines
        time.sleep(0.1)
    raise AssertionError("Chromium has not started")
