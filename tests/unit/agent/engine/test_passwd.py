"""Who runs inside a container: never root, whatever the image calls it."""

from __future__ import annotations

import pytest

from agent.engine.passwd import is_name, plain_user, user_in

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/app:\ntoor:x:00:0::/:\napp:x:0:0::/:\nstaff:x:7:0::/:\nbad\n"


@pytest.mark.parametrize(
    "user", ["", "root", "0", "00", "+0", "-0", "0:5", "root:x", "-1", "1e3", "0x10", "١"]
)
def test_whoever_could_be_root_is_not_taken_by_number(user: str) -> None:
    assert plain_user(user) == ""


@pytest.mark.parametrize("user", ["4294967296", "2147483648", "99999999999"])
def test_a_number_that_would_wrap_around_to_root_is_not_taken(user: str) -> None:
    assert plain_user(user) == ""


@pytest.mark.parametrize(
    ("user", "plain"),
    [("1000", "1000"), ("0010", "10"), ("10:10", "10:10"), ("10:0", "10"), ("10:root", "10")],
)
def test_other_numbers_stay_and_the_group_of_root_goes(user: str, plain: str) -> None:
    assert plain_user(user) == plain


def test_names_have_to_be_looked_up_and_numbers_do_not() -> None:
    assert [name for name in ("", "root", "0", "+5", "5:app", "app", "app:app", "x1") if is_name(name)] == [
        "app", "app:app", "x1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("user", "found"),
    [("app", "1000:1001"), ("app:app", "1000:1001"), ("toor", ""), ("root", ""), ("nobody", ""), ("staff", "7"),
     ("bad", "")],
)  # fmt: skip
def test_a_name_is_what_the_images_first_line_of_it_says_unless_that_is_root(
    user: str, found: str
) -> None:
    assert user_in(PASSWD, user) == found
