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


def test_a_fleet_is_named_and_capped_only_by_what_is_set() -> None:
    assert read_settings(PLAIN, fenced=False).fleet is None
    whole = read_settings({"AGENT_FLEET": "swarm"}, fenced=False).fleet
    assert whole == FleetSettings("python:3.11-slim", 5190)
    capped = read_settings(PLAIN | {"AGENT_FLEET": "swarm"}, fenced=False).fleet
    assert capped == FleetSettings("python:3.11-slim", 5190, 1000, 1024)
    with pytest.raises(InvalidInput, match="AGENT_FLEET"):
        read_settings(PLAIN | {"AGENT_FLEET": "kubernetes"}, fenced=False)
