"""The main job: every token is accounted for, and the metered CPU is the kernel's."""

import json

import docker

from tests.e2e.checks import agree, deployed, owed
from tests.e2e.market import EXAMPLES, TestMarket


def has_gvisor() -> bool:
    """Whether the Engine of this machine has it registered."""
    client = docker.from_env()
    try:
        return "runsc" in client.info()["Runtimes"]
    finally:
        client.close()


def test_a_folder_becomes_a_paid_run_and_every_token_is_accounted_for(market: TestMarket) -> None:
    consumer = market.consumer()
    (provider,) = market.agents()
    holders = market.holders()
    before = {holder: market.balance(holder) for holder in holders}

    job, answer = deployed(EXAMPLES / "burn", consumer)
    assert answer.code == 0, answer.err
    api = agree(market, consumer, job, "Closed", "succeeded")

    after = {holder: market.balance(holder) for holder in holders | market.holders()}
    paid = owed(market, job)
    assert paid > 0
    assert after[provider] - before[provider] == paid
    assert before[consumer.address] - after[consumer.address] == paid
    assert {h for h in after if after[h] != before.get(h, 0)} == {provider, consumer.address}
    assert sum(after.values()) == sum(before.values())
    names = market.names(job)
    assert names[:2] == ["JobPosted", "JobClaimed"]
    # What becomes final in two windows is withdrawn in two steps, before or after the refund.
    assert set(names[names.index("JobCompleted") + 1 :]) == {"Refunded", "Withdrawn"}
    assert market.escrow.functions.creditOf(provider).call() == 0

    kernel_ms = json.loads(answer.log[-1])["kernel_cpu_ms"]
    assert abs(api["runs"][0]["usage"]["cpu_ms"] - kernel_ms) <= kernel_ms / 100
    assert int(answer.event("receipt")["paid"]) == paid
    assert api["runs"][0]["result_cid"].startswith("b")
    assert api["runs"][0]["runtime"] == "runc"  # as its manifest asks


def test_a_folder_with_a_dockerfile_runs_and_its_lines_come_in_order(market: TestMarket) -> None:
    consumer = market.consumer()
    job, answer = deployed(EXAMPLES / "with-dockerfile", consumer)
    assert answer.code == 0, answer.err
    assert answer.log == [f"number {n}" for n in range(1, 6)]
    api = agree(market, consumer, job, "Closed", "succeeded")
    assert api["runs"][0]["runtime"] == ("gvisor" if has_gvisor() else "runc")


def test_an_unchanged_folder_is_run_again_without_a_build(market: TestMarket) -> None:
    """The containers of a build have names of chance, so a second build would tell others."""
    told = []
    for consumer in (market.consumer(), market.consumer()):
        _, answer = deployed(EXAMPLES / "with-dockerfile", consumer)
        assert answer.code == 0, answer.err
        assert answer.log == [f"number {n}" for n in range(1, 6)]
        told.append([item["text"] for item in answer.objects if item["event"] == "build"])
    assert any("Running in" in line for line in told[0])
    assert told[0] == told[1]
