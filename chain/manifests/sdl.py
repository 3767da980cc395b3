"""An Akash SDL file (version 2.0) of one service, converted as far as it maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chain.errors import InvalidInput
from chain.manifest import check_manifest
from chain.manifests.conversion import Conversion, Notes, as_list, as_mapping
from chain.yaml_text import YamlText, read_yaml

NAMES = ("deploy.yaml", "deploy.yml")  # as Akash's own examples are called
EGRESS = "1M"
_KEYS = ("services", "profiles", "deployment")
_MARKS = [re.compile(rb"^[\"']?%b[\"']?\s*:" % key.encode(), re.MULTILINE) for key in _KEYS]
_MILLI = re.compile(r"^([0-9]{1,9})m$")


def looks_like_sdl(text: bytes) -> bool:
    """Whether a file says that it is one, whether or not it can be read: other things are called deploy.yaml too."""
    return all(mark.search(text) for mark in _MARKS)


def is_sdl(data: object) -> bool:
    """Whether a YAML document is an SDL."""
    return isinstance(data, dict) and set(_KEYS) <= set(data)


def read_sdl(text: bytes, name: str = NAMES[0]) -> Conversion:
    """Read it.

    Raises:
        InvalidInput: not an SDL, not one service, or what it says cannot be run here.
    """
    written = read_yaml(text, name).data
    if not is_sdl(written):
        raise InvalidInput(f"{name} has no services, profiles and deployment.", "Is it an SDL?")
    top = as_mapping(written, name, "the file")
    services = as_mapping(top["services"], name, "services")
    if len(services) != 1:
        raise InvalidInput(
            f"{name} has {len(services)} services, and a job is one.",
            "Deploy each service from a file of its own.",
        )
    ((service_name, raw),) = services.items()
    notes = Notes(name)
    data: dict[str, Any] = {"name": str(service_name)}
    _service(data, as_mapping(raw, name, f"services.{service_name}"), notes)
    compute, placement, count = _profiles(top, str(service_name), name)
    _compute(data, compute, notes)
    _placement(data, placement, notes)
    if count != 1:
        notes.say(f"count {str(count)[:10]}: one is run; post the job again for more")
    notes.left_out(set(top) - {"version", "services", "profiles", "deployment"}, "")
    return Conversion(check_manifest(YamlText(data, {}), name), notes.all())


def _service(data: dict[str, Any], service: Mapping[str, Any], notes: Notes) -> None:
    if "image" not in service:
        raise InvalidInput(f"{notes.name}: the service names no image.", "Name one.")
    data["build"] = {"image": service["image"]}
    words = [*_words(service, "command", notes), *_words(service, "args", notes)]
    if words:
        data["command"] = words
    pairs = [str(item).partition("=") for item in _words(service, "env", notes)]
    data["environment"] = {key: value for key, mark, value in pairs if mark}
    for key in (key for key, mark, _ in pairs if not mark):
        notes.say(f"env {key} has no value, and none is taken from this machine")
    _expose(data, service, notes)
    known = {"image", "command", "args", "env", "expose"}
    notes.left_out(set(service) - known, "services.")


def _words(service: Mapping[str, Any], key: str, notes: Notes) -> list[Any]:
    return as_list(service.get(key) or [], notes.name, key)


def _expose(data: dict[str, Any], service: Mapping[str, Any], notes: Notes) -> None:
    ports: list[Any] = []
    for item in _words(service, "expose", notes):
        entry = as_mapping(item, notes.name, "expose")
        told = [as_mapping(to, notes.name, "expose.to") for to in _words(entry, "to", notes)]
        if not any(to.get("global") for to in told):
            notes.say(f"port {str(entry.get('port'))[:10]} is not global, and left out")
            continue
        if entry.get("as") not in (None, 80, 443, entry.get("port")):
            notes.say(f"port {entry.get('port')} is reached through the scheduler's own address")
        if "accept" in entry:
            notes.say("expose.accept: host names of one's own are left out")
        ports.append(entry.get("port"))
    if ports:
        data |= {"kind": "service", "ports": ports, "resources": {"egress": EGRESS}}
        notes.say(f"ports need a network: egress is set to {EGRESS} a second")
    else:
        notes.say("without a global port it is a batch job without a network")


def _profiles(
    top: Mapping[str, Any], service: str, name: str
) -> tuple[Mapping[str, Any], Mapping[str, Any], Any]:
    """The compute and placement profiles that the deployment names for the service, and how many of it."""
    deployment = as_mapping(top["deployment"], name, "deployment")
    places = as_mapping(deployment.get(service), name, f"deployment.{service}")
    profiles = as_mapping(top["profiles"], name, "profiles")
    place, raw = next(iter(places.items()), ("", None))
    chosen = as_mapping(raw, name, f"deployment.{service}.{place}")
    computes = as_mapping(profiles.get("compute"), name, "profiles.compute")
    placements = as_mapping(profiles.get("placement") or {}, name, "profiles.placement")
    compute = as_mapping(computes.get(str(chosen.get("profile"))), name, "the compute profile")
    return compute, as_mapping(placements.get(place) or {}, name, place), chosen.get("count", 1)


def _compute(data: dict[str, Any], compute: Mapping[str, Any], notes: Notes) -> None:
    asked = as_mapping(compute.get("resources"), notes.name, "the compute profile's resources")
    resources = data.setdefault("resources", {})
    if "cpu" in asked:
        units = str(as_mapping(asked["cpu"], notes.name, "cpu").get("units"))
        milli = _MILLI.match(units)
        resources["cpus"] = str(int(milli[1]) / 1000) if milli else units
    if "memory" in asked:
        resources["memory"] = as_mapping(asked["memory"], notes.name, "memory").get("size")
    if "gpu" in asked:
        gpu = as_mapping(asked["gpu"], notes.name, "gpu")
        units = str(gpu.get("units", 0))
        resources["gpus"] = int(units) if re.fullmatch("[0-9]{1,3}", units) else units
        notes.left_out({"gpu.attributes"} if "attributes" in gpu else (), "")
    volumes = asked.get("storage") or []
    for volume in volumes if isinstance(volumes, list) else [volumes]:
        storage = as_mapping(volume, notes.name, "storage")
        if "attributes" in storage or "name" in storage:
            notes.say("persistent storage is left out: what a job writes goes with it")
        else:
            resources["disk"] = storage.get("size")
    notes.left_out(set(asked) - {"cpu", "memory", "gpu", "storage", "id"}, "resources.")


def _placement(data: dict[str, Any], placement: Mapping[str, Any], notes: Notes) -> None:
    wanted = as_mapping(placement.get("attributes") or {}, notes.name, "placement.attributes")
    if wanted:
        data["market"] = {"attributes": dict(wanted)}
    if placement.get("pricing"):
        notes.say("prices a block are left out: say the most to pay under market in draas.yaml")
    notes.left_out(set(placement) - {"attributes", "pricing"}, "placement.")
