"""How a deployment ended, in one word, one sentence and one exit code. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chain.api import DeploymentSummary

Kind = Literal[
    "succeeded", "failed", "cancelled", "declined", "unclaimed", "cut short", "disputed", "going on"
]

EXIT_CODES: dict[Kind, int] = {
    "succeeded": 0,
    "declined": 7,  # as BuildFailed: there is no image to run
    "failed": 9,  # the program ended with another code than 0
    "cancelled": 10,
    "unclaimed": 11,  # nobody ran it before its claim deadline
    "cut short": 12,  # its time or its deposit was used up, or its agent never completed it
    "disputed": 13,
    "going on": 0,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    kind: Kind
    sentence: str

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return EXIT_CODES[self.kind]


def outcome_of(deployment: DeploymentSummary) -> Outcome:
    """Read the outcome from the job's events, which the chain has ordered."""
    events, why = deployment.endings, deployment.why
    if deployment.state == "Disputed":
        return Outcome("disputed", _because("A dispute is open", why))
    if "JobDeclined" in events:
        return Outcome("declined", _because("The scheduler declined the job", why))
    if "JobCancelled" in events:
        return Outcome("cancelled", "The job was cancelled.")
    if deployment.state in ("Open", "Running"):
        return Outcome("going on", _because(f"The job is {deployment.state}", why))
    if not deployment.attempts:
        return Outcome("unclaimed", _because("Nobody ran the job before its claim deadline", why))
    if "JobCompleted" not in events:
        return Outcome("cut short", _because("The run ended before its program did", why))
    code = deployment.exit_code
    if code == 0:
        return Outcome("succeeded", "The program ended with exit code 0.")
    return Outcome("failed", _because(f"The program ended with exit code {code}", why))


def standing_of(deployment: DeploymentSummary) -> str:
    """Its phase, and of a program that runs, how it is."""
    again = f"restarted {deployment.restarts}x" if deployment.restarts else ""
    how = ", ".join(part for part in (deployment.health, again) if part)
    return (
        f"{deployment.phase} ({how})" if how and deployment.phase == "running" else deployment.phase
    )


def _because(what: str, why: str) -> str:
    return f"{what}: {why.rstrip('.')}." if why else f"{what}."
