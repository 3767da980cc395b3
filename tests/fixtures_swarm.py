"""The Swarm of the tests: two Engines, begun once, when the first test wants them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.swarm_engines import SwarmEngine, a_swarm


@pytest.fixture(scope="session")
def swarm() -> Iterator[tuple[SwarmEngine, SwarmEngine]]:
    """The manager and the worker."""
    with a_swarm() as engines:
        yield engines
