"""What every container is fenced in with, whatever its manifest and image say."""

from __future__ import annotations

import pytest

from agent.engine.isolation import (
    ImageFacts,
    Place,
    RunKey,
    cgroup_parent,
    create_body,
    mount_point,
)
from chain.errors import InvalidInput
from chain.job import Digest, JobId
from chain.manifest import parse_manifest
from tests.unit.agent.builders import AGENT, IMAGE, JOB

KEY = RunKey(JobId(JOB), 2, AGENT)
MANIFEST = parse_manifest(
    "command: run it\nenvironment: {A: b, DRAAS_JOB_ID: forged}\n"
    "resources: {cpus: 0.5, memory: 100M, disk: 8M}\nresults: /out\n"
)
PLACE = Place("/draas/x/y")


def image(
    user: str = "", volumes: tuple[str, ...] = (), environment: tuple[str, ...] = ()
) -> ImageFacts:
    return ImageFacts(Digest(IMAGE), user, volumes, environment)


def test_a_container_has_no_privileges_no_network_and_hard_limits() -> None:
    body = create_body(KEY, MANIFEST, image(), PLACE)
    host = body["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CgroupnsMode"] == host["IpcMode"] == "private"
    assert not host["Devices"]
    assert {"/proc/kcore", "/proc/keys", "/sys/firmware"} <= set(host["MaskedPaths"])
    assert "/proc/sys" in host["ReadonlyPaths"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["NetworkMode"] == "none"
    assert host["Memory"] == host["MemorySwap"] == 100 * 1024**2
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] > 0
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["LogConfig"]["Config"]["max-size"]
    assert host["CgroupParent"] == "/draas/x/y"
    assert body["Cmd"] == ["run", "it"]
    assert body["Image"] == IMAGE


def test_a_container_with_a_network_has_no_ipv6_and_the_runtime_that_was_chosen() -> None:
    assert "Sysctls" not in create_body(KEY, MANIFEST, image(), PLACE)["HostConfig"]
    place = Place("/draas/x/y", network="its own", runtime="runsc", dns=("9.9.9.9",))
    host = create_body(KEY, MANIFEST, image(), place)["HostConfig"]
    assert host["Sysctls"] == {"net.ipv6.conf.all.disable_ipv6": "1"}
    assert host["Dns"] == ["9.9.9.9"]
    assert (host["NetworkMode"], host["Runtime"]) == ("its own", "runsc")


def test_every_writable_place_is_in_memory_and_has_a_size() -> None:
    host = create_body(KEY, MANIFEST, image(volumes=("/data", "/tmp/deep/")), PLACE)["HostConfig"]
    assert set(host["Tmpfs"]) == {"/tmp", "/out", "/data", "/tmp/deep"}
    assert all(f"size={8 * 1024**2}" in options for options in host["Tmpfs"].values())
    assert all("nosuid,nodev" in options for options in host["Tmpfs"].values())
    assert host["Mounts"] == []


def test_a_results_folder_of_the_host_takes_the_place_of_the_memory_one() -> None:
    place = Place("/draas/x/y", results_source="/somewhere")
    host = create_body(KEY, MANIFEST, image(volumes=("/out",)), place)["HostConfig"]
    assert "/out" not in host["Tmpfs"]
    assert host["Mounts"] == [{"Type": "bind", "Source": "/somewhere", "Target": "/out"}]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "65534:65534"),
        ("root", "65534:65534"),
        ("0:5", "65534:65534"),
        ("app", "65534:65534"),
        ("00", "65534:65534"),
        ("1000:0", "1000"),
        ("10:10", "10:10"),
    ],
)
def test_root_and_names_become_nobody_and_others_stay_who_they_are(given: str, used: str) -> None:
    assert create_body(KEY, MANIFEST, image(user=given), PLACE)["User"] == used


def test_a_container_knows_where_it_is_and_its_manifest_cannot_say_otherwise() -> None:
    env = create_body(KEY, MANIFEST, image(environment=("HOME=/app",)), PLACE)["Env"]
    assert f"DRAAS_JOB_ID={JOB}" in env
    assert "DRAAS_ATTEMPT=2" in env
    assert "A=b" in env
    assert not [line for line in env if "forged" in line or line.startswith("HOME=")]


@pytest.mark.parametrize("path", ["/", "/proc/x", "/a/../sys", "/dev", "//"])
def test_nothing_is_mounted_over_the_kernels_own(path: str) -> None:
    with pytest.raises(InvalidInput, match="Nothing can be mounted"):
        mount_point(path)


def test_labels_names_and_groups_name_job_attempt_and_agent() -> None:
    body = create_body(KEY, MANIFEST, image(), PLACE)
    assert body["Labels"] == {"draas.job": JOB, "draas.attempt": "2", "draas.agent": AGENT}
    assert KEY.container_name == "draas-aaaaaaaaaa-121212121212-2"
    assert cgroup_parent(KEY, systemd=False) == "/draas/aaaaaaaaaa/121212121212-2"
    assert cgroup_parent(KEY, systemd=True) == "draas-aaaaaaaaaa-121212121212_2.slice"


def test_a_service_knows_its_ports_and_its_address() -> None:
    manifest = parse_manifest("kind: service\nports: [8080, 9090]\nresources: {egress: 1M}\n")
    place = Place("/draas/x/y", url="http://abc.svc.localhost:5000/")
    env = create_body(KEY, manifest, image(), place)["Env"]
    assert {"DRAAS_PORTS=8080,9090", "DRAAS_URL=http://abc.svc.localhost:5000/"} <= set(env)
    assert not [line for line in create_body(KEY, MANIFEST, image(), PLACE)["Env"] if "URL" in line]
