"""What a case is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Content = Mapping[str, bytes | None]  # path → content; None for a folder


@dataclass(frozen=True, slots=True)
class Case:
    """One input.

    Args:
        make: its bytes.
        told: a pattern of what the refusal says; "" where it is taken.
        gives: what comes out where it is taken.
    """

    make: Callable[[], bytes]
    told: str = ""
    gives: Content = field(default_factory=dict)
