"""Fixtures that several folders of tests share."""

import pytest
from hypothesis import settings

settings.register_profile(
    "draas", deadline=None
)  # how long one case takes says how busy the machine is
settings.load_profile("draas")
pytest.register_assert_rewrite("tests.e2e.checks")

pytest_plugins = [
    "tests.fixtures_chain",
    "tests.fixtures_docker",
    "tests.fixtures_ipfs",
    "tests.fixtures_postgres",
    "tests.fixtures_swarm",
]
