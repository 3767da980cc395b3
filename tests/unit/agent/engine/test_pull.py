"""A log-in is shown to its own registry and to no other, whatever a scheduler names."""

from __future__ import annotations

import pytest

from agent.engine.pull import RegistryLogin
from chain.image import host_of

LOGIN = {"username": "me", "password": "secret"}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("busybox", ""),
        ("busybox:1.36", ""),
        ("me/draas-bundle:abc", ""),
        ("localhost/draas", "localhost"),
        ("127.0.0.1:5001/draas/draas-bundle@sha256:" + "0" * 64, "127.0.0.1:5001"),
        ("registry.example/me/x:y", "registry.example"),
        ("registry.example:443/me/x", "registry.example:443"),
    ],
)
def test_the_registry_is_told_from_a_name_on_docker_hub(name: str, host: str) -> None:
    assert host_of(name) == host
    assert RegistryLogin(host, "me", "secret").of(name) == LOGIN
    assert RegistryLogin("other.example", "me", "secret").of(name) is None


def test_the_password_is_in_no_representation() -> None:
    assert "secret" not in repr(RegistryLogin("", "me", "secret"))
