"""Where images are pushed to, by the environment."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from scheduler.images.image import Registry
from scheduler.settings import read_settings


def test_nothing_is_pushed_by_itself() -> None:
    assert read_settings({}).registry is None
    assert read_settings({"DOCKER_USERNAME": "me", "DOCKER_PASSWORD": "x"}).registry is None


def test_docker_hub_needs_an_account() -> None:
    account = {"DOCKER_USERNAME": "me", "DOCKER_PASSWORD": "secret"}
    registry = read_settings({"DOCKER_HUB_PUSH": "1", **account}).registry
    assert registry == Registry("me", "secret")
    assert registry is not None
    assert registry.repository == "me/draas-bundle"
    assert "secret" not in repr(registry)
    with pytest.raises(InvalidInput, match="DOCKER_USERNAME is not set; DOCKER_PASSWORD is not"):
        read_settings({"DOCKER_HUB_PUSH": "1"})


def test_any_registry_is_named_by_its_host_and_may_do_without_an_account() -> None:
    registry = read_settings({"DOCKER_REGISTRY": "registry.example:5000"}).registry
    assert registry == Registry("", "", "registry.example:5000")
    assert registry is not None
    assert registry.repository == "registry.example:5000/draas/draas-bundle"


@pytest.mark.parametrize(
    "host", ["http://registry.example", "registry", "registry.example/me", "a b.c", "x.y:0", "-.a"]
)
def test_what_the_engine_would_not_take_for_a_registry_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="DOCKER_REGISTRY"):
        read_settings({"DOCKER_REGISTRY": host})


def test_two_registries_are_one_too_many() -> None:
    both = {"DOCKER_REGISTRY": "r.example", "DOCKER_HUB_PUSH": "1"}
    with pytest.raises(InvalidInput, match="two registries"):
        read_settings(both | {"DOCKER_USERNAME": "me", "DOCKER_PASSWORD": "x"})
