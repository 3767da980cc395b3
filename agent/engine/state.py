"""What the Docker Engine says of a container, as ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.observed import Container
from chain.wire import Health

_TIME = re.compile(r"^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$")
_HEALTH: dict[str, Health] = {
    "starting": "starting",
    "healthy": "healthy",
    "unhealthy": "unhealthy",
}


def container_of(found: Mapping[str, Any]) -> Container:
    """A container as the Engine describes it."""
    state = found["State"]
    status = str(state["Status"])
    health = state.get("Health") or {}
    said = [_plain(str(one.get("Output") or "")) for one in (health.get("Log") or [])[-1:]]
    running = status in ("running", "paused", "restarting", "removing")
    return Container(
        status="created" if status == "created" else "running" if running else "exited",
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        started_ms=unix_ms_of(state.get("StartedAt") or ""),
        finished_ms=unix_ms_of(state.get("FinishedAt") or ""),
        pid=int(state.get("Pid") or 0),
        error=str(state.get("Error") or "")[:500],
        health=_HEALTH.get(str(health.get("Status")), ""),
        ill_why=f"its health check failed: {said[0]}" if said and said[0] else "",
        address=_address_of(found),
    )


def unix_ms_of(text: str) -> int:
    """An RFC 3339 time with nanoseconds as Unix milliseconds; 0 for the Engine's year 1."""
    match = _TIME.match(text)
    if match is None or text.startswith("0001-"):
        return 0
    zone = match[3].replace("Z", "+00:00")
    whole = int(datetime.fromisoformat(match[1] + zone).astimezone(UTC).timestamp())
    return whole * 1000 + int((match[2] or "0").ljust(9, "0")[:3])


def _address_of(found: Mapping[str, Any]) -> str:
    """Of a container in its own network; "" without one."""
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    return next((str(one["IPAddress"]) for one in networks.values() if one.get("IPAddress")), "")


def _plain(text: str) -> str:
    """A stranger's text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())[:300]
