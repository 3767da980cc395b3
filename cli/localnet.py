"""The chain of a local market: Ganache, the contracts, and an account with money for each part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chain.job import Address

ROOT = Path(__file__).resolve().parents[1]
TOKEN = 10**18
SUPPLY = 1_000_000 * TOKEN
GRANT = 1_000 * TOKEN  # to the consumer and to each agent, which bonds some of it
COINS = 10 * 10**18  # wei for gas
MIN_BOND = 10 * TOKEN
DISPUTE_BOND = TOKEN
RULING_TIME_S = 300
UNBOND_TIME_S = 300


@dataclass(frozen=True, slots=True)
class Identity:
    """One party: its key, and the home in which its program keeps what it must not lose."""

    name: str
    home: Path
    address: Address
    keystore: Path
    password_file: Path

    def env(self) -> dict[str, str]:
        """What its program needs to find these."""
        return {
            "DRAAS_HOME": str(self.home),
            "DRAAS_KEYSTORE": str(self.keystore),
            "DRAAS_KEYSTORE_PASSWORD_FILE": str(self.password_file),
        }


@dataclass(frozen=True, slots=True)
class Localnet:
    """A chain with the contracts on it, and everybody funded."""

    rpc_url: str
    escrow: Address
    token: Address
    deployer: Address
    consumer: Identity
    scheduler: Identity
    agents: tuple[Identity, ...]


class Wishes(Protocol):
    """What of the market's options concerns the chain."""

    agents: int
    window: int
    lapse_after: int
    settle_grace: int
    rpc_port: int
