"""Every way in which a job can end: chain, API and command line agree, and the money is where it should be."""

from pathlib import Path

from tests.e2e.checks import GRANT, agree, owed, paid, post_by_hand, terms_by_hand
from tests.e2e.conftest import Launched
from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket

ENDLESS = "while true; do echo tick; sleep 0.5; done"


def test_a_program_that_exits_3_is_paid_for_and_its_code_is_told(
    market: TestMarket, launched: dict[str, Launched]
) -> None:
    run = launched["three"]
    answer = run.command.finish()
    assert answer.code == 9, answer.err
    assert answer.event("receipt")["exit_code"] == 3
    assert answer.log == ["before the end"]
    api = agree(market, run.consumer, answer.event("posted")["job"], "Closed", "failed")
    assert api["runs"][0]["exit_code"] == 3


def test_a_program_killed_for_memory_says_so(
    market: TestMarket, launched: dict[str, Launched]
) -> None:
    run = launched["hog"]
    answer = run.command.finish()
    assert answer.code == 9, answer.err
    assert "out of memory" in answer.event("receipt")["why"]
    api = agree(
        market, run.consumer, answer.event("posted")["job"], "Closed", "failed", why="out of memory"
    )
    assert api["runs"][0]["exit_code"] == 137


def test_a_job_of_a_fifth_of_a_second_is_metered_and_paid(
    market: TestMarket, launched: dict[str, Launched]
) -> None:
    run = launched["short"]
    answer = run.command.finish()
    assert answer.code == 0, answer.err
    job = answer.event("posted")["job"]
    api = agree(market, run.consumer, job, "Closed", "succeeded")
    assert 200 <= api["runs"][0]["usage"]["cpu_ms"] <= 500
    assert paid(market, job) == owed(market, job) > 0


def test_a_strangers_log_lines_cannot_act_on_the_terminal(
    market: TestMarket, launched: dict[str, Launched]
) -> None:
    run = launched["colours"]
    job = run.command.finish().event("posted")["job"]
    answer = run.consumer.draas("logs", job)
    assert answer.code == 0, answer.err
    assert "red plain" in answer.out
    assert "\x1b" not in answer.out


def test_a_build_that_fails_gives_all_back_and_the_reason(
    market: TestMarket, launched: dict[str, Launched]
) -> None:
    run = launched["broken"]
    answer = run.command.finish()
    assert answer.code == 7, answer.err
    job = answer.event("posted")["job"]
    assert "the-reason" in answer.event("receipt")["why"]
    assert "the-reason" in [item["text"] for item in answer.objects if item["event"] == "build"]
    agree(market, run.consumer, job, "Closed", "declined", why="the-reason")
    assert run.consumer.tokens() == GRANT
    assert market.names(job) == ["JobPosted", "JobDeclined", "Refunded"]


def test_a_job_cancelled_while_open_gives_all_back_at_once(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    folder = a_script(tmp_path / "vast", "true", resources="{cpus: 64, memory: 32M}")
    answer = consumer.draas("deploy", folder, "-d", "--json")
    job = answer.event("posted")["job"]
    told = market.until(
        "it says why it waits",
        lambda: "cpu" in market.get(f"/v1/deployments/{job}").json().get("why", "").lower(),
    )
    assert told
    assert market.state(job) == "Open"
    cancelled = consumer.draas("cancel", job[:12], "--json")
    assert cancelled.code == 0, cancelled.err
    agree(market, consumer, job, "Closed", "cancelled")
    assert consumer.tokens() == GRANT
    assert consumer.draas("cancel", job).code == 5


def test_a_job_cancelled_while_running_pays_for_what_ran(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    job = consumer.draas("deploy", a_script(tmp_path / "endless", ENDLESS), "-d", "--json").event(
        "posted"
    )["job"]
    market.until("it prints", lambda: "tick" in consumer.draas("logs", job).out)
    answer = consumer.draas("cancel", job, "--json")
    assert answer.code == 0, answer.err
    agree(market, consumer, job, "Closed", "cancelled")
    assert 0 < owed(market, job) == paid(market, job) < market.moved(job)["JobPosted"]


def test_a_bundle_that_nobody_has_ends_at_its_claim_deadline_with_all_back(
    market: TestMarket,
) -> None:
    consumer = market.consumer()
    job = post_by_hand(
        market, consumer.key, terms_by_hand(market, consumer.address, claim_within=8)
    )
    market.until(
        "the scheduler says what it lacks",
        lambda: "bundle" in market.get(f"/v1/deployments/{job}").json().get("why", ""),
    )
    assert market.state(job) == "Open"
    agree(market, consumer, job, "Closed", "unclaimed", why="bundle")
    assert consumer.tokens() == GRANT


def test_who_follows_a_job_in_one_terminal_can_cancel_it_in_another(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    following = consumer.start("deploy", a_script(tmp_path / "watched", ENDLESS), "--json")
    (job,) = market.until("it is posted", lambda: consumer.jobs())
    market.until("it prints", lambda: "tick" in consumer.draas("logs", job).out)
    assert consumer.draas("balance").code == 0
    assert consumer.draas("cancel", job).code == 0
    answer = following.finish()
    assert answer.code == 10, answer.err
    assert "tick" in answer.log
    assert answer.event("receipt")["outcome"] == "cancelled"
    agree(market, consumer, job, "Closed", "cancelled")
