"""The consumer's session with one scheduler: signed with the key at hand when it is needed, and kept for later
commands in a file that only its owner may read."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError

from chain.api import SessionNonce, SignedIn, SignIn
from chain.convert import address_of
from chain.errors import Unavailable
from chain.signin import Place, compose, sign

FOLDER = "sessions"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs in, at which scheduler, and where the session is kept."""

    account: LocalAccount
    place: Place
    home: Path

    def token(self, url: str) -> str:
        """The token that was kept, good or not; "" when there is none."""
        try:
            return self._path(url).read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    async def renew(self, http: httpx.AsyncClient, url: str) -> str:
        """Sign in, and keep the new token.

        Raises:
            Unavailable: what the scheduler answered is no session.
            httpx.HTTPError: it did not answer, or refused.
        """
        asked = (await http.post("/v1/session/nonce")).raise_for_status()
        try:
            nonce = SessionNonce.model_validate_json(asked.content)
            address = address_of(self.account.address)
            now = int(time.time())
            message = compose(
                self.place, url, address, nonce.nonce, now, max(1, nonce.expires_at - now)
            )
            body = SignIn(message=message, signature=sign(self.account, message))
            answered = await http.post("/v1/session", json=body.model_dump())
            session = SignedIn.model_validate_json(answered.raise_for_status().content)
        except ValidationError:
            raise Unavailable(
                f"{url} answered something that is not a session.",
                "Check that SCHEDULER_URL is a DRaaS scheduler of this version.",
            ) from None
        self._keep(url, session.token)
        return session.token

    def _keep(self, url: str, token: str) -> None:
        path = self._path(url)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token)
        Path(name).replace(path)

    def _path(self, url: str) -> Path:
        where = hashlib.sha256(f"{url} {self.place.chain_id}".encode()).hexdigest()[:16]
        return self.home / FOLDER / f"{self.account.address}-{where}"
