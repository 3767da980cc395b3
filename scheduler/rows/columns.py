"""Column types: what the tables keep that a database has no type for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Dialect, Integer, String, Text, TypeDecorator

from chain.job import JobState

AMOUNT_DIGITS = 32


class Amount(TypeDecorator[int]):
    """A whole number of base units below 10**32, as zero-padded text."""

    impl = String(AMOUNT_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not 0 <= value < 10**AMOUNT_DIGITS:
            raise ValueError(f"{value} is not an amount")
        return f"{value:0{AMOUNT_DIGITS}d}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


def _storable(text: str) -> str:
    """What no database takes is replaced."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


class Words(TypeDecorator[str]):
    """Text that a stranger may have written: what a database cannot keep (NUL, half a surrogate pair) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _storable(value)


class Label(TypeDecorator[str]):
    """The beginning of text that a stranger may have written, to find rows by: an index takes no more."""

    impl = String(128)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _storable(value)[:128]


class State(TypeDecorator[JobState]):
    """A `JobState` by its number."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: JobState | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> JobState | None:
        return None if value is None else JobState(value)


class Json(TypeDecorator[Any]):
    """A dataclass or pydantic model as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        """Making one takes far longer than using it."""
        return TypeAdapter(self.kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self._adapter.dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.validate_json(value)
