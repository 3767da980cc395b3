"""A salt says of which group a job is, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.group import (
    MAX_REPLICAS,
    MAX_VERIFY,
    GroupId,
    Kind,
    Member,
    group_id,
    member_of,
    salt_of,
    salts_of,
)

MOST: dict[Kind, int] = {"verify": MAX_VERIFY, "replicas": MAX_REPLICAS}
GROUP = GroupId("0x" + "5a" * 24)


@st.composite
def members(draw: st.DrawFn) -> Member:
    kind: Kind = draw(st.sampled_from(("verify", "replicas")))
    size = draw(st.integers(2, MOST[kind]))
    named = "0x" + draw(st.binary(min_size=24, max_size=24)).hex()
    return Member(GroupId(named), kind, draw(st.integers(0, size - 1)), size)


@given(members())
def test_a_salt_says_what_it_was_made_of(member: Member) -> None:
    salt = salt_of(member)
    assert len(salt) == 66
    assert member_of(salt) == member
    least, greatest = salts_of(member.group)
    assert least < salt < greatest


@given(members(), members())
def test_the_salts_of_another_group_are_outside_of_a_groups_range(one: Member, two: Member) -> None:
    least, greatest = salts_of(one.group)
    assert (least <= salt_of(two) <= greatest) == (one.group == two.group)


@given(st.binary(min_size=24, max_size=24), st.binary(min_size=8, max_size=8))
def test_a_random_salt_belongs_to_no_group(name: bytes, rest: bytes) -> None:
    found = member_of("0x" + (name + rest).hex())
    assert found is None or salt_of(found) == "0x" + (name + rest).hex()


@pytest.mark.parametrize(
    "end", ["00" * 8, b"draas".hex() + "030002", b"draas".hex() + "010303", b"draas".hex() + "010001",
            b"draas".hex() + "010010", b"Draas".hex() + "010003"]
)  # fmt: skip
def test_a_salt_that_says_something_impossible_belongs_to_no_group(end: str) -> None:
    assert member_of(GROUP + end) is None


@pytest.mark.parametrize(
    ("kind", "index", "size"),
    [("verify", 3, 3), ("verify", 0, 1), ("verify", 0, 16), ("replicas", 0, 33)],
)
def test_there_is_no_salt_of_an_impossible_place(kind: Kind, index: int, size: int) -> None:
    with pytest.raises(InvalidInput):
        salt_of(Member(GROUP, kind, index, size))


@pytest.mark.parametrize("text", ["", "0x12", GROUP.upper(), GROUP + "00", GROUP + "\n"])
def test_what_names_no_group_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="group"):
        group_id(text)
