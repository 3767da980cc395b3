"""A stranger's output is shown as data: in its stream, with its time, and with nothing that a terminal acts on."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.wire import LogLine
from cli.lines import View, may_be_raw, show_line, since_of
from cli.screen import Screen

CONTROLS = {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}


def shown(
    line: LogLine, view: View, monkeypatch: pytest.MonkeyPatch, as_json: bool = False
) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    show_line(Screen(as_json), line, view)
    monkeypatch.undo()
    return out.getvalue(), err.getvalue()


def a_line(text: str, stream: str = "stdout", goes_on: bool = False) -> LogLine:
    return LogLine.model_validate(
        {"seq": 0, "at_ms": 1767323045678, "stream": stream, "text": text, "goes_on": goes_on}
    )


@given(st.text(max_size=80), st.booleans(), st.booleans())
def test_whatever_was_printed_no_control_character_reaches_the_screen(
    text: str, as_json: bool, indent: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out, err = shown(a_line(text), View(indent="  " * indent), patch, as_json)
    assert not CONTROLS & set(out + err)
    assert not set("\u202a\u202e\u2066\u2069\u200f\u2028") & set(out)
    assert out.count("\n") == 1
    if as_json:
        assert json.loads(out)["stream"] == "stdout"


def test_each_stream_goes_to_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(a_line("a"), View(), monkeypatch) == ("a\n", "")
    assert shown(a_line("a", "stderr"), View(), monkeypatch) == ("", "a\n")
    assert shown(a_line("a", "notice"), View(), monkeypatch) == ("", "a\n")
    assert shown(a_line("a", "stderr"), View(indent="  "), monkeypatch) == ("  a\n", "")


def test_a_time_stands_before_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = shown(a_line("a"), View(timestamps=True), monkeypatch)
    assert out == "2026-01-02T03:04:05.678Z a\n"


def test_raw_is_what_was_printed_and_never_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = View(raw=True)
    assert shown(a_line("\x1b[31mred"), raw, monkeypatch)[0] == "\x1b[31mred\n"
    assert shown(a_line("half", goes_on=True), raw, monkeypatch)[0] == "half"
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    with pytest.raises(InvalidInput):
        may_be_raw(terminal)
    may_be_raw(io.StringIO())


def test_since_is_an_age_or_a_time() -> None:
    assert since_of("10m", 1000.0) == 400_000
    assert since_of("2026-01-02T03:04:05Z", 0) == 1767323045000
    for bad in ("", "soon", "10", "-5m", "1e9d", "9999999999h"):
        with pytest.raises(InvalidInput):
            since_of(bad, 0)
