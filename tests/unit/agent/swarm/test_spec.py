"""What the Swarm is asked for."""

from __future__ import annotations

import pytest

from agent.engine.isolation import ImageFacts, Place, RunKey, create_body
from agent.swarm.api import node_of
from agent.swarm.spec import NOT_IN_SWARM, keeper_body, results_mount, run_task
from chain.errors import InvalidInput
from chain.job import Address, Digest, JobId, Resources
from chain.manifest import Manifest

KEY = RunKey(JobId("0x" + "12" * 32), 1, Address("0x" + "aa" * 20))
IMAGE = ImageFacts(Digest("sha256:" + "ab" * 32), volumes=("/data",))
CARRIED = {  # key of an Engine's HostConfig → where it is in a task
    "CapDrop": ("ContainerSpec", "CapabilityDrop"),
    "ReadonlyRootfs": ("ContainerSpec", "ReadOnly"),
    "Tmpfs": ("ContainerSpec", "Mounts"),
    "Mounts": ("ContainerSpec", "Mounts"),
    "Ulimits": ("ContainerSpec", "Ulimits"),
    "Init": ("ContainerSpec", "Init"),
    "Memory": ("Resources", "Limits"),
    "NanoCpus": ("Resources", "Limits"),
    "PidsLimit": ("Resources", "Limits"),
    "LogConfig": ("LogDriver", "Options"),
}


def test_every_fence_of_one_engine_is_in_the_service_or_named_as_missing() -> None:
    host = create_body(KEY, Manifest(), IMAGE, Place("", init=True))["HostConfig"]
    task = run_task(KEY, Manifest(), IMAGE, "n1", init=True)
    for name in host:
        if name not in NOT_IN_SWARM:
            part, word = CARRIED[name]
            assert task[part][word], name


def test_a_run_is_one_task_on_its_node_never_restarted_with_its_limits_reserved() -> None:
    task = run_task(KEY, Manifest(command=["a", "b"]), IMAGE, "n1", init=False)
    assert task["RestartPolicy"] == {"Condition": "none"}
    assert task["Placement"] == {"Constraints": ["node.id==n1"]}
    limits = task["Resources"]["Limits"]
    assert limits == {**task["Resources"]["Reservations"], "Pids": 256}
    assert (limits["NanoCPUs"], limits["MemoryBytes"]) == (10**9, 256 * 1024**2)
    spec = task["ContainerSpec"]
    assert (spec["Image"], spec["Args"], spec["User"]) == (IMAGE.digest, ["a", "b"], "65534:65534")
    assert spec["Labels"]["draas.run"] == KEY.text
    places = {mount["Target"]: mount["Type"] for mount in spec["Mounts"]}
    assert places == {"/output": "volume", "/tmp": "tmpfs", "/data": "tmpfs"}
    sizes = {m["TmpfsOptions"]["SizeBytes"] for m in spec["Mounts"] if m["Type"] == "tmpfs"}
    assert sizes == {64 * 1024**2}


def test_job_and_keeper_have_the_same_results_space_of_the_size_asked_for() -> None:
    mount = results_mount(KEY, Manifest())
    assert mount["VolumeOptions"]["DriverConfig"]["Options"]["type"] == "tmpfs"
    assert f"size={64 * 1024**2}" in mount["VolumeOptions"]["DriverConfig"]["Options"]["o"]
    assert mount in run_task(KEY, Manifest(), IMAGE, "n1", init=False)["ContainerSpec"]["Mounts"]
    assert keeper_body(KEY, Manifest(), "python", "/x")["HostConfig"]["Mounts"] == [mount]


def test_a_results_path_in_the_kernels_folders_is_refused() -> None:
    with pytest.raises(InvalidInput):
        run_task(KEY, Manifest(results="/proc/x"), IMAGE, "n1", init=False)


def told(**changes: object) -> dict[str, object]:
    """A node as a manager tells of it."""
    spec = {"Availability": "active", "Labels": changes.get("labels", {})}
    return {
        "ID": "n1",
        "Spec": {**spec, "Availability": changes.get("how", "active")},
        "Description": {
            "Hostname": "h",
            "Resources": {"NanoCPUs": 4 * 10**9, "MemoryBytes": 2**33},
        },
        "Status": {
            "State": changes.get("state", "ready"),
            "Addr": changes.get("address", "10.0.0.2"),
        },
        "ManagerStatus": {"Addr": "10.0.0.9:2377"},
    }


@pytest.mark.parametrize(
    ("labels", "offers"),
    [
        ({}, Resources(4000, 8192, 0)),
        ({"draas.cpus": "1.5"}, Resources(1500, 8192, 0)),
        ({"draas.cpus": "64", "draas.memory": "1G"}, Resources(4000, 1024, 0)),
        ({"draas.memory": "much"}, Resources(0, 0, 0)),
    ],
)
def test_a_node_offers_what_it_has_or_less_where_its_labels_say_so(
    labels: dict[str, str], offers: Resources
) -> None:
    assert node_of(told(labels=labels)).offers == offers


def test_a_node_takes_jobs_while_it_is_ready_active_and_not_labelled_otherwise() -> None:
    assert node_of(told()).takes
    assert not node_of(told(how="pause")).takes
    assert not node_of(told(state="down")).up
    assert not node_of(told(state="down")).takes
    assert not node_of(told(labels={"draas.offer": "no"})).takes
    assert node_of(told(address="0.0.0.0")).address == "10.0.0.9"
