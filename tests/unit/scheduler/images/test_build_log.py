"""A build's log: bounded, and harmless to whoever shows it."""

from __future__ import annotations

from scheduler.images.build_log import BuildLog, harmless


def test_a_build_log_is_cut_at_its_limit() -> None:
    log = BuildLog(100)
    for _ in range(50):
        log.add("x" * 10)
    assert len(log.text) < 200
    assert "cut here" in log.text


def test_colours_titles_and_what_turns_text_around_do_not_reach_a_reader() -> None:
    assert harmless("\x1b[31mred\x1b[0m \x1b]0;title\x07plain\x00\u202e") == "red plain\ufffd\ufffd"
    assert harmless("10%\r20%\r\ndone\n") == "10%\n20%\ndone\n"
    assert harmless("naïve ✓\ttab\n") == "naïve ✓\ttab\n"


def test_a_sequence_that_comes_in_two_pieces_is_harmless_too() -> None:
    log = BuildLog(1000)
    log.add("\x1b")
    log.add("[2J")
    assert "\x1b" not in log.text


def test_each_piece_is_told_of() -> None:
    told: list[str] = []
    log = BuildLog(1000, lambda: told.append(log.text))
    log.add("one\n")
    log.add("two\n")
    assert told == ["one\n", "one\ntwo\n"]
