"""One market for all end-to-end tests, and a second one on a real Kubo with two agents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.folders import a_program, a_script
from tests.e2e.market import QUICK_RULES, Command, Consumer, TestMarket, start_market

RULES = ("--window", "3", "--settle-grace", "8", "--lapse-after", "12")  # seconds
HOG = "import time\nkept = []\nfor _ in range(40):\n    kept.append(bytearray(8 << 20))\n    time.sleep(0.02)\n"
SHORT = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end:\n    pass\n"


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestMarket]:
    """The embedded store and one agent of two cores."""
    options = (*QUICK_RULES, "--agents", "1", "--agent-cpus", "2", "--agent-memory", "2G")
    running = start_market(tmp_path_factory.mktemp("market") / "home", *options)
    yield running
    code = running.stop()
    assert code == 0


@dataclass(frozen=True)
class Launched:
    """A deployment of its own consumer, under way."""

    consumer: Consumer
    command: Command


@pytest.fixture(scope="session")
def launched(market: TestMarket, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Launched]:
    """Jobs that do not get in each other's way, all started at once; each test takes up one of them."""
    root = tmp_path_factory.mktemp("folders")
    broken = a_script(root / "broken", "true")
    (broken / "Dockerfile").write_text("FROM busybox\nRUN echo the-reason && exit 4\n")
    folders = [
        a_script(root / "three", "echo before the end; exit 3"),
        a_program(root / "hog", HOG),
        a_program(root / "short", SHORT),
        a_script(root / "colours", "printf '\\033[31mred\\033[0m \\033]0;title\\007plain\\n'"),
        broken,
    ]
    started = {}
    for folder in folders:
        consumer = market.consumer()
        started[folder.name] = Launched(consumer, consumer.start("deploy", folder, "--json"))
    return started


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[TestMarket]:
    """Two agents, of which each has room for one service; a silent one is soon noticed."""
    options = (*RULES, "--agents", "2", "--agent-cpus", "1", "--agent-memory", "512M")
    running = start_market(tmp_path / "home", *options)
    yield running
    assert running.stop() == 0
