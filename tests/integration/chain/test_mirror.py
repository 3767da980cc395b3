"""The Python mirror of the contract's types and money is equal to the Solidity it mirrors."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from chain import contracts, court, job

ROOT = Path(__file__).parents[3]
TYPES = "contracts/interfaces/Types.sol"
COURT = "contracts/interfaces/IDRaaSCourt.sol"
VECTORS = json.loads((ROOT / "tests/vectors/job_money.json").read_text())


@pytest.fixture(scope="module")
def declared() -> dict[str, list[str]]:
    """Every enum and struct of the escrow and the court, with the names of its members, from solc's syntax tree."""
    needed = (TYPES, COURT, "contracts/interfaces/IArbitration.sol")
    request = {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text()} for path in needed},
        "settings": {"outputSelection": {"*": {"": ["ast"]}}},
    }
    answer = subprocess.run(
        ["node", str(ROOT / "scripts/solc.js"), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    sources: dict[str, Any] = json.loads(answer.stdout)["sources"]
    nodes = [node for path in (TYPES, COURT) for node in sources[path]["ast"]["nodes"]]
    kinds = {"EnumDefinition", "StructDefinition"}
    return {n["name"]: [m["name"] for m in n["members"]] for n in nodes if n["nodeType"] in kinds}


def vectors(name: str, width: int) -> list[list[int]]:
    """The shared cases; tests/forge/Vectors.t.sol runs the same through the contract."""
    flat = VECTORS[name]
    assert len(VECTORS[f"{name}Columns"]) == width
    return [[int(word) for word in flat[i : i + width]] for i in range(0, len(flat), width)]


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


@pytest.mark.parametrize("mirror", [job.JobState, job.RunState, court.Phase])
def test_the_states_and_their_numbers_are_the_contracts(
    declared: dict[str, list[str]], mirror: type[IntEnum]
) -> None:
    assert [state.name.capitalize() for state in mirror] == declared[mirror.__name__]
    assert [int(state) for state in mirror] == list(range(len(mirror)))


@pytest.mark.parametrize(
    "mirror",
    [
        job.Resources,
        job.Rates,
        job.Usage,
        job.JobTerms,
        job.Run,
        job.Provider,
        job.Parameters,
        job.DisputeRecord,
        contracts.CourtParameters,
        court.Juror,
        court.CourtDispute,
        court.CourtRound,
        court.Seat,
        court.Vote,
    ],
)
def test_a_struct_has_the_contracts_fields_in_its_order(
    declared: dict[str, list[str]], mirror: Any
) -> None:
    here = [field.name for field in fields(mirror)]
    assert here == [snake(name) for name in declared[mirror.__name__]]


def test_a_job_groups_what_the_contract_stores_flat(declared: dict[str, list[str]]) -> None:
    flat = [
        name
        for field in fields(job.Job)
        for name in (
            [f.name for f in fields(job.Resources)] if field.name == "resources" else [field.name]
        )
    ]
    assert flat == [snake(name) for name in declared["Job"]]


def test_money_is_what_the_shared_cases_say() -> None:
    cases = vectors("money", 17)
    assert len(cases) >= 20
    for case in cases:
        usage, rates = job.Usage(*case[0:4]), job.Rates(*case[4:8])
        deposit, released, previous, reported, now, window, cost, earned, final = case[8:]
        assert job.cost(usage, rates) == cost
        assert job.earned(usage, rates, deposit) == earned
        run = job.Run(earned, previous, released, reported, job.RunState.LIVE)
        for state, expected in (
            (job.RunState.LIVE, final),
            (job.RunState.SETTLED, final),
            (job.RunState.FROZEN, previous),
            (job.RunState.RULED, earned),
        ):
            assert job.final_earned(replace(run, state=state), window, now) == expected


def test_states_are_what_the_shared_cases_say() -> None:
    cases = vectors("state", 8)
    assert len(cases) >= 20
    for stored, deadline, deposit, settled, window, grace, now, expected in cases:
        posted = job.Job(
            deposit=deposit,
            resources=job.Resources(1, 1),
            deadline=deadline,
            duration=1,
            rate_card=1,
            attempt=1,
            state=job.JobState(stored),
            settled=settled == 1,
        )
        rules = job.Parameters(window, 1, grace, 1, 1, 1, 1, 1)
        assert job.state_of(posted, now, rules) == job.JobState(expected)


def test_caps_are_what_the_shared_cases_say() -> None:
    cases = vectors("capped", 12)
    assert len(cases) >= 20
    for case in cases:
        usage, resources, seconds = job.Usage(*case[0:4]), job.Resources(*case[4:7]), case[7]
        cap = job.usage_cap(resources, seconds)
        assert job.accepted(usage, cap) == job.Usage(*case[8:12])
