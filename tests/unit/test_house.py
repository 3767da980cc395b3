"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chain", "agent", "scheduler", "cli")
FOLDERS = (*PACKAGES, "contracts", "scripts", "tests", "docs", "examples", "frontend", ".ci")
BUILT = {"node_modules", "build", "__pycache__", ".next", ".hypothesis"}

GENERATED = "scheduler/rows/migrations/versions/"  # each one list of steps, written by Alembic
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}

# The top of a loop or the process boundary, where whatever happens must be logged and survived.
# Anywhere, one may clean up and raise again.
BLANKET_EXCEPTS = {
    "agent/pay/evidence.py": 1,  # the publishing loop
    "agent/link/link.py": 1,  # the link's loop
    "agent/pay/report.py": 1,  # the reporting loop
    "agent/runs/runs.py": 1,  # a run's task
    "agent/serve/tunnel.py": 1,  # a tunnel's loop
    "agent/sweep/sweep.py": 1,  # the sweeper's loop
    "cli/finish.py": 1,  # the process boundary
    "scheduler/images/builder.py": 1,  # a build's task
    "scheduler/work/worker.py": 1,  # a job's task
    "tests/mutants/parsers.py": 1,  # what is looked for
}

# The brackets keep these patterns from finding themselves.
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/work/(main|shared|\.)|/root/\.|/tmp/[b]rief"
    r"|[n]pmjs\.(org|com)|pypi\.[o]rg|python[h]osted|registry-1\.[d]ocker"
)
BLANKET = {"Exception", "BaseException"}


def files() -> Iterator[Path]:
    """Every file of the project's own, not what was installed or built."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not BUILT & set(path.relative_to(ROOT).parts):
                yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


ALL = sorted(files(), key=named)
PYTHON = [path for path in ALL if path.suffix == ".py"]
WRITTEN = [path for path in PYTHON if GENERATED not in named(path)]
LISTS = (
    "frontend/generated/",
    "frontend/texts/",
)  # what a program writes, and the texts in one place
CODE = [
    *WRITTEN,
    *(
        path
        for path in ALL
        if path.suffix in {".sol", ".sh", ".js", ".mjs", ".ts", ".tsx"}
        and not named(path).startswith(LISTS)
    ),
]


@pytest.mark.parametrize("path", CODE, ids=named)
def test_a_file_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_a_function_is_short_enough_to_be_read_at_once(path: Path) -> None:
    long = [
        f"{node.name}: {lines}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert not long


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [named(path) for path in CODE if path.stem.lower().removeprefix("_") in VAGUE_NAMES]


def test_nothing_is_left_for_later() -> None:
    assert not [named(path) for path in CODE if UNFINISHED.search(path.read_text())]


def test_only_loops_and_process_boundaries_catch_everything() -> None:
    found = {named(path): blanket_excepts(path) for path in PYTHON}
    assert {name: count for name, count in found.items() if count} == BLANKET_EXCEPTS


def blanket_excepts(path: Path) -> int:
    """How many handlers of a file catch everything and keep it."""
    handlers = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
    )
    return sum(
        catches_everything(handler.type) and not raises_again(handler) for handler in handlers
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler's last step is a bare `raise`."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def catches_everything(kind: ast.expr | None) -> bool:
    """Whether an except clause names Exception or BaseException, alone or among others, or nothing at all."""
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or (isinstance(one, ast.Name) and one.id in BLANKET) for one in kinds)


def test_nothing_names_the_machine_it_was_written_on_or_a_package_registry() -> None:
    text = [path for path in ALL if path.suffix not in {".png", ".ico", ".woff2"}]
    assert not [
        named(path) for path in text if OF_ONE_MACHINE.search(path.read_text(errors="replace"))
    ]


@pytest.mark.parametrize(
    ("clause", "everything"),
    [
        ("except:", True),
        ("except Exception:", True),
        ("except (OSError, BaseException) as e:", True),
        ("except (OSError, ValueError):", False),
        ("except* OSError:", False),
    ],
)
def test_a_blanket_except_is_known_by_its_clause(clause: str, everything: bool) -> None:
    (node,) = ast.parse(f"try: ...\n{clause} ...").body
    assert isinstance(node, ast.Try | ast.TryStar)
    assert catches_everything(node.handlers[0].type) is everything


def test_make_test_names_every_folder_of_tests() -> None:
    script = (ROOT / "scripts/test.sh").read_text()
    files = [path.relative_to(ROOT).parts for path in (ROOT / "tests").rglob("test_*.py")]
    folders = {"/".join(one[: 3 if one[1] == "integration" else 2]) for one in files}
    assert not [folder for folder in folders if folder not in script]
