"""A `compose.yaml` of one service, read as a manifest as far as it maps (Compose Specification).

What has no meaning here, or would reach beyond the container, is told and left out; what cannot be left out without
running another thing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chain.errors import InvalidInput
from chain.manifest import check_manifest
from chain.manifests.conversion import Conversion, Notes, as_list, as_mapping
from chain.yaml_text import YamlText, read_yaml

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_KEPT = {"working_dir", "entrypoint"}  # of the image's own Dockerfile; they change what runs
_SOURCE = {"build", "image"}
_RUNTIMES = {"runc": "runc", "runsc": "gvisor"}
EGRESS = "1M"  # a second; Compose has no word for it


def read_compose(text: bytes, name: str = NAMES[0]) -> Conversion:
    """Read it.

    Raises:
        InvalidInput: not YAML, not one service, or something in it that cannot be left out.
    """
    top = as_mapping(read_yaml(text, name).data, name, "the file")
    services = as_mapping(top.get("services"), name, "services")
    if len(services) != 1:
        raise InvalidInput(
            f"{name} has {len(services)} services, and a job is one.",
            "Deploy each service from a file of its own.",
        )
    ((service_name, raw),) = services.items()
    service = as_mapping(raw, name, f"services.{service_name}")
    notes = Notes(name)
    notes.left_out(set(top) - {"services", "version", "name"}, "")
    data = _convert(str(service_name), service, notes)
    return Conversion(check_manifest(YamlText(data, {}), name), notes.all())


def _convert(service_name: str, service: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    for key in sorted(_KEPT & set(service)):
        raise InvalidInput(
            f"{notes.name}: services.{service_name}.{key} would change what the image runs.",
            "Say it in the Dockerfile instead.",
        )
    data: dict[str, Any] = {"name": service_name}
    if service.get("build") is not None:
        _build(data, service["build"], notes)  # what is built is not pulled
    elif service.get("image") is not None:
        data["build"] = {"image": service["image"]}
    for key, value in service.items():
        if key in _SOURCE:
            continue
        take = _TAKEN.get(key)
        if take is None:
            notes.left_out({key}, f"services.{service_name}.")
        elif value is not None:
            take(data, value, notes)
    if data.get("ports"):
        data["kind"] = "service"
        resources = data.setdefault("resources", {})
        resources.setdefault("egress", EGRESS)
        notes.say(f"ports need a network: egress is set to {EGRESS} a second")
    return data


def _build(data: dict[str, Any], value: Any, notes: Notes) -> None:
    if isinstance(value, str):
        value = {"context": value}
    build = as_mapping(value, notes.name, "build")
    if str(build.get("context", ".")) not in (".", "./"):
        raise InvalidInput(
            f"{notes.name}: the build context is {str(build['context'])[:100]}, not the folder itself.",
            "Deploy that folder.",
        )
    notes.left_out(set(build) - {"context", "dockerfile"}, "build.")
    if "dockerfile" in build:
        data["build"] = {"dockerfile": build["dockerfile"]}


def _command(data: dict[str, Any], value: Any, notes: Notes) -> None:
    data["command"] = value


def _environment(data: dict[str, Any], value: Any, notes: Notes) -> None:
    if isinstance(value, list):
        pairs = [str(item).partition("=") for item in value]
        unset = [name for name, mark, _ in pairs if not mark]
        found = {name: text for name, mark, text in pairs if mark}
    else:
        mapping = as_mapping(value, notes.name, "environment")
        unset = [name for name, text in mapping.items() if text is None]
        found = {
            name: str(text).lower() if isinstance(text, bool) else text
            for name, text in mapping.items()
            if text is not None
        }
    for name in unset:
        notes.say(f"environment {name} has no value, and none is taken from this machine")
    data["environment"] = found


def _ports(data: dict[str, Any], value: Any, notes: Notes) -> None:
    ports = [_port(item, notes) for item in as_list(value, notes.name, "ports")]
    data["ports"] = list(dict.fromkeys(port for port in ports if port))


def _port(value: Any, notes: Notes) -> int:
    """The container's port of one entry, which may be `8080`, `80:8080`, `127.0.0.1:80:8080/tcp` or a mapping; 0 when
    it cannot be had here."""
    protocol = "tcp"
    if isinstance(value, dict):
        protocol, value = str(value.get("protocol", "tcp")), value.get("target")
    elif isinstance(value, str):
        mapped, _, told = value.partition("/")
        protocol, value = told or "tcp", mapped.rpartition(":")[2]
    if protocol != "tcp":
        notes.say(
            f"port {str(value)[:20]}/{protocol[:20]} is left out: only HTTP over TCP is passed on"
        )
        return 0
    if not re.fullmatch("[0-9]{1,5}", str(value)):
        raise InvalidInput(
            f"{notes.name}: {str(value)[:60]} is no port.", "Name one port of the container."
        )
    return int(str(value))


def _expose(data: dict[str, Any], value: Any, notes: Notes) -> None:
    if "ports" not in data:
        notes.left_out({"expose"}, "")


def _healthcheck(data: dict[str, Any], value: Any, notes: Notes) -> None:
    check = dict(as_mapping(value, notes.name, "healthcheck"))
    test = check.pop("test", None)
    if check.pop("disable", False) or test in (["NONE"], "NONE", None):
        return
    if isinstance(test, list) and test:
        kind, *words = (str(word) for word in test)
        test = ["/bin/sh", "-c", " ".join(words)] if kind == "CMD-SHELL" else words
    elif test:
        test = ["/bin/sh", "-c", str(test)]
    known = {"interval", "timeout", "retries", "start_period"}
    notes.left_out(set(check) - known, "healthcheck.")
    data["healthcheck"] = {"test": test} | {key: check[key] for key in known & set(check)}


def _restart(data: dict[str, Any], value: Any, notes: Notes) -> None:
    data["restart"] = "always" if value == "unless-stopped" else value


def _grace(data: dict[str, Any], value: Any, notes: Notes) -> None:
    data["stop_grace_period"] = value


def _runtime(data: dict[str, Any], value: Any, notes: Notes) -> None:
    if isinstance(value, str) and value in _RUNTIMES:
        data["runtime"] = _RUNTIMES[value]
    else:
        notes.left_out({"runtime"}, "")


def _cpus(data: dict[str, Any], value: Any, notes: Notes) -> None:
    data.setdefault("resources", {})["cpus"] = value


def _memory(data: dict[str, Any], value: Any, notes: Notes) -> None:
    data.setdefault("resources", {})["memory"] = value


def _deploy(data: dict[str, Any], value: Any, notes: Notes) -> None:
    deploy = as_mapping(value, notes.name, "deploy")
    notes.left_out(set(deploy) - {"resources"}, "deploy.")
    resources = as_mapping(deploy.get("resources") or {}, notes.name, "deploy.resources")
    limits = as_mapping(resources.get("limits") or {}, notes.name, "deploy.resources.limits")
    notes.left_out(set(resources) - {"limits"}, "deploy.resources.")
    notes.left_out(set(limits) - {"cpus", "memory"}, "deploy.resources.limits.")
    for key in {"cpus", "memory"} & set(limits):
        data.setdefault("resources", {})[key] = limits[key]


_TAKEN = {
    "command": _command,
    "environment": _environment,
    "ports": _ports,
    "expose": _expose,
    "healthcheck": _healthcheck,
    "restart": _restart,
    "stop_grace_period": _grace,
    "runtime": _runtime,
    "cpus": _cpus,
    "mem_limit": _memory,
    "deploy": _deploy,
}
