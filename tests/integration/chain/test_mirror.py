"""The Python mirror of the contract's types and money is equal to the Solidity it mirrors."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chain import job

ROOT = Path(__file__).parents[3]
INTERFACE = "contracts/interfaces/IDRaaSEscrow.sol"
ZERO_RESOURCES = job.Resources(1, 1)


@pytest.fixture(scope="module")
def declared() -> dict[str, list[str]]:
    """Every enum and struct of the interface, with the names of its members, from solc's syntax tree."""
    source = {INTERFACE: {"content": (ROOT / INTERFACE).read_text()}}
    request = {
        "language": "Solidity",
        "sources": source,
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
    nodes: list[dict[str, Any]] = json.loads(answer.stdout)["sources"][INTERFACE]["ast"]["nodes"]
    kinds = {"EnumDefinition", "StructDefinition"}
    return {n["name"]: [m["name"] for m in n["members"]] for n in nodes if n["nodeType"] in kinds}


def vectors(name: str, width: int) -> list[list[int]]:
    """The shared cases; tests/forge/Vectors.t.sol runs the same through the contract."""
    flat = json.loads((ROOT / "tests/vectors/job_money.json").read_text())[name]
    return [[int(word) for word in flat[i : i + width]] for i in range(0, len(flat), width)]


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def test_the_states_and_their_numbers_are_the_contracts(declared: dict[str, list[str]]) -> None:
    assert [state.name.capitalize() for state in job.JobState] == declared["JobState"]
    assert [int(state) for state in job.JobState] == list(range(len(declared["JobState"])))


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
        deposit, before, previous, reported, now, window, cost, earned, final = case[8:]
        run = job.Run(
            provider=job.ZERO_ADDRESS,
            started_at=reported,
            reported_at=reported,
            rate_card=1,
            settled=False,
            usage=usage,
            earned_before=before,
            earned_previous=previous,
            withdrawn=0,
            frozen=False,
            ruled=False,
        )
        assert job.cost(usage, rates) == cost
        assert job.earned(run, rates, deposit) == earned
        assert job.final_earned(run, earned, window, now) == final


def test_states_are_what_the_shared_cases_say() -> None:
    cases = vectors("state", 6)
    assert len(cases) >= 20
    for stored, deadline, deposit, earned, now, expected in cases:
        posted = job.Job(deposit, ZERO_RESOURCES, deadline, 1, 1, job.JobState(stored))
        assert job.state_of(posted, earned, now) == job.JobState(expected)
