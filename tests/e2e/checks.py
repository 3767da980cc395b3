"""What the end-to-end tests hold against each other: chain, API, command line, and the money."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import psutil
from eth_account import Account

from tests.e2e.market import Answer, Consumer, TestMarket

GRANT = 1000 * 10**18  # what the faucet gives a consumer


def agree(
    market: TestMarket, consumer: Consumer, job_id: str, state: str, outcome: str, why: str = ""
) -> Any:
    """Hold chain, API and command line against each other, and the money against the events; the API's view."""

    def seen() -> Any:
        body = market.get(f"/v1/deployments/{job_id}").json()
        if not body.get("state") == state == market.state(job_id):
            return None
        return body if _released_of(body) == released(market.moved(job_id)) else None

    api = market.until(f"the job is {state}", seen, 40)
    listed = consumer.ps(job_id)
    assert (listed["state"], listed["outcome"], listed["why"]) == (state, outcome, api["why"])
    assert why in api["why"]
    moved = market.moved(job_id)
    assert int(api["deposit"]) == moved["JobPosted"]
    back = returned(moved)
    assert int(api["refunded"]) == back
    assert sum(int(run["earned"]) for run in api["runs"]) == moved["JobPosted"] - back
    assert consumer.tokens() == GRANT - moved["JobPosted"] + back
    told = [item["event"] for item in api["transactions"]]
    assert told == market.names(job_id)[: len(told)]
    return api


def _released_of(api: Any) -> int:
    return sum(int(run["released"]) for run in api["runs"])


def paid(market: TestMarket, job_id: str) -> int:
    """What the provider was paid for a closed job, which comes in a transaction of its own after the end."""
    return int(market.until("it is paid", lambda: released(market.moved(job_id)) or None))


def returned(moved: Mapping[str, int]) -> int:
    """What went back to the consumer, by a refund or by the cancel of a job that nobody ran."""
    return moved.get("Refunded", 0) + moved.get("JobCancelled", 0)


def released(moved: Mapping[str, int]) -> int:
    """What was paid out to providers or moved to their credit."""
    return moved.get("Withdrawn", 0) + moved.get("Released", 0)


def owed(market: TestMarket, job_id: str, attempt: int = 1) -> int:
    """metric × rate of one run, from the last totals that the contract accepted and the rates it was claimed at."""
    told = {
        name: [
            item["args"]
            for item in market.events(job_id)
            if item["event"] == name and item["args"]["attempt"] == attempt
        ]
        for name in ("JobClaimed", "UsageReported")
    }
    claim, report = told["JobClaimed"][-1], told["UsageReported"][-1]
    rates = market.escrow.functions.ratesOf(claim["provider"], claim["rateCard"]).call()
    usage = report["usage"]
    metrics = usage.values() if isinstance(usage, Mapping) else usage
    run = market.escrow.functions.runs(job_id, attempt, claim["provider"]).call()
    amount = sum(int(metric) * int(rate) for metric, rate in zip(metrics, rates, strict=True))
    assert run[0] == report["earned"] == amount
    return amount


def deployed(path: Path, consumer: Consumer, *options: str) -> tuple[str, Answer]:
    """Deploy a folder to its end: the job's id and the answer."""
    answer = consumer.draas("deploy", path, "--json", *options)
    return str(answer.event("posted")["job"]), answer


def terms_by_hand(market: TestMarket, consumer: str, claim_within: int) -> tuple[Any, ...]:
    """Terms for plain web3, with a CID that nobody has."""
    scheduler = market.get("/v1/market").json()["scheduler"]
    rates = (10**12, 10**12, 10**12, 10**15)
    absent = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    nobody = "0x" + "00" * 20
    return (
        consumer,
        scheduler,
        nobody,
        secrets.token_bytes(32),
        (200, 32, 0),
        rates,
        20,
        claim_within,
        absent,
    )


def post_by_hand(market: TestMarket, key: str, terms: tuple[Any, ...]) -> str:
    """Post a job with plain web3; its id."""
    account = Account.from_key(key)
    deposit = 10**18
    for call in (
        market.token.functions.approve(market.escrow.address, deposit),
        market.escrow.functions.postJob(terms, deposit),
    ):
        nonce = market.w3.eth.get_transaction_count(account.address)
        filled = call.build_transaction(
            {"from": account.address, "nonce": nonce, "chainId": market.w3.eth.chain_id}
        )
        market.mined(
            market.w3.eth.send_raw_transaction(account.sign_transaction(filled).raw_transaction)
        )
    identity: bytes = market.escrow.functions.jobIdOf(terms).call()
    return "0x" + identity.hex().removeprefix("0x")


def process_of(market: TestMarket, agent: str) -> psutil.Process:
    """The agent's own process."""
    for number in (1, 2):
        home = market.home / "local" / f"agent-{number}"
        if agent.lower().removeprefix("0x") not in (home / "keystore.json").read_text().lower():
            continue
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("DRAAS_HOME") == str(home)
                if mine and process.cmdline()[-2:] == ["-m", "agent"]:
                    return process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    raise AssertionError(f"no process of {agent}")


def runs_of(job: str) -> list[str]:
    """The attempts whose containers run at this moment."""
    engine = docker.from_env()
    try:
        found = engine.containers.list(filters={"label": f"draas.job={job}"})
        return sorted(container.labels["draas.attempt"] for container in found)
    finally:
        engine.close()
