"""Which file of a folder says how it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.errors import InvalidInput
from chain.manifest import Manifest
from chain.manifests.folder import manifest_of
from chain.manifests.procfile import read_procfile
from chain.manifests.sdl import read_sdl

SDL = b"""
version: "2.0"
services:
  web:
    image: nginx:1.27
    env: [A=1, B]
    command: [sh]
    args: ["-c", "echo"]
    expose: [{port: 80, as: 80, to: [{global: true}]}, {port: 9000, to: [{service: db}]}]
profiles:
  compute:
    small:
      resources:
        cpu: {units: 500m}
        memory: {size: 512Mi}
        storage: [{size: 1Gi}, {name: data, size: 9Gi, attributes: {persistent: true}}]
        gpu: {units: 1, attributes: {vendor: {nvidia: }}}
  placement:
    west: {attributes: {region: us-west}, pricing: {web: {denom: uakt, amount: 100}}}
deployment: {web: {west: {profile: small, count: 2}}}
"""


def test_our_own_manifest_goes_before_all_others(tmp_path: Path) -> None:
    assert manifest_of(tmp_path).manifest == Manifest()
    for name, text in (
        ("Procfile", b"work: true\n"),
        ("deploy.yaml", SDL),
        ("compose.yml", b"services: {c: {image: x}}"),
        ("draas.yaml", b"name: ours"),
    ):
        (tmp_path / name).write_bytes(text)
        expected = {"Procfile": "work", "deploy.yaml": "web", "compose.yml": "c"}.get(name, "ours")
        assert manifest_of(tmp_path).manifest.name == expected


def test_a_deploy_yaml_of_another_tool_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text("kind: Deployment\n")
    assert manifest_of(tmp_path).manifest == Manifest()


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "draas.yaml").symlink_to("/etc/passwd")
    assert manifest_of(tmp_path).manifest == Manifest()


def test_an_sdl_is_converted_as_far_as_it_maps() -> None:
    found = read_sdl(SDL)
    manifest = found.manifest
    assert (manifest.kind, manifest.ports, manifest.build.image) == ("service", [80], "nginx:1.27")
    assert (manifest.command, manifest.environment) == (["sh", "-c", "echo"], {"A": "1"})
    reserved = manifest.reserved()
    assert (reserved.cpu_millis, reserved.memory_mib) == (500, 512)
    assert (manifest.resources.disk_mib, manifest.resources.gpus) == (1024, 1)
    assert manifest.market.attributes == {"region": "us-west"}
    for told in ("port 9000", "env B", "count 2", "prices", "gpu.attributes", "persistent"):
        assert any(told in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"a: 1", "no services"),
        (SDL.replace(b"image: nginx:1.27", b"x: y"), "names no image"),
        (SDL.replace(b"profile: small", b"profile: big"), "the compute profile"),
        (SDL.replace(b"units: 500m", b"units: many"), "resources.cpus"),
        (SDL.replace(b"region: us-west", b"region: [1]"), "market.attributes"),
    ],
)
def test_an_sdl_that_cannot_be_run_is_refused(text: bytes, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        read_sdl(text)


def test_a_procfile_is_its_web_process_or_its_only_one() -> None:
    web = read_procfile(b"# ours\nweb: serve --port $PORT\nworker: work\n")
    assert web.manifest.command == ["/bin/sh", "-c", "exec serve --port $PORT"]
    assert (web.manifest.kind, web.manifest.ports) == ("service", [8080])
    assert web.manifest.environment == {"PORT": "8080"}
    assert any("worker" in note for note in web.notes)
    assert read_procfile(b"job: a b").manifest.kind == "batch"
    for wrong in (b"", b"a: b\nc: d", b"no colon", b"a: b\na: c", b"a: " + b"x" * 70_000):
        with pytest.raises(InvalidInput):
            read_procfile(wrong)


@pytest.mark.parametrize(
    "text", ["kind: A\n---\nkind: B\n", "a: &x 1\nb: *x\n", "x: '" + "y" * 70_000]
)
def test_what_another_tool_means_is_not_even_parsed(tmp_path: Path, text: str) -> None:
    (tmp_path / "deploy.yaml").write_text(text)
    assert manifest_of(tmp_path).manifest == Manifest()


def test_an_sdl_with_a_fault_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_bytes(SDL + b"\nservices: {}\n")
    with pytest.raises(InvalidInput, match="second time"):
        manifest_of(tmp_path)
