"""Who the user of an image is: by number, never by a name that the image could give to root. Pure."""

from __future__ import annotations

import re

MAX_ID = 2**31 - 1
_NUMBER = re.compile(r"^0*[1-9][0-9]{0,9}$")


def is_number(text: str) -> bool:
    """Whether this is the number of a user or group other than root's."""
    return bool(_NUMBER.match(text)) and int(text) <= MAX_ID


def plain_user(user: str) -> str:
    """An image's user as numbers, `1000` or `1000:1000`; "" for root and for whoever is not named by a number."""
    who, _, group = user.partition(":")
    if not is_number(who):
        return ""
    return f"{int(who)}:{int(group)}" if is_number(group) else str(int(who))


def is_name(user: str) -> bool:
    """Whether the image has to be looked into to know who this is."""
    who = user.partition(":")[0]
    return bool(who) and who != "root" and not who.lstrip("+-").isdigit()


def user_in(passwd: str, user: str) -> str:
    """A user's numbers by an image's own /etc/passwd, whose first line of that name counts; "" for root and for
    nobody that it knows."""
    name = user.partition(":")[0]
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[0] == name:
            return plain_user(f"{fields[2]}:{fields[3]}")
    return ""
