"""`draas.yaml`, as people write it and as they should not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.job import MAX_RATE
from chain.manifest import MAX_MANIFEST_BYTES, Manifest, json_schema, parse_manifest

SCHEMA = Path(__file__).parents[3] / "docs" / "draas.schema.json"


@pytest.mark.parametrize("text", ["", "# nothing", "---\n", b""])
def test_an_empty_manifest_is_all_defaults(text: str) -> None:
    assert parse_manifest(text) == Manifest()


def test_everything_can_be_said() -> None:
    manifest = parse_manifest(
        """
        name: My job
        command: python -u "my main.py"
        environment: {N: 3, FLAG: "on", EMPTY: ""}
        resources: {cpus: 0.5, memory: 1.5G, egress: 10k, disk: 2G}
        duration: 2h
        claim_within: 90
        results: /output/data
        market:
          {cpu_hour: 0.2, memory_gib_hour: 0, egress_gib: 1, hour: 0.05,
           attributes: {region: eu-1, cores: 64}}
        """
    )
    assert manifest.command == ["python", "-u", "my main.py"]
    assert manifest.environment == {"N": "3", "FLAG": "on", "EMPTY": ""}
    reserved = manifest.reserved()
    assert (reserved.cpu_millis, reserved.memory_mib, reserved.egress_kib_s) == (500, 1536, 10)
    assert (manifest.duration_s, manifest.claim_within_s) == (7200, 90)
    assert manifest.resources.disk_mib == 2048
    assert manifest.max_rates().memory_mib_s == 0
    assert manifest.market.attributes == {"region": "eu-1", "cores": "64"}


@pytest.mark.parametrize(
    ("memory", "mib"), [("16M", 16), ("16mib", 16), ("16.5MB", 17), ("17000k", 17), ("0.1G", 103)]
)
def test_a_size_is_rounded_up_to_what_is_sold(memory: str, mib: int) -> None:
    assert parse_manifest(f"resources: {{memory: {memory}}}").reserved().memory_mib == mib


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("surprise: 1", "surprise"),
        ("name: ''", "name"),
        ("name: ' x'", "name"),
        ('name: "a\\nb"', "name"),
        ("resources: {memory: 1M}", "memory"),
        ("resources: {memory: 5T}", "memory"),
        ("resources: {memory: -1G}", "memory"),
        ("resources: {memory: true}", "memory"),
        ("resources: {cpus: 0}", "cpus"),
        ("market: {attributes: {1x: a}}", "attributes"),
        ('market: {attributes: {"a b": a}}', "attributes"),
        ('market: {attributes: {region: "e\\nu"}}', "attributes"),
        ("market: {attributes: {region: ''}}", "attributes"),
        ("market: {attributes: {region: [eu]}}", "attributes"),
        ("market: {attributes: [eu]}", "attributes"),
        ("resources: {cpus: .nan}", "cpus"),
        ("resources: {cpus: .inf}", "cpus"),
        ("resources: {cpus: 1e400}", "cpus"),
        ("resources: {cpus: lots}", "cpus"),
        ("resources: {cores: 1}", "cores"),
        ("duration: 0s", "duration"),
        ("duration: 1w", "duration"),
        ("duration: 366d", "duration"),
        ("claim_within: 4s", "claim_within"),
        ("environment: {'A=B': x}", "environment"),
        ("environment: {1A: x}", "environment"),
        ("environment: [A]", "environment"),
        ("results: output", "results"),
        ("results: '/a b'", "results"),
        ("market: {hour: -1}", "hour"),
        ("market: {hour: 1e12}", "hour"),
        ("command: {a: b}", "command"),
    ],
)
def test_a_fault_is_told_by_the_key_it_is_at(text: str, key: str) -> None:
    with pytest.raises(InvalidInput) as told:
        parse_manifest(text)
    assert key in told.value.message


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "- list",
        "5",
        "a: b: c",
        "!!python/object/apply:os.system [id]",
        "\x00",
        b"\xff\xfe\xfa",
        "a: 2026-13-45",
        "[" * 3000,
        "x" * (MAX_MANIFEST_BYTES + 1),
        "command: 'unfinished",
        'command: "\'unfinished"',
    ],
)
def test_what_is_no_manifest_is_told_and_never_run(text: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_manifest(text)


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_no_input_does_anything_but_parse_or_be_refused(text: str | bytes) -> None:
    try:
        manifest = parse_manifest(text)
    except InvalidInput:
        return
    assert manifest.reserved().memory_mib >= 16


@given(st.decimals(0, 10**6, allow_nan=False, places=6))
def test_a_price_limit_is_rounded_down_and_fits_or_is_told(price: object) -> None:
    manifest = parse_manifest(f"market: {{cpu_hour: {price}}}")
    try:
        rate = manifest.max_rates().cpu_ms
    except InvalidInput:
        assert float(str(price)) * 10**18 / 3_600_000 > MAX_RATE
        return
    assert rate * 3_600_000 <= float(str(price)) * 10**18 * (1 + 1e-12)


def test_a_service_names_its_ports_health_and_restarts() -> None:
    text = """
kind: service
ports: [8080]
resources: {egress: 1M, gpus: 1}
healthcheck: {http: /healthz, interval: 2s}
restart: on-failure:5
stop_grace_period: 3s
runtime: gvisor
"""
    manifest = parse_manifest(text)
    assert (manifest.kind, manifest.ports, manifest.runtime) == ("service", [8080], "gvisor")
    assert (manifest.restarts, manifest.restarts_always) == (5, False)
    assert (manifest.stop_grace_s, manifest.resources.gpus) == (3, 1)


@pytest.mark.parametrize(
    ("text", "restarts", "always"),
    [
        ("kind: batch", 0, False),
        ("kind: service", -1, True),
        ("restart: no", 0, False),
        ("restart: on-failure", -1, False),
        ("restart: always", -1, True),
    ],
)
def test_how_often_it_is_started_again_follows_from_the_policy_or_the_kind(
    text: str, restarts: int, always: bool
) -> None:
    manifest = parse_manifest(text)
    assert (manifest.restarts, manifest.restarts_always) == (restarts, always)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ports: [80]", "kind: service"),
        ("kind: service\nports: [80]", "resources.egress"),
        ("kind: service\nports: [80, 80]\nresources: {egress: 1M}", "twice"),
        ("healthcheck: {http: /}", "healthcheck.http"),
        ("healthcheck: {}", "either test or http"),
        ("restart: sometimes", "restart"),
        ("stop_grace_period: 2m", "stop_grace_period"),
        ("resources: {gpus: 0.5}", "gpus"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        parse_manifest(text)


def test_each_fault_is_told_with_its_line_and_field_and_what_may_have_been_meant() -> None:
    text = "comand: x\nresources:\n  memory: 1M\n\nmarket:\n  attributes: {region: [eu]}\n"
    with pytest.raises(InvalidInput) as told:
        parse_manifest(text)
    assert told.value.message.split("; ")[:2] == [
        "draas.yaml line 1, comand: there is no such key",
        "did you mean command?",
    ]
    assert "line 3, resources.memory: '1M' is out of range" in told.value.message
    assert "line 6, market.attributes.region: " in told.value.message


def test_a_build_is_by_dockerfile_language_or_image_and_by_one_of_them() -> None:
    assert parse_manifest("build: {dockerfile: docker/Dockerfile}").build.dockerfile
    assert parse_manifest("build: {language: go}").build.language == "go"
    assert parse_manifest("build: {image: 'nginx:1.27'}").build.image == "nginx:1.27"
    for wrong in (
        "{language: go, image: nginx}",
        "{language: cobol}",
        "{dockerfile: ../Dockerfile}",
        "{dockerfile: /etc/passwd}",
        "{dockerfile: a//b}",
        "{image: 'nginx\\nRUN true'}",
        "{image: --x}",
    ):
        with pytest.raises(InvalidInput, match="build"):
            parse_manifest(f"build: {wrong}")


def test_the_published_schema_is_the_one_that_manifests_are_read_by() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema()


def test_a_batch_job_is_verified_by_as_many_providers_as_it_says() -> None:
    assert (Manifest().verify, Manifest().replicas, Manifest().jobs) == (1, 1, 1)
    assert parse_manifest("verify: 3").jobs == 3
    assert parse_manifest("kind: service\nreplicas: 4").jobs == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("verify: 0", "line 1, verify"),
        ("name: a\nverify: 16", "line 2, verify"),
        ("verify: true", "line 1, verify"),
        ("verify: 2.5", "line 1, verify"),
        ("replicas: 33", "line 1, replicas"),
        ("kind: service\nverify: 3", "line 2, verify: only a batch job"),
        ("secrets: [A]\nverify: 3", "line 2, verify: a job to verify has no secrets"),
        ("resources: {egress: 1M}\nverify: 3", "line 2, verify: a job to verify"),
        ("replicas: 2\nverify: 3", "line 2, verify: only a batch job"),
    ],
)
def test_what_cannot_be_verified_or_replicated_is_told_by_line(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        parse_manifest(text)
