"""Under which names and paths services are reached, and back: to which port of which job a request leads. Pure.

By host name: `JOB32.DOMAIN` and `PORT-JOB32.DOMAIN`, with the first 32 digits of the job's id (as hard to meet on
purpose as a hash of 128 bits). By path: `/d/JOB/…` and `/d/JOB:PORT/…`, with the whole id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from chain.api import Endpoint
from chain.errors import NotFound
from chain.proxy.paths import Wanted, path_of, target_of

SHORT = 32  # digits of a job's id in a host name
_LABEL = re.compile(r"(?:([0-9]{1,5})-)?([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Places:
    """Where this scheduler's ingress is.

    Args:
        url: of the scheduler, as the world reaches it; without a slash at its end.
        domain: below which every service has a name; "" when none has.
    """

    url: str
    domain: str = ""

    @property
    def scheme(self) -> str:
        """http or https."""
        return urlsplit(self.url).scheme

    def has(self, host: str) -> bool:
        """Whether this Host header is a service's, or at least nobody else's."""
        name = _name(host)
        return bool(self.domain) and (name == self.domain or name.endswith("." + self.domain))

    def by_name(self, host: str, raw_path: bytes, query: bytes) -> Wanted:
        """What a request to a service's own name asks for.

        Raises:
            NotFound: no service has such a name.
        """
        match = _LABEL.fullmatch(_name(host).removesuffix("." + self.domain))
        if match is None:
            raise NotFound("No service has this name.", "Look up its address with `draas ps`.")
        port = int(match[1]) if match[1] else None
        return Wanted("0x" + match[2], port, "", target_of(raw_path or b"/", query))

    def url_of(self, job_id: str, port: int | None = None) -> str:
        """The address of a port, the first by default; by name where there are names."""
        if not self.domain:
            return self.path_of(job_id, port)
        parts = urlsplit(self.url)
        label = job_id.removeprefix("0x")[:SHORT]
        label = label if port is None else f"{port}-{label}"
        own = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{label}.{self.domain}{own}/"

    def path_of(self, job_id: str, port: int | None = None) -> str:
        """The address of a port by path."""
        return f"{self.url}{path_of(job_id, port)}/"


def endpoints_of(
    places: Places, job_id: str, ports: Sequence[int], agent_url: str | None
) -> list[Endpoint]:
    """Where each port is reached."""
    found = []
    for number, port in enumerate(ports):
        named = None if number == 0 else port
        direct = f"{agent_url.rstrip('/')}{path_of(job_id, named)}/" if agent_url else None
        found.append(
            Endpoint(
                port=port,
                url=places.url_of(job_id, named),
                path_url=places.path_of(job_id, named),
                direct_url=direct,
            )
        )
    return found


def _name(host: str) -> str:
    return host.rpartition(":")[0].lower() if re.search(r":\d*$", host) else host.lower()
