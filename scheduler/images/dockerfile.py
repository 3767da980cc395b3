"""What a Dockerfile may say here. Pure.

The builder is the Engine's classic one: `ADD` of an address reads the network of the host, `COPY --from` and
`FROM` read other people's images, labels could pass for ours. All of these are refused before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chain.errors import InvalidInput
from chain.recipes.recognise import MAX_DOCKERFILE_BYTES

MAX_INSTRUCTIONS = 200

_FROM = re.compile(
    r"^(?:--platform=\S+\s+)?(\S+)(?:\s+as\s+([a-z0-9][a-z0-9._-]*))?$", re.IGNORECASE
)
_NAME = re.compile(
    r"^[a-z0-9]+(?:[._/:-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?(?:@sha256:[0-9a-f]{64})?$"
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:/|git@|github\.com/|\.git(#|$)|[$\\]", re.IGNORECASE)
_COPY_FLAG = re.compile(r"^--(from|chown|chmod)=([\w.:/-]+)$", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_BUILDS = {"ADD", "ARG", "COPY", "FROM", "ONBUILD", "RUN", "SHELL", "USER", "WORKDIR"}
_DESCRIBES = {
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "STOPSIGNAL",
}
_KNOWN = _BUILDS | _DESCRIBES | {"VOLUME"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, continuation lines joined."""

    line: int
    word: str
    rest: str


def check_dockerfile(text: str) -> None:
    """Refuse what strangers may not do on this machine's builder.

    Raises:
        InvalidInput: with the line and the reason.
    """
    if len(text.encode()) > MAX_DOCKERFILE_BYTES:
        raise InvalidInput(
            f"The Dockerfile is larger than {MAX_DOCKERFILE_BYTES // 1024} KiB.", "Shorten it."
        )
    instructions = parse(text)
    if len(instructions) > MAX_INSTRUCTIONS:
        raise InvalidInput(
            f"The Dockerfile has more than {MAX_INSTRUCTIONS} instructions.", "Join RUN lines."
        )
    stages: list[str] = []
    arguments: dict[str, str] = {}
    for instruction in instructions:
        _check(instruction, stages, arguments)
    if not stages:
        raise InvalidInput("The Dockerfile has no FROM.", "Start it with FROM and a base image.")


def parse(text: str) -> list[Instruction]:
    """Instructions in order.

    Raises:
        InvalidInput: an unknown instruction, a parser directive or a control character.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    _directives(lines)
    instructions: list[Instruction] = []
    joined, start = "", 0
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if _CONTROL.search(line) or line.endswith("\\\\"):
            raise _refused(
                number,
                "control characters and a doubled \\ at the end are not allowed",
                "Remove them.",
            )
        if not line or line.startswith("#"):
            continue
        start = start or number
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        instructions.append(_instruction(start, joined + line))
        joined, start = "", 0
    if joined:
        instructions.append(_instruction(start, joined))
    return instructions


def _directives(lines: Sequence[str]) -> None:
    """Refuse parser directives: `# syntax=` names a program to download and run, `# escape=` hides lines."""
    for number, line in enumerate(lines, start=1):
        match = re.match(r"^\s*#\s*([A-Za-z]+)\s*=", line)
        if match is None:
            return
        if match[1].lower() in ("syntax", "escape"):
            raise _refused(number, f"a `# {match[1].lower()}=` line is not allowed", "Remove it.")


def _instruction(line: int, text: str) -> Instruction:
    word, _, rest = text.strip().partition(" ")
    if "\t" in word:
        word, _, more = word.partition("\t")
        rest = f"{more} {rest}"
    if word.upper() not in _KNOWN:
        raise _refused(line, f"{word[:40]!r} is not an instruction of a Dockerfile", "Correct it.")
    return Instruction(line, word.upper(), rest.strip())


def _check(instruction: Instruction, stages: list[str], arguments: dict[str, str]) -> None:
    match instruction.word:
        case "ARG":
            if not stages:
                arguments |= _argument(instruction)
        case "FROM":
            stages.append(_from(instruction, stages, arguments))
        case "ADD":
            _add(instruction)
        case "COPY":
            _copy(instruction, stages)
        case "RUN":
            _run(instruction)
        case "LABEL":
            _label(instruction)
        case "ONBUILD":
            later = _instruction(instruction.line, instruction.rest)
            if later.word in ("ONBUILD", "FROM", "MAINTAINER"):  # as Docker has it
                raise _refused(later.line, f"ONBUILD {later.word} is not allowed", "Remove it.")
            _check(later, list(stages), dict(arguments))
        case _:
            return


def _argument(instruction: Instruction) -> dict[str, str]:
    """An ARG's name and value. Only those before the first FROM stand for what is in its line."""
    name, _, value = instruction.rest.partition("=")
    return {name.strip(): value.strip().strip("\"'")}


def _named(instruction: Instruction, arguments: dict[str, str]) -> re.Match[str] | None:
    """A FROM's image and the name of its stage, with the arguments put in."""
    return _FROM.match(_VARIABLE.sub(lambda m: arguments.get(m[1] or m[2], m[0]), instruction.rest))


def _from(instruction: Instruction, stages: list[str], arguments: dict[str, str]) -> str:
    """Check the base image; returns the stage's name ("" when it has none)."""
    match = _named(instruction, arguments)
    if match is None or "$" in match.string:
        raise _refused(
            instruction.line, "FROM cannot be read", "Write `FROM image[:tag] [AS name]`."
        )
    image, stage = match[1], (match[2] or "").lower()
    if image.lower() in (name for name in stages if name) or image == "scratch":
        return stage
    identity = re.fullmatch(r"[0-9a-f]+|sha256:.*", image) is not None
    if identity or image.startswith("draas/") or _NAME.match(image) is None:
        raise _refused(
            instruction.line, f"FROM {image[:80]} is not allowed", "Name a public base image."
        )
    return stage


def _add(instruction: Instruction) -> None:
    """A source that is an address, or could become one by a variable or an escape, is refused."""
    _copy_flags(instruction)
    if any(_REMOTE.search(word) for word in instruction.rest.split()):
        raise _refused(
            instruction.line, "ADD of an address is not allowed", "Put the file in the bundle."
        )


def _copy(instruction: Instruction, stages: list[str]) -> None:
    source = _copy_flags(instruction).get("from")
    known = {stage for stage in stages[:-1] if stage} | {
        str(index) for index in range(len(stages) - 1)
    }
    if source is not None and source.lower() not in known:
        raise _refused(
            instruction.line,
            f"COPY --from={source[:80]} is not an earlier stage of this Dockerfile",
            "Copy from your own stages only.",
        )


def _copy_flags(instruction: Instruction) -> dict[str, str]:
    flags: dict[str, str] = {}
    for word in instruction.rest.split():
        if not word.startswith("--"):
            break
        match = _COPY_FLAG.match(word)
        if match is None:
            raise _refused(
                instruction.line, f"the flag {word[:40]} is not allowed", "Remove the flag."
            )
        flags[match[1].lower()] = match[2]
    return flags


def _run(instruction: Instruction) -> None:
    if instruction.rest.startswith("--"):
        flag = instruction.rest.split()[0].partition("=")[0]
        raise _refused(instruction.line, f"RUN {flag[:40]} is not allowed", "Remove the flag.")


def _label(instruction: Instruction) -> None:
    """Labels by which our own things are found cannot be set, nor hidden behind quotes or variables."""
    words = re.sub(r"[\\\"']", "", instruction.rest).split()
    if any(word.lower().startswith("draas.") or "$" in word.partition("=")[0] for word in words):
        raise _refused(
            instruction.line, "labels that begin with draas. are ours", "Use another name."
        )


def _refused(line: int, what: str, fix: str) -> InvalidInput:
    return InvalidInput(f"Dockerfile line {line}: {what}.", fix)


def labelled(text: str, name: str, value: str) -> str:
    """A checked Dockerfile whose stages all begin with this label, so that whatever a build leaves can be found."""
    instructions = parse(text)
    lines = text.removeprefix("\ufeff").split("\n")
    starts = [one.line for one in instructions] + [len(lines) + 1]
    for number in reversed(range(len(instructions))):
        if instructions[number].word == "FROM":
            lines.insert(starts[number + 1] - 1, f"LABEL {name}={value}")
    return "\n".join(lines) + "\n"


def base_images(text: str) -> list[str]:
    """The images that the stages of a checked Dockerfile start from; earlier stages and scratch left out."""
    stages: list[str] = []
    arguments: dict[str, str] = {}
    found: list[str] = []
    for instruction in parse(text):
        if instruction.word == "ARG" and not stages:
            arguments |= _argument(instruction)
        if instruction.word != "FROM" or (match := _named(instruction, arguments)) is None:
            continue
        if match[1] != "scratch" and match[1].lower() not in stages:
            found.append(match[1])
        stages.append((match[2] or "").lower())
    return found
