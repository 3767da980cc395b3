"""One page in a real headless Chromium, driven over its DevTools protocol: as much as a page without a wallet needs."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0",
)  # fmt: skip


class Page:
    """An open page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A call of the protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await asyncio.wait_for(self._socket.recv(), 20))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def find(self, expression: str) -> Any:
        """What an expression is in the page."""
        wanted = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return (await self.call("Runtime.evaluate", **wanted))["result"].get("value")

    async def until(self, expression: str, within_s: float = 20) -> Any:
        """Its value, once it is one."""
        async with asyncio.timeout(within_s):
            while not (found := await self.find(expression)):
                await asyncio.sleep(0.05)
            return found

    async def size(self, width: int, height: int, scheme: str) -> None:
        """A window of that size, in dark or light."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def shot(self, path: Path) -> None:
        """A picture of the whole page."""
        told = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))


@asynccontextmanager
async def browsing(url: str, home: Path) -> AsyncIterator[Page]:
    """A page of its own browser, with an empty profile."""
    assert CHROMIUM is not None
    argv = (*QUIET, f"--user-data-dir={home / 'chromium'}", "about:blank")
    process = await asyncio.create_subprocess_exec(CHROMIUM, *argv, stdout=-3, stderr=-1)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            while b"DevTools listening on" not in (line := await process.stderr.readline()):
                assert line, "Chromium did not start"
        port = line.decode().split("127.0.0.1:")[1].split("/")[0]
        draining = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(trust_env=False) as http:
            tabs = (await http.get(f"http://127.0.0.1:{port}/json")).json()
        where = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
        async with connect(where, proxy=None, max_size=2**26) as socket:
            page = Page(socket)
            await page.call("Page.enable")
            await page.call("Page.navigate", url=url)
            yield page
        draining.cancel()
    finally:
        process.kill()
        await process.wait()
