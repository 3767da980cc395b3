"""What the agent reads of its environment."""

from __future__ import annotations

import pytest

from agent.settings import FleetSettings, read_settings
from chain.errors import InvalidInput

PLAIN = {"AGENT_CPUS": "1", "AGENT_MEMORY": "1G", "AGENT_EGRESS": "0"}


def test_several_schedulers_are_tried_in_the_order_in_which_they_are_named() -> None:
    urls = "http://127.0.0.1:5000/, https://other.example"
    found = read_settings(PLAIN | {"SCHEDULER_URL": urls}, fenced=False)
    assert found.scheduler_urls == ("http://127.0.0.1:5000", "https://other.example")


def test_one_scheduler_on_this_machine_is_the_default() -> None:
    assert read_settings(PLAIN, fenced=False).scheduler_urls == ("http://127.0.0.1:5000",)


def test_what_jobs_run_under_is_one_of_three() -> None:
    assert read_settings(PLAIN, fenced=False).runtime == "auto"
    assert read_settings(PLAIN | {"AGENT_RUNTIME": "gvisor"}, fenced=False).runtime == "gvisor"
    with pytest.raises(InvalidInput, match="AGENT_RUNTIME is 'kata', and not one of auto, runc"):
        read_settings(PLAIN | {"AGENT_RUNTIME": "kata"}, fenced=False)


def test_attributes_are_names_with_values() -> None:
    text = "region=eu, disk=ssd ,gpu=nvidia/a100"
    found = read_settings(PLAIN | {"AGENT_ATTRIBUTES": text}, fenced=False)
    assert found.attributes == {"region": "eu", "disk": "ssd", "gpu": "nvidia/a100"}


@pytest.mark.parametrize(
    "text",
    [
        "region",
        "=eu",
        "region=",
        "a=1,a=2",
        "a b=1",
        'a="1"',
        "a=" + "x" * 100,
        ",".join(f"n{n}=1" for n in range(33)),
    ],
)
def test_attributes_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(InvalidInput, match="AGENT_ATTRIBUTES"):
        read_settings(PLAIN | {"AGENT_ATTRIBUTES": text}, fenced=False)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:5100"),
        ({"AGENT_IP": "192.0.2.7", "AGENT_PORT": "80"}, "http://192.0.2.7:80"),
        ({"AGENT_IP": "2001:db8::1"}, "http://[2001:db8::1]:5100"),
        ({"AGENT_IP": "0.0.0.0"}, ""),
        (
            {"AGENT_IP": "0.0.0.0", "AGENT_PUBLIC_URL": "https://a.example:8443/"},
            "https://a.example:8443",
        ),
    ],
)
def test_where_it_is_reached_is_told_unless_nobody_knows(environ: dict[str, str], url: str) -> None:
    assert read_settings(PLAIN | environ, fenced=False).public_url == url


@pytest.mark.parametrize("url", ["agent.example", "ftp://a.example", "https://a.example/path"])
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="AGENT_PUBLIC_URL"):
        read_settings(PLAIN | {"AGENT_PUBLIC_URL": url}, fenced=False)


def test_a_fleet_is_named_and_capped_only_by_what_is_set() -> None:
    assert read_settings(PLAIN, fenced=False).fleet is None
    whole = read_settings({"AGENT_FLEET": "swarm"}, fenced=False).fleet
    assert whole == FleetSettings("python:3.11-slim", 5190)
    capped = read_settings(PLAIN | {"AGENT_FLEET": "swarm"}, fenced=False).fleet
    assert capped == FleetSettings("python:3.11-slim", 5190, 1000, 1024)
    with pytest.raises(InvalidInput, match="AGENT_FLEET"):
        read_settings(PLAIN | {"AGENT_FLEET": "kubernetes"}, fenced=False)
