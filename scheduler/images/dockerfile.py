"""What a Dockerfile may say here. Pure.

The builder is the Engine's classic one: `ADD` reads the network of the host and unpacks archives outside of every
limit, `COPY --from` and `FROM` read other people's images, labels could pass for ours. All of these are refused before
anything runs. What is built is written anew from what was read here, one line an instruction, so that the Engine reads
nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chain.errors import InvalidInput
from chain.recipes.recognise import MAX_DOCKERFILE_BYTES
from scheduler.images.bases import name_of

MAX_INSTRUCTIONS = 200

MAX_LINE = 60_000  # bytes of an instruction: the Engine reads no line of 64 KiB

_FROM = re.compile(r"^(\S+)(?:\s+as\s+([a-z0-9][a-z0-9._-]*))?$", re.IGNORECASE)
_NAME = re.compile(
    r"^[a-z0-9]+(?:[._/:-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?(?:@sha256:[0-9a-f]{64})?$"
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_COPY_FLAG = re.compile(r"^--(from|chown|chmod)=([\w.:/-]+)$", re.IGNORECASE)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
)
_GOES_ON = re.compile(r"\\[ \t]*$")
_BLANKS = " \t"
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
        if instruction.word in ("RUN", "COPY", "ONBUILD") and "<<" in instruction.rest:
            # Newer Engines take the lines that follow for a text of its own, up to one that may say anything.
            raise _refused(instruction.line, "<< is not allowed", "Use a script from the bundle.")
        _check(instruction, stages, arguments)
    if not stages:
        raise InvalidInput("The Dockerfile has no FROM.", "Start it with FROM and a base image.")


def parse(text: str) -> list[Instruction]:
    """Instructions in order.

    Raises:
        InvalidInput: an unknown instruction, a parser directive, a control character, or an end in the middle.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    _directives(lines)
    instructions: list[Instruction] = []
    joined, start = "", 0
    for number, line in enumerate(lines, start=1):
        goes_on = _GOES_ON.search(line)
        if not line.strip(_BLANKS) or line.lstrip(_BLANKS).startswith("#"):
            continue
        if _CONTROL.search(line) or (goes_on and line[: goes_on.start()].endswith("\\")):
            raise _refused(
                number,
                "control characters and a doubled \\ at the end are not allowed",
                "Remove them.",
            )
        start = start or number
        joined += line[: goes_on.start()] if goes_on else line
        if not goes_on:
            instructions.append(_instruction(start, joined))
            joined, start = "", 0
    if start:
        raise _refused(start, "the last instruction does not end", "Remove the \\ at its end.")
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
    word, *more = re.split(r"[ \t]+", text.strip(_BLANKS), maxsplit=1)
    if word.upper() not in _KNOWN:
        raise _refused(line, f"{word[:40]!r} is not an instruction of a Dockerfile", "Correct it.")
    if len(text.encode()) > MAX_LINE:
        raise _refused(line, f"an instruction is longer than {MAX_LINE} bytes", "Use a script.")
    return Instruction(line, word.upper(), more[0] if more else "")


def _check(instruction: Instruction, stages: list[str], arguments: dict[str, str]) -> None:
    match instruction.word:
        case "ARG":
            if not stages:
                arguments |= _argument(instruction)
        case "FROM":
            stages.append(_from(instruction, stages, arguments))
        case "ADD":
            raise _refused(
                instruction.line, "ADD is not allowed", "Use COPY, and unpack archives in RUN."
            )
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
    if instruction.rest.startswith("--"):
        raise _refused(
            instruction.line,
            "FROM takes no flags here",
            "Images are built for this machine's kind.",
        )
    if match is None or "$" in match.string:
        raise _refused(
            instruction.line, "FROM cannot be read", "Write `FROM image[:tag] [AS name]`."
        )
    image, stage = match[1], (match[2] or "").lower()
    if image.lower() in (name for name in stages if name) or image == "scratch":
        return stage
    identity = re.fullmatch(r"[0-9a-f]+|sha256:.*", image) is not None
    if identity or name_of(image).startswith("draas/") or _NAME.match(image) is None:
        raise _refused(
            instruction.line, f"FROM {image[:80]} is not allowed", "Name a public base image."
        )
    return stage


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


def labelled(text: str, labels: Mapping[str, str], starts: Mapping[str, str] | None = None) -> str:
    """What is built of a checked Dockerfile: its instructions a line each, and every stage begins with these labels.

    So whatever a build leaves can be found; and since every layer descends from the labels, no step's result is taken
    from a build that bore others.

    Args:
        starts: the images to start from, by what `base_images` found; where one is left out, it is as it was.
    """
    instructions = parse(text)
    label = "LABEL " + " ".join(f"{name}={value}" for name, value in labels.items())
    found = iter(_starts(instructions))
    lines: list[str] = []
    for one in instructions:
        if one.word != "FROM":
            lines.append(f"{one.word} {one.rest}")
            continue
        base, match = next(found)
        stage = f" AS {match[2]}" if match[2] else ""
        lines += [f"FROM {(starts or {}).get(base, match[1])}{stage}", label]
    return "\n".join(lines) + "\n"


def base_images(text: str) -> list[str]:
    """The images that the stages of a checked Dockerfile start from; earlier stages and scratch left out."""
    return [base for base, _ in _starts(parse(text)) if base]


def _starts(instructions: Sequence[Instruction]) -> list[tuple[str, re.Match[str]]]:
    """For each FROM its base image ("" for an earlier stage or scratch), and how it is written."""
    stages: list[str] = []
    arguments: dict[str, str] = {}
    found: list[tuple[str, re.Match[str]]] = []
    for instruction in instructions:
        if instruction.word == "ARG" and not stages:
            arguments |= _argument(instruction)
        if instruction.word != "FROM" or (match := _named(instruction, arguments)) is None:
            continue
        inner = match[1] == "scratch" or match[1].lower() in stages
        found.append(("" if inner else match[1], match))
        stages.append((match[2] or "").lower())
    return found
