"""The test wallet as a person uses it: it asks in a window of its own, and gets a yes or a no."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import (
    BrowserContext,
    Page,
    Playwright,
    TimeoutError,
    Worker,
    expect,
)

from tests.chromium import CHROMIUM, QUIET

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "wallet"
BUILT = ROOT / "build" / "wallet"
NAME = "DRaaS test wallet"
FLAGS = (
    *QUIET,
    "--headless=new",
    "--hide-scrollbars",  # as on a phone
    # Windows that lie under others are drawn all the same.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


def installed() -> Path:
    """The wallet's packages, as its lock names them."""
    lock, ready = SOURCE / "package-lock.json", SOURCE / "node_modules" / ".ready"
    if not ready.exists() or ready.read_text() != lock.read_text():
        subprocess.run(["npm", "ci", "--no-audit"], cwd=SOURCE, check=True, capture_output=True)
        ready.write_text(lock.read_text())
    return SOURCE / "node_modules"


def build_wallet() -> Path:
    """The folder of the unpacked extension."""
    installed()
    subprocess.run(["node", str(SOURCE / "build.mjs"), str(BUILT)], check=True)
    return BUILT


@contextmanager
def chromium(playwright: Playwright, profile: Path, extension: Path) -> Iterator[BrowserContext]:
    """Chromium with an extension and an empty profile."""
    loaded = (f"--disable-extensions-except={extension}", f"--load-extension={extension}")
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=CHROMIUM,
        headless=False,  # its own way of being headless has no extensions; this one of Chromium's has
        args=[*FLAGS, *loaded],
        ignore_default_args=["--disable-extensions"],
        viewport={"width": 1280, "height": 800},
    )
    context.set_default_timeout(20_000)
    try:
        yield context
    finally:
        context.close()


@dataclass
class Wallet:
    """The extension in one browser."""

    context: BrowserContext
    worker: Worker

    def hold(
        self, keys: Sequence[str], networks: dict[int, str], chain_id: int, forget: bool = True
    ) -> None:
        """These keys and networks (node's URL by chain), on this chain; no site may see it yet."""
        known = {hex(id_): {"name": f"Chain {id_}", "rpcUrl": url} for id_, url in networks.items()}
        given = {
            "keys": [key.removeprefix("0x") for key in keys],
            "networks": known,
            "chainId": hex(chain_id),
            "forget": forget,
        }
        self.worker.evaluate("(given) => configure(given)", given)

    def confirm(self, title: str, act: Callable[[], object]) -> dict[str, str]:
        """Do what makes the wallet ask, and say yes; what it showed."""
        window, told = self._asked(title, act)
        with window.expect_event("close"):
            window.get_by_role("button", name="Confirm").click()
        return told

    def refuse(self, title: str, act: Callable[[], object]) -> dict[str, str]:
        """Do what makes the wallet ask, and say no; what it showed."""
        window, told = self._asked(title, act)
        with window.expect_event("close"):
            window.get_by_role("button", name="Reject").click()
        return told

    def ask(self, title: str, act: Callable[[], object]) -> None:
        """Do what makes the wallet ask, and leave the question open: the next yes or no answers it."""
        self._asked(title, act)

    def close(self, title: str, act: Callable[[], object]) -> None:
        """Do what makes the wallet ask, and close its window."""
        self._asked(title, act)[0].close()

    def _asked(self, title: str, act: Callable[[], object]) -> tuple[Page, dict[str, str]]:
        open_already = [page for page in self.context.pages if "approval.html" in page.url]
        window = open_already[0] if open_already else self._opened(act)
        expect(window.get_by_role("heading")).to_have_text(title)
        names = window.locator("dt").all_text_contents()
        texts = window.locator("dd").all_text_contents()
        told = dict(zip(names, texts, strict=True))
        return window, told | {"warning": window.get_by_role("alert").text_content() or ""}

    def _opened(self, act: Callable[[], object]) -> Page:
        try:
            with self.context.expect_page() as asked:
                act()
            return asked.value
        except TimeoutError as error:
            shown = [page.locator("body").inner_text() for page in self.context.pages]
            raise AssertionError(f"the wallet was not asked; shown is:\n{shown}") from error


@contextmanager
def a_wallet(playwright: Playwright, profile: Path, extension: Path) -> Iterator[Wallet]:
    """A browser with the test wallet in it."""
    with chromium(playwright, profile, extension) as context:
        workers = context.service_workers
        yield Wallet(context, workers[0] if workers else context.wait_for_event("serviceworker"))
