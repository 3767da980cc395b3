"""Jobs that belong together: `verify: n` and `replicas: n` post n jobs of one bundle, whose salts say so.

The contract knows single jobs only, and a salt is the consumer's to choose. A member's 32 bytes are: 24 random ones
that name the group, then `draas`, the kind (1 verify, 2 replicas), the member's index from 0, and how many there are. A
group is one consumer's and one bundle's: salts are public, so that the same words of a stranger's job mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NewType

from chain.errors import InvalidInput
from chain.interface import hex_bytes

GroupId = NewType("GroupId", str)  # 0x-prefixed, 24 bytes
Kind = Literal["verify", "replicas"]

MAX_VERIFY = 15
MAX_REPLICAS = 32
ID_BYTES = 24
_TAG = b"draas"
_KINDS: tuple[Kind, ...] = ("verify", "replicas")
_MOST: dict[Kind, int] = {"verify": MAX_VERIFY, "replicas": MAX_REPLICAS}
_ID = re.compile(rf"0x[0-9a-f]{{{2 * ID_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Member:
    """One job's place in its group.

    Args:
        index: from 0 on.
        size: how many members the group has.
    """

    group: GroupId
    kind: Kind
    index: int
    size: int


def group_id(text: str) -> GroupId:
    """A group's name as somebody gave it.

    Raises:
        InvalidInput: it is none.
    """
    if not _ID.fullmatch(text):
        raise InvalidInput(
            "That is not a group's id.", "Give all of it, as `draas deploy` and `draas ps` show it."
        )
    return GroupId(text)


def salt_of(member: Member) -> str:
    """The salt of a member's job, 0x-prefixed.

    Raises:
        InvalidInput: no such place, or the group is too large.
    """
    if not (0 <= member.index < member.size and 2 <= member.size <= _MOST[member.kind]):
        raise InvalidInput(
            f"A group of {member.kind} has 2 to {_MOST[member.kind]} members.", "Choose another n."
        )
    place = bytes((_KINDS.index(member.kind) + 1, member.index, member.size))
    return group_id(member.group) + (_TAG + place).hex()


def member_of(salt: str) -> Member | None:
    """What a salt says of its job; None when it belongs to no group."""
    raw = hex_bytes(salt)
    if len(raw) != 32 or raw[ID_BYTES:-3] != _TAG:
        return None
    kind, index, size = raw[-3:]
    if not 1 <= kind <= len(_KINDS):
        return None
    named = _KINDS[kind - 1]
    if not (index < size and 2 <= size <= _MOST[named]):
        return None
    return Member(GroupId("0x" + raw[:ID_BYTES].hex()), named, index, size)


def salts_of(group: GroupId) -> tuple[str, str]:
    """The least and the greatest salt that a member of this group can have."""
    rest = 2 * (32 - ID_BYTES)
    return group + "0" * rest, group + "f" * rest
