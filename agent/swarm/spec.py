"""What the Swarm is asked for: a run's service, and the service of ours on every node. Pure.

A run's service is the body that one Engine would get, put into the Swarm's words; what it has no word for is in
`NOT_IN_SWARM`, with what stands in for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.engine.isolation import (
    ImageFacts,
    Place,
    RunKey,
    agent_short,
    create_body,
    labels,
    mount_point,
    tmpfs_options,
)
from agent.settings import FleetSettings
from chain.job import Address
from chain.manifest import Manifest

LABEL_RUN = "draas.run"
LABEL_KEEPER, LABEL_VOLUME = "draas.keeper", "draas.volume"
SECRET_NAME = "draas-node"  # noqa: S105 - the name of one
MIB = 1024 * 1024

# Keys of an Engine's HostConfig without a word in a service, and what stands in.
NOT_IN_SWARM = {
    "SecurityOpt": "no-new-privileges in each node's daemon.json",
    "CgroupParent": "the node's meter, by subtraction",
    "MemorySwap": "no swap on the nodes",
    "OomScoreAdj": "memory is reserved",
    "ShmSize": "the Engine's default of 64 MiB",
    "Runtime": "default-runtime in each node's daemon.json",
    "Privileged": "false always",
    "PidMode": "private always",
    "IpcMode": "default-ipc-mode in each node's daemon.json, private by default",
    "AutoRemove": "false always",
    "RestartPolicy": "the service's own, none",
    "NetworkMode": "an internal network of the run's own",
    "MaskedPaths": "the node's Engine has a list of its own",
    "ReadonlyPaths": "the node's Engine has a list of its own",
    "CgroupnsMode": "default-cgroupns-mode in each node's daemon.json",
    "Devices": "none always",
    "DeviceRequests": "none always: a fleet offers no GPUs",
}


def volume_of(key: RunKey) -> str:
    """The results space of a run, on its node."""
    return f"{key.container_name}-results"


def keeper_of(key: RunKey) -> str:
    """The container that keeps the results space mounted after the job's has ended."""
    return f"{key.container_name}-keeper"


def results_mount(key: RunKey, manifest: Manifest) -> dict[str, Any]:
    """The results space: a memory file system of the size that the job asked for."""
    given = tmpfs_options(manifest.resources.disk_mib).split(",")
    options = ",".join(one for one in given if one not in ("rw", "exec"))
    driver = {"Name": "local", "Options": {"type": "tmpfs", "device": "tmpfs", "o": options}}
    return {
        "Type": "volume",
        "Source": volume_of(key),
        "Target": mount_point(manifest.results),
        "VolumeOptions": {"NoCopy": True, "DriverConfig": driver},
    }


def keeper_body(key: RunKey, manifest: Manifest, image: str, parent: str) -> dict[str, Any]:
    """The Engine's body for the keeper.

    Args:
        image: that of the node's program.
        parent: a control group apart from that of the jobs.
    """
    return {
        "Image": image,
        "Entrypoint": ["sleep", "infinity"],
        "User": "65534:65534",
        "Labels": {**labels(key), LABEL_KEEPER: key.text, LABEL_VOLUME: volume_of(key)},
        "NetworkDisabled": True,
        "HostConfig": {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Mounts": [results_mount(key, manifest)],
            "Memory": 16 * MIB,
            "PidsLimit": 4,
            "NetworkMode": "none",
            "CgroupParent": parent,
        },
    }


def run_task(
    key: RunKey, manifest: Manifest, image: ImageFacts, node_id: str, init: bool
) -> dict[str, Any]:
    """The TaskTemplate of a run's service.

    Raises:
        InvalidInput: as `create_body`.
    """
    body = create_body(key, manifest, image, Place(cgroup_parent="", init=init))
    host: Mapping[str, Any] = body["HostConfig"]
    results = results_mount(key, manifest)
    spaces = [_tmpfs(path, text) for path, text in host["Tmpfs"].items()]
    container = {
        "Image": body["Image"],
        "User": body["User"],
        "Env": body["Env"],
        "Labels": {**body["Labels"], LABEL_RUN: key.text},
        "ReadOnly": host["ReadonlyRootfs"],
        "CapabilityDrop": host["CapDrop"],
        "Ulimits": host["Ulimits"],
        "Init": bool(host.get("Init")),
        "StopGracePeriod": int(body["StopTimeout"]) * 10**9,
        "DNSConfig": {"Nameservers": ["127.0.0.1"]},  # the Engine would ask the outside for it
        "Mounts": [results, *(one for one in spaces if one["Target"] != results["Target"])],
    }
    if body.get("Healthcheck"):
        container["Healthcheck"] = body["Healthcheck"]
    if "Cmd" in body:
        container["Args"] = body["Cmd"]
    limits = {"NanoCPUs": host["NanoCpus"], "MemoryBytes": host["Memory"]}
    return {
        "ContainerSpec": container,
        "Resources": {"Limits": {**limits, "Pids": host["PidsLimit"]}, "Reservations": limits},
        "RestartPolicy": {"Condition": "none"},
        "Placement": {"Constraints": [f"node.id=={node_id}"]},
        "Networks": [{"Target": key.container_name}],
        "LogDriver": {"Name": host["LogConfig"]["Type"], "Options": host["LogConfig"]["Config"]},
    }


def _tmpfs(path: str, text: str) -> dict[str, Any]:
    given = dict(part.partition("=")[::2] for part in text.split(","))
    options = {"SizeBytes": int(given["size"]), "Mode": int(given["mode"], 8)}
    return {"Type": "tmpfs", "Target": path, "TmpfsOptions": options}


def program() -> dict[str, bytes]:
    """The files of the node's program, by their path on the node."""
    root = Path(__file__).resolve().parents[2]
    names = ("agent/meter/cgroup.py", "agent/swarm/tally.py", "agent/swarm/node.py")
    return {name: (root / name).read_bytes() for name in names}


def config_name(prefix: str, path: str, content: bytes) -> str:
    """The Swarm's configs never change: another content has another name."""
    stem = path.removesuffix(".py").replace("/", "-")
    return f"{prefix}-{stem}-{hashlib.sha256(content).hexdigest()[:12]}"


def node_task(
    agent: Address,
    at: FleetSettings,
    configs: Mapping[str, tuple[str, str]],
    secret: tuple[str, str],
) -> dict[str, Any]:
    """The TaskTemplate of the service on every node.

    Args:
        agent: whose nodes they are.
        configs: path → (id, name) of the program's files.
        secret: (id, name) of key and certificate.
    """
    files = [
        {"ConfigID": cid, "ConfigName": name, "File": _file(f"/draas/{path}", 0o444)}
        for path, (cid, name) in sorted(configs.items())
    ]
    key = {"SecretID": secret[0], "SecretName": secret[1], "File": _file(SECRET_NAME, 0o400)}
    return {
        "ContainerSpec": {
            "Image": at.image,
            "Command": ["python3", "-m", "agent.swarm.node", str(at.port), agent],
            "Dir": "/draas",
            "ReadOnly": True,
            "Init": True,
            "Configs": files,
            "Secrets": [key],
            "Mounts": [
                _bind("/var/run/docker.sock", "/var/run/docker.sock"),
                {**_bind("/sys/fs/cgroup", "/host/cgroup"), "ReadOnly": True},
                {
                    "Type": "volume",
                    "Source": f"draas-node-{agent_short(agent)}",
                    "Target": "/state",
                },
            ],
        },
        "Resources": {"Limits": {"MemoryBytes": 128 * MIB}},
        "RestartPolicy": {"Condition": "any", "Delay": 10**9},
        "Networks": [{"Target": "host"}],
        "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m", "max-file": "2"}},
    }


def _file(name: str, mode: int) -> dict[str, Any]:
    return {"Name": name, "UID": "0", "GID": "0", "Mode": mode}


def _bind(source: str, target: str) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Target": target}
