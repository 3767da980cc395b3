"""A compose file of one service is a manifest, and what did not map is told."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.manifests.compose import read_compose

WHOLE = b"""
version: "3.9"
x-mine: {a: 1}
services:
  web:
    build: {context: ., dockerfile: docker/Dockerfile, args: {A: 1}}
    image: mine/web
    command: python app.py --fast
    ports: ["8000:8080", "127.0.0.1:1:9090/tcp", 7070, {target: 53, protocol: udp}]
    environment: {A: 1, B: true, C: }
    volumes: ["./data:/data"]
    privileged: true
    restart: unless-stopped
    runtime: runsc
    stop_grace_period: 1m
    healthcheck: {test: ["CMD-SHELL", "curl -f localhost"], interval: 1m30s, retries: 2}
    deploy: {replicas: 2, resources: {limits: {cpus: '0.5', memory: 512M}}}
"""


def test_what_maps_is_taken() -> None:
    manifest = read_compose(WHOLE).manifest
    assert (manifest.name, manifest.kind, manifest.ports) == ("web", "service", [8080, 9090, 7070])
    assert manifest.build.dockerfile == "docker/Dockerfile"
    assert manifest.build.image is None
    assert manifest.command == ["python", "app.py", "--fast"]
    assert manifest.environment == {"A": "1", "B": "true"}
    assert (manifest.restart, manifest.runtime, manifest.stop_grace_s) == ("always", "gvisor", 60)
    assert manifest.reserved().cpu_millis == 500
    assert manifest.reserved().memory_mib == 512
    assert manifest.reserved().egress_kib_s == 1024
    assert manifest.healthcheck is not None
    assert manifest.healthcheck.test == ["/bin/sh", "-c", "curl -f localhost"]
    assert (manifest.healthcheck.interval, manifest.healthcheck.retries) == ("1m30s", 2)


@pytest.mark.parametrize(
    "left_out",
    ["volumes", "privileged", "deploy.replicas", "build.args", "port 53/udp", "environment C"],
)
def test_what_does_not_map_is_told(left_out: str) -> None:
    assert any(left_out in note for note in read_compose(WHOLE).notes)


def test_what_is_for_other_tools_is_not_worth_a_word() -> None:
    assert not any("x-mine" in note or "version" in note for note in read_compose(WHOLE).notes)


def test_without_a_build_the_image_is_run_as_it_is() -> None:
    manifest = read_compose(b"services: {db: {image: 'redis:7', command: [a, 'b c']}}").manifest
    assert manifest.build.image == "redis:7"
    assert manifest.command == ["a", "b c"]
    assert manifest.kind == "batch"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"services: {a: {image: x}, b: {image: y}}", "2 services"),
        (b"services: {}", "0 services"),
        (b"a: 1", "services is not a mapping"),
        (b"- a", "the file is not a mapping"),
        (b"services: {a: {image: x, entrypoint: sh}}", "entrypoint would change"),
        (b"services: {a: {build: ../other}}", "not the folder itself"),
        (b"services: {a: {image: x, ports: ['80-90:80-90']}}", "is no port"),
        (b"services: {a: {image: x, mem_limit: lots}}", "resources.memory"),
        (b"services: {a: {image: 'x y'}}", "build.image"),
    ],
)
def test_what_cannot_be_left_out_is_refused(text: bytes, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        read_compose(text)


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["build", "image", "ports", "environment", "command", "healthcheck", "deploy", "restart"]
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_any_service_is_read_or_refused(service: dict[str, object]) -> None:
    text = yaml.safe_dump({"services": {"a": service}})
    with suppress(InvalidInput):
        assert read_compose(text.encode()).manifest.name == "a"
