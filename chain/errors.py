"""One tree of errors. Each says what happened and what to do about it.

The HTTP services turn them into RFC 9457 problem documents, the command line into exit codes.
"""

from __future__ import annotations


class DraasError(Exception):
    """Root of every error that is told to a person.

    Args:
        message: what happened, in one sentence.
        fix: what the reader can do about it; empty when there is nothing to do.
    """

    status = 500
    exit_code = 1

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class InvalidInput(DraasError):
    """What was given cannot be right, whatever the state of the world."""

    status = 422
    exit_code = 2


class TooLarge(InvalidInput):
    """A size limit was passed; the message names the limit."""

    status = 413


class NotAllowed(DraasError):
    """The caller is not who may do this, or a signature does not hold."""

    status = 403
    exit_code = 3


class NotSignedIn(NotAllowed):
    """Who the caller is must be shown first: there is no session, or it has ended."""

    status = 401


class TooMany(DraasError):
    """The caller asks more than its share.

    Args:
        wait_s: seconds after which it is worth asking again.
    """

    status = 429
    exit_code = 6

    def __init__(self, message: str, fix: str = "", wait_s: int = 1) -> None:
        super().__init__(message, fix)
        self.wait_s = wait_s


class NotFound(DraasError):
    """There is no such thing, and whoever should know has answered so."""

    status = 404
    exit_code = 4


class Conflict(DraasError):
    """The act does not fit the present state, or another owns it."""

    status = 409
    exit_code = 5


class Unavailable(DraasError):
    """Something did not answer. Says nothing about the world: try again."""

    status = 503
    exit_code = 6


class BuildFailed(DraasError):
    """The image cannot be built from this bundle; the message carries the reason for the
    consumer."""

    status = 422
    exit_code = 7


class Reverted(DraasError):
    """The contract refused a call.

    Args:
        name: the custom error's name, as in Solidity.
        args: its decoded arguments, by name.
    """

    status = 409
    exit_code = 8

    def __init__(self, name: str, arguments: dict[str, object] | None = None) -> None:
        self.name = name
        self.arguments = arguments or {}
        shown = ", ".join(f"{key}={value}" for key, value in self.arguments.items())
        super().__init__(f"The contract refused: {name}({shown}).")
