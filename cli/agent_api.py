"""An agent's own HTTP on this machine, for its owner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from chain.errors import Conflict, DraasError, InvalidInput, NotAllowed, NotFound, Unavailable
from chain.settings import Env, home_of, url_at

TOKEN_PLACE = Path("agent") / "owner.token"
ANSWER_SECONDS = 60.0  # prices are mined before it answers
_BY_STATUS: dict[int, type[DraasError]] = {
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: InvalidInput,
    503: Unavailable,
}


class OwnerApi:
    """The agent that these settings are of.

    Args:
        environ: as `agent_environ`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        env = Env(environ)
        ip, port = env.text("AGENT_IP", "127.0.0.1"), env.whole("AGENT_PORT", 5100, 1, 65535)
        env.done()
        self.url = url_at(ip, port)
        self._token = home_of(environ) / TOKEN_PLACE

    async def show(self) -> dict[str, Any]:
        """Earnings, capacity, runs."""
        return await self._ask("GET", "/v1/owner")

    async def drain(self, on: bool) -> dict[str, Any]:
        """Begin or end the maintenance."""
        return await self._ask("POST", "/v1/owner/drain", {"draining": on})

    async def set_rates(self, rates: dict[str, str]) -> dict[str, Any]:
        """Ask these rates from now on."""
        return await self._ask("POST", "/v1/owner/rates", rates)

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Its answer.

        Raises:
            Unavailable: no agent answers.
            DraasError: what it refuses with.
        """
        try:
            token = self._token.read_text(encoding="utf-8").strip()
        except OSError:
            token = ""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
                answer = await http.request(method, self.url + path, json=body, headers=headers)
        except httpx.HTTPError:
            raise Unavailable(
                f"No agent answers at {self.url}.",
                "Start it: `draas agent run`, or systemctl start draas-agent.",
            ) from None
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable(f"What answers at {answer.url} is no agent.", "Check AGENT_PORT.")
    if answer.is_success:
        return body
    kind = _BY_STATUS.get(answer.status_code, DraasError)
    raise kind(str(body.get("detail", "It refuses."))[:500], str(body.get("fix", ""))[:500])
