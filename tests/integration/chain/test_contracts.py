"""Compiling, deploying, and the bindings held against the contracts' own ABI."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from chain import compiler, events
from chain.calls import Call
from chain.connect import connect
from chain.contracts import AddressBook, Artifacts, compile_contracts, deploy
from chain.court import Court
from chain.errors import InvalidInput, NotFound, Reverted
from chain.escrow import Escrow
from chain.ganache import LocalChain
from chain.interface import Abi, Interface
from chain.job import ZERO_ADDRESS, Address, JobId, Usage
from chain.messages import Assignment, UsageReport
from chain.rpc import request
from chain.token import Permit, Token
from tests.fixtures_chain import COURT, IMAGE, RATES, RULES, TERMS, ChainMarket

ID = JobId("0x" + "11" * 32)


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower().lstrip("_")


def written(escrow: Escrow) -> set[str]:
    """Names of the functions that our calls are for."""
    assignment = Assignment(ID, 1, ZERO_ADDRESS, IMAGE, 1)
    signed = (ZERO_ADDRESS, UsageReport(ID, 1, Usage(), 1), "0x")
    permit = Permit(1, 1, 27, b"\1" * 32, b"\1" * 32)
    calls = [
        escrow.post_job(TERMS, 1),
        escrow.post_job_with_permit(TERMS, 1, permit),
        escrow.top_up(ID, 1),
        escrow.cancel_job(TERMS),
        escrow.cancel_job_by_signature(TERMS, 1, "0x"),
        escrow.refund(TERMS, ZERO_ADDRESS),
        escrow.decline_job(TERMS, "why"),
        escrow.lapse_job(TERMS, ZERO_ADDRESS),
        escrow.settle_job(ID, ZERO_ADDRESS),
        escrow.register(1, RATES),
        escrow.set_rates(RATES),
        escrow.start_unbond(),
        escrow.withdraw_bond(),
        escrow.claim_job(TERMS, assignment, "0x"),
        escrow.report_usage([(ID, 1, Usage())]),
        escrow.complete_job(ID, 1, Usage(), -1, ""),
        escrow.withdraw([(ID, 1)]),
        escrow.relay_reports([signed]),
        escrow.report_final(signed, TERMS, "0x"),
        escrow.dispute(TERMS, 1, ZERO_ADDRESS, "cid", fee=1),
        escrow.submit_evidence(1, "cid"),
        escrow.appeal(1, fee=1),
        escrow.rule(1, 1),
        escrow.rule_by_default(1),
    ]
    return names_of(escrow.interface, calls)


def names_of(interface: Interface, calls: list[Call]) -> set[str]:
    """Names of the functions that these calls are for, by selector."""
    by_selector = {one.selector: name for name, one in interface.functions.items()}
    return {by_selector[call.data[:4]] for call in calls}


def changing(abi: Abi) -> set[str]:
    """The functions that change anything."""
    kinds = ("nonpayable", "payable")
    functions = [entry for entry in abi if entry["type"] == "function"]
    return {entry["name"] for entry in functions if entry["stateMutability"] in kinds}


def test_every_function_that_changes_anything_has_a_binding(artifacts: Artifacts) -> None:
    escrow = Escrow(connect("http://127.0.0.1:1"), ZERO_ADDRESS, artifacts.escrow.abi, 1)
    assert written(escrow) == changing(artifacts.escrow.abi)


def test_a_juror_can_do_all_that_the_court_lets_one_do(artifacts: Artifacts) -> None:
    """What is left is the arbitrable's, which is the escrow."""
    court = Court(connect("http://127.0.0.1:1"), ZERO_ADDRESS, artifacts.court.abi, 1)
    calls = [
        court.stake(1),
        court.unstake(1),
        court.draw(),
        court.commit(1, "0x" + "11" * 32),
        court.reveal(1, 1, "0x" + "11" * 32),
        court.tally(1),
        court.execute_ruling(1),
        court.withdraw_fees(),
    ]
    ours = names_of(court.interface, calls)
    assert changing(artifacts.court.abi) - ours == {"createDispute", "appeal"}


def test_every_event_has_a_class_with_the_same_fields(artifacts: Artifacts) -> None:
    for_others = {"MetaEvidence", "Dispute"}  # ERC-1497: arbitrators' pages read these
    declared = {
        entry["name"]: [snake(one["name"]) for one in entry["inputs"]]
        for entry in artifacts.escrow.abi
        if entry["type"] == "event" and entry["name"] not in for_others
    }
    ours = {
        name: [field.name.rstrip("_") for field in fields(kind)][:-1]
        for name, kind in events.CLASSES.items()
    }
    assert ours == declared


def test_the_escrows_errors_include_those_of_the_token_and_the_court_it_calls(
    artifacts: Artifacts,
) -> None:
    names = {entry.get("name") for entry in artifacts.escrow.abi if entry["type"] == "error"}
    assert {"WrongState", "ERC20InsufficientAllowance"} <= names
    fees = [
        len(one.inputs)
        for one in Interface(artifacts.escrow.abi).errors.values()
        if one.name == "WrongFee"
    ]
    assert sorted(fees) == [1, 2]  # its own, and the court's


def test_a_second_compilation_of_the_same_sources_starts_no_compiler(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.compiler.solcx.compile_standard", None)
    assert compile_contracts() == artifacts


def test_what_is_deployed_is_compiled_as_forge_compiles_it() -> None:
    forge = tomllib.loads((compiler.PROJECT_ROOT / "foundry.toml").read_text())["profile"][
        "default"
    ]
    assert forge["evm_version"] == compiler.EVM_VERSION
    assert forge["optimizer_runs"] == compiler.OPTIMIZER_RUNS
    assert {rule["via_ir"] for rule in forge["compilation_restrictions"]} == {True}


async def test_what_is_deployed_fits_into_an_account(market_on_anvil: ChainMarket) -> None:
    """24,576 bytes (EIP-170), which a local chain may be lenient about."""
    book = market_on_anvil.book
    for address in (book.escrow, book.token, book.court):
        code = await request(market_on_anvil.w3, "eth_getCode", address, "latest")
        assert 1_000 < len(bytes.fromhex(code[2:])) <= 24_576


def test_a_folder_without_contracts_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no contracts"):
        compile_contracts(tmp_path)


async def test_a_deployment_is_found_again_by_its_address_book(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    book = AddressBook.load(market.home, market.chain.chain_id)
    assert book == market.book
    escrow = Escrow.of(market.w3, book)
    assert await escrow.parameters() == RULES
    assert await escrow.token() == book.token
    assert await escrow.arbitrator() == book.court
    assert await Court.of(market.w3, book).parameters() == COURT
    token = Token(market.w3, book.token, book.token_abi)
    assert await token.balance_of(Address(market.deployer.address)) == await token.total_supply()
    before = hex(book.deployed_at_block - 1)
    assert await request(market.w3, "eth_getCode", book.escrow, before) == "0x"
    assert await request(market.w3, "eth_getCode", book.escrow, hex(book.deployed_at_block)) != "0x"


async def test_parameters_that_cannot_be_are_refused_by_name(
    anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> None:
    w3 = connect(anvil.rpc_url)
    account = anvil.accounts[0]
    rules = replace(RULES, window=0)
    with pytest.raises(Reverted) as refusal:
        await deploy(w3, account, rules, COURT, home=tmp_path, artifacts=artifacts)
    assert refusal.value.name == "BadParameters"
    with pytest.raises(NotFound):
        AddressBook.load(tmp_path, anvil.chain_id)
    await w3.provider.disconnect()


async def test_a_court_that_needs_longer_than_the_escrow_waits_is_not_deployed(
    anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> None:
    w3 = connect(anvil.rpc_url)
    slow = replace(COURT, max_appeals=4)
    with pytest.raises(InvalidInput, match="splits a dispute evenly"):
        await deploy(w3, anvil.accounts[0], RULES, slow, home=tmp_path, artifacts=artifacts)
    await w3.provider.disconnect()


async def test_the_longest_case_reckoned_here_is_the_courts(market_on_anvil: ChainMarket) -> None:
    court = market_on_anvil.court
    (told,) = await court._read("longestCase", "latest")
    assert told == COURT.longest_case


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"chain_id": 1, "more": 2}'])
def test_a_broken_address_book_is_told(tmp_path: Path, text: str) -> None:
    path = AddressBook.path(tmp_path, 7)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidInput, match="no address book"):
        AddressBook.load(tmp_path, 7)
