"""Fixtures that several folders of tests share."""

import pytest

pytest.register_assert_rewrite("tests.e2e.checks")

pytest_plugins = ["tests.fixtures_chain", "tests.fixtures_docker", "tests.fixtures_ipfs"]
