"""The steps of a run: what the agent can do next about it, one type each."""

from __future__ import annotations

from dataclasses import dataclass

from agent.observed import Container


@dataclass(frozen=True, slots=True)
class Accept:
    """Check the offer, get the image."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim the job."""


@dataclass(frozen=True, slots=True)
class NoteClaim:
    """The claim is on-chain: write that down."""

    at: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Give the run up: it was never claimed, or the claim came to nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make the container, not started: before the claim, for making it takes time."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the container; only once the claim is deep enough."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Meter it, and look again."""


@dataclass(frozen=True, slots=True)
class Heal:
    """The program is not well: stop it, to be started again."""

    why: str


@dataclass(frozen=True, slots=True)
class Again:
    """The program has ended, and is to be started again after a pause: take the last sample, write it down."""

    ended: Container


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the container, gently first."""

    why: str


@dataclass(frozen=True, slots=True)
class NoteExit:
    """The container has ended, or there is none to come: take the last sample, write it down."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Collect:
    """Store the results."""


@dataclass(frozen=True, slots=True)
class Vouch:
    """Sign what came out and what it costs, and tell it: its consumer may pay for it at once."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Send the last report."""


@dataclass(frozen=True, slots=True)
class NoteSettled:
    """No last report can be sent, or it was: write that down."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class FreeBond:
    """Have the chain settle a run that was never completed: until then it holds the bond of what it reserved."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Remove container, control group and mounts."""


@dataclass(frozen=True, slots=True)
class NotePaid:
    """All is withdrawn."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now."""

    why: str = ""


Action = (
    Accept | Claim | NoteClaim | Refuse | Create | Start | Watch | Heal | Again | Stop | NoteExit
    | Collect | Vouch | Complete | NoteSettled | Clean | FreeBond | NotePaid | Wait
)  # fmt: skip
