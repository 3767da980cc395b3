"""A program counts as healthy at its first good check, and as unhealthy after so many bad ones in a row."""

from __future__ import annotations

from agent.engine.health import Checks, after_check, engine_check
from agent.engine.state import container_of
from chain.manifest import HealthSpec

SPEC = HealthSpec(http="/ok", retries=2, start_period="10s")
RAN_S = 60.0


def after_all(*faults: str, ran_s: float = RAN_S) -> Checks:
    checks = Checks()
    for fault in faults:
        checks = after_check(checks, fault, SPEC, ran_s)
    return checks


def test_one_good_check_makes_it_healthy_and_bad_ones_in_a_row_unhealthy() -> None:
    assert Checks().health == "starting"
    assert after_all("").health == "healthy"
    assert after_all("", "no").health == "healthy"
    assert after_all("", "no", "no") == Checks("unhealthy", 2, "no")
    assert after_all("", "no", "", "no").health == "healthy"
    assert after_all("no", "no", "").health == "healthy"
    assert after_all("no", "no").health == "unhealthy"


def test_while_it_comes_up_failures_do_not_count_until_it_was_well_once() -> None:
    assert after_all(*["no"] * 50, ran_s=9.9) == Checks("starting", 0, "no")
    assert after_all("", "no", "no", ran_s=9.9).health == "unhealthy"


def test_the_engine_runs_the_manifests_test_and_never_the_images_own() -> None:
    assert engine_check(None) == engine_check(SPEC) == {"Test": ["NONE"]}
    spec = HealthSpec(test=["/bin/ok", "x"], interval="2s", timeout="1s", retries=4)
    second = 1_000_000_000
    assert engine_check(spec) == {
        "Test": ["CMD", "/bin/ok", "x"],
        "Interval": 2 * second,
        "Timeout": second,
        "Retries": 4,
        "StartPeriod": 0,
    }


def test_what_a_check_printed_is_told_on_one_line_without_control_characters() -> None:
    entry = {"Output": "bad\x1b[2J\nthing\x00"}
    state = {"Status": "running", "Health": {"Status": "unhealthy", "Log": [{}, entry]}}
    seen = container_of({"State": state})
    assert (seen.health, seen.ill_why) == ("unhealthy", "its health check failed: bad [2J thing")
    assert container_of({"State": {"Status": "running"}}).health == ""
