"""Fixtures that several folders of tests share."""

import pytest
from hypothesis import HealthCheck, settings

# How long a case takes, to run or to make up, says how busy the machine is.
settings.register_profile("draas", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("draas")
pytest.register_assert_rewrite("tests.e2e.checks")

pytest_plugins = [
    "tests.fixtures_chain",
    "tests.fixtures_docker",
    "tests.fixtures_ipfs",
    "tests.fixtures_postgres",
    "tests.fixtures_swarm",
]
