"""A majority is more than half of all members; silence is evidence for nobody, and no provider is heard twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chain.job import Address
from chain.verdict import Answer, Voice, majority_of, overbilled, verdict_of

RIGHT, WRONG, OTHER = Answer(0, "bafyright"), Answer(0, "bafywrong"), Answer(1, "bafyright")


def provider(number: int) -> Address:
    return Address(f"0x{number:040x}")


def voices(*answers: Answer | None, over: bool = True) -> list[Voice]:
    """Each of another provider."""
    return [
        Voice(index, provider(index), answer, over or answer is not None)
        for index, answer in enumerate(answers)
    ]


def test_two_of_three_are_a_majority_and_the_third_differs() -> None:
    verdict = verdict_of(voices(RIGHT, WRONG, RIGHT))
    assert (verdict.kind, verdict.answer) == ("agreed", RIGHT)
    assert (verdict.agreeing, verdict.differing, verdict.silent) == ((0, 2), (1,), ())


def test_the_same_files_with_another_exit_code_are_another_answer() -> None:
    assert verdict_of(voices(RIGHT, RIGHT, OTHER)).differing == (2,)


def test_a_majority_is_known_before_the_last_has_answered() -> None:
    verdict = verdict_of(voices(RIGHT, RIGHT, None, over=False))
    assert (verdict.kind, verdict.agreeing, verdict.silent) == ("agreed", (0, 1), (2,))


def test_one_that_is_late_or_lapsed_does_not_differ() -> None:
    assert verdict_of(voices(RIGHT, None, RIGHT)).differing == ()


def test_as_long_as_a_majority_can_come_it_is_waited_for() -> None:
    assert verdict_of(voices(RIGHT, WRONG, None, over=False)).kind == "waiting"
    assert verdict_of(voices(None, None, over=False)).kind == "waiting"


def test_a_program_that_is_not_deterministic_accuses_nobody() -> None:
    verdict = verdict_of(voices(RIGHT, WRONG, OTHER))
    assert (verdict.kind, verdict.agreeing, verdict.differing) == ("none", (), ())
    assert "not deterministic" in verdict.why


def test_a_tie_accuses_nobody() -> None:
    verdict = verdict_of(voices(RIGHT, RIGHT, WRONG, WRONG))
    assert (verdict.kind, verdict.differing) == ("none", ())
    assert "no majority of 4" in verdict.why


def test_answers_that_do_not_come_leave_no_majority() -> None:
    verdict = verdict_of(voices(RIGHT, RIGHT, None, None))
    assert (verdict.kind, verdict.agreeing) == ("none", ())
    assert "2 of 4 gave no answer" in verdict.why


def test_a_provider_that_ran_two_members_has_one_voice() -> None:
    same = [Voice(0, provider(7), WRONG, True), Voice(1, Address(provider(7).upper()), WRONG, True)]
    verdict = verdict_of([*same, Voice(2, provider(8), RIGHT, True)])
    assert verdict.kind == "none"


def test_a_bill_far_above_the_others_is_out_of_line_and_a_slow_machines_is_not() -> None:
    assert overbilled({0: 100, 1: 290, 2: 120}, slack=10) == set()
    assert overbilled({0: 100, 2: 331}, slack=30) == {2}
    assert overbilled({0: 0, 1: 20, 4: 31}, slack=30) == set()
    assert overbilled({}, slack=1) == set()


ANSWERS = st.sampled_from([None, RIGHT, WRONG, OTHER])


@given(st.lists(ANSWERS, min_size=2, max_size=15), st.booleans())
def test_whoever_is_paid_or_accused_is_so_by_more_than_half(
    answers: list[Answer | None], over: bool
) -> None:
    verdict = verdict_of(voices(*answers, over=over))
    counts = Counter(answer for answer in answers if answer is not None)
    sure = [one for one, count in counts.items() if count >= majority_of(len(answers))]
    assert (verdict.kind == "agreed") == bool(sure)
    everybody = {*verdict.agreeing, *verdict.differing, *verdict.silent}
    if verdict.kind == "agreed":
        assert [verdict.answer] == sure
        assert len(verdict.agreeing) * 2 > len(answers)
        assert everybody == set(range(len(answers)))
    else:
        assert not verdict.agreeing
        assert not verdict.differing


@given(st.lists(ANSWERS, min_size=2, max_size=15), st.data())
def test_a_verdict_does_not_change_when_the_late_ones_come(
    answers: list[Answer | None], data: st.DataObject
) -> None:
    early = verdict_of(voices(*answers, over=False))
    later = [one or data.draw(ANSWERS) for one in answers]
    final = verdict_of(voices(*later))
    if early.kind == "agreed":
        assert (final.kind, final.answer) == ("agreed", early.answer)
        assert set(early.differing) <= set(final.differing)
    if early.kind == "none":
        assert final.kind == "none"


@given(st.lists(ANSWERS, min_size=2, max_size=9))
def test_when_nobody_is_to_come_nothing_is_waited_for(answers: list[Answer | None]) -> None:
    assert verdict_of(voices(*answers)).kind != "waiting"
