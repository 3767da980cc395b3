"""YAML of strangers is plain values and nothing more, and each knows its line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.yaml_text import MAX_DEPTH, read_yaml


def test_every_value_knows_its_line() -> None:
    found = read_yaml("a: 1\nb:\n  - x\n  - y: 2\n", "f")
    assert found.data == {"a": 1, "b": ["x", {"y": 2}]}
    assert [found.line_of(path) for path in (("a",), ("b", 0), ("b", 1, "y"))] == [1, 3, 4]
    assert found.line_of(("b", 1, "gone", "deeper")) == 4
    assert found.line_of(("gone",)) == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: 1\na: 2", "line 2: 'a' stands here for the second time"),
        ("a: &x 1\nb: *x", "line 2: aliases"),
        ("a: {<<: {b: 1}}", "line 1: a key has to be one plain word"),
        ("? [a]\n: 1", "line 1: a key has to be one plain word"),
        ("\n\n" + "[" * (MAX_DEPTH + 1), "line 3: more than 24 levels deep"),
        ("a: 'b", "line 1: found unexpected end of stream"),
        ("a: 1\n--- \nb: 2", "line 2: but found another document"),
        ("!!python/name:os.system x", "line 1: tags (!name) are not allowed"),
        ("a" * 70_000, "larger than 64 KiB"),
        (b"\xff", "not valid YAML"),
        ("n: " + "9" * 5000, "line 1: a number of more than 40 digits"),
    ],
)
def test_what_is_not_allowed_is_told_by_its_line(text: str | bytes, named: str) -> None:
    with pytest.raises(InvalidInput) as told:
        read_yaml(text, "f")
    assert named in told.value.message


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_input_is_read_or_refused(text: str | bytes) -> None:
    with suppress(InvalidInput):
        assert all(line > 0 for line in read_yaml(text, "f").lines.values())
