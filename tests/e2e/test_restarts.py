"""A service that crashes is started again on its machine: one job, one log, one bill, and what it leaves at its end."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.checks import agree, deployed
from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket

CRASHES_TWICE = """
trap 'echo bye; exit 0' TERM
n=$(($(cat /output/starts 2>/dev/null || echo 0) + 1))
echo $n > /output/starts
ln -s /etc/passwd /output/link$n
echo start $n
[ $n -lt 3 ] && exit $((n + 6))
touch /tmp/well
while true; do sleep 0.2; done
"""
CHECK = "{test: [test, -e, /tmp/well], interval: 1s}"
LOG = [
    "start 1",
    "the program ended with 7; started again in 1 s (restart 1)",
    "start 2",
    "the program ended with 8; started again in 2 s (restart 2)",
    "start 3",
    "bye",
    "Left out of the results: 3 links.",
]


def test_a_service_that_crashes_twice_is_restarted_and_told_to_be_healthy(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    folder = a_script(tmp_path / "service", CRASHES_TWICE, kind="service", healthcheck=CHECK)
    following = consumer.start("deploy", folder, "--json")
    (job,) = market.until("it is posted", lambda: consumer.jobs())

    def is_well() -> bool:
        return bool(market.get(f"/v1/deployments/{job}").json().get("health") == "healthy")

    market.until("it is healthy", is_well)
    assert consumer.ps(job)["restarts"] == 2
    assert "running (healthy" in consumer.draas("ps").out
    assert consumer.draas("cancel", job).code == 0

    answer = following.finish()
    assert answer.code == 10, answer.err
    assert answer.log == LOG
    told = [item for item in answer.objects if item.get("event") == "phase"]
    assert {(item["health"], item["restarts"]) for item in told} >= {("", 1), ("healthy", 2)}
    agree(market, consumer, job, "Closed", "cancelled")

    left = tmp_path / "left"
    fetched = consumer.draas("results", job, "-o", left, "--json")
    assert fetched.code == 0, fetched.err
    assert [path.name for path in left.iterdir()] == ["starts"]
    assert (left / "starts").read_text() == "3\n"
    again = consumer.draas("results", job, "-o", left)
    assert again.code == 5
    assert "exists already" in again.err


def test_a_batch_job_is_tried_as_often_as_it_says(market: TestMarket, tmp_path: Path) -> None:
    consumer = market.consumer()
    folder = a_script(tmp_path / "fails", "echo tried; exit 4", restart='"on-failure:1"')
    job, answer = deployed(folder, consumer)
    assert answer.code == 9, answer.err
    again = "the program ended with 4; started again in 1 s (restart 1)"
    assert answer.log == ["tried", again, "tried"]
    agree(market, consumer, job, "Closed", "failed")
