"""What a stranger's Dockerfile may do on this machine's builder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.errors import InvalidInput
from scheduler.images.dockerfile import base_images, check_dockerfile, labelled, parse
from tests.hostile.texts import DOCKERFILES

REFUSED = {
    "an address to add": "FROM busybox\nADD http://127.0.0.1:5000/ /x\n",
    "an address in a variable": "FROM busybox\nARG A=http://x\nADD $A /x\n",
    "a repository to add": "FROM busybox\nADD git@github.com:a/b.git /x\n",
    "another frontend": "# syntax=evil/frontend\nFROM busybox\n",
    "another escape character": "# escape=`\nFROM busybox\n",
    "a copy from a stranger's image": "FROM busybox\nCOPY --from=draas/bundle:x / /x\n",
    "a copy from a later stage": "FROM busybox AS a\nCOPY --from=b / /x\nFROM busybox AS b\n",
    "a mount": "FROM busybox\nRUN --mount=type=bind,target=/x true\n",
    "our labels": 'FROM busybox\nLABEL "draas.job"="0x"\n',
    "an image by its id": "FROM sha256:" + "0" * 64 + "\n",
    "another bundle's image": "FROM draas/bundle:abc\n",
    "no base": "RUN true\n",
    "nothing": "",
    "an unknown instruction": "FROM busybox\nINCLUDE x\n",
    "a trigger that hides one of these": "FROM busybox\nONBUILD ADD http://x /x\n",
    "a control character": "FROM busybox\nRUN true \x00\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_dockerfile(text)


def test_stages_of_its_own_may_be_copied_from() -> None:
    text = "FROM busybox AS made\nRUN true\nFROM python:3.11-slim\nCOPY --from=made /x /x\n"
    check_dockerfile(text)
    assert base_images(text) == ["busybox", "python:3.11-slim"]


def test_a_stage_that_continues_an_earlier_one_names_no_further_base() -> None:
    assert base_images("ARG B=busybox\nFROM ${B} AS a\nFROM a\nFROM scratch\n") == ["busybox"]


def test_an_argument_after_the_first_stage_names_no_base_that_was_not_checked() -> None:
    text = "ARG B=busybox\nFROM scratch\nARG B=draas/bundle:abc\nFROM $B\n"
    check_dockerfile(text)
    assert base_images(text) == ["busybox"]


def test_every_stage_begins_with_the_label_by_which_its_leftovers_are_found() -> None:
    text = "# x\nARG A\nFROM \\\n# y\n  busybox AS made\n\nRUN true\nFROM scratch\n"
    assert labelled(text, {"draas.build": "1"}) == (
        "ARG A\nFROM busybox AS made\nLABEL draas.build=1\nRUN true\nFROM scratch\nLABEL draas.build=1\n"
    )
    assert labelled("FROM busybox", {"a": "b"}) == "FROM busybox\nLABEL a=b\n"


def test_what_is_built_is_what_was_read_a_line_an_instruction() -> None:
    text = 'FROM busybox\r\nRUN echo \\\n  # no comment of the shell\n\n  "a" && \\ \t\n\techo b\nCMD [ "x" ]\n'
    built = labelled(text, {"a": "b"})
    assert built.splitlines() == [
        "FROM busybox",
        "LABEL a=b",
        'RUN echo   "a" && \techo b',
        'CMD [ "x" ]',
    ]
    assert parse(built) == [replace(one, line=n + 1) for n, one in enumerate(parse(built))]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_a_hostile_stranger_would_build_is_refused(name: str) -> None:
    text, told = DOCKERFILES[name]
    with pytest.raises(InvalidInput, match=told):
        check_dockerfile(text)
