"""Fixtures that several folders of tests share."""

pytest_plugins = ["tests.fixtures_chain", "tests.fixtures_docker", "tests.fixtures_ipfs"]
