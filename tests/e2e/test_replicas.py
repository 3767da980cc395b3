"""`replicas: 2` on the market of one agent: two jobs that are posted once, followed and ended together."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket


def test_replicas_are_posted_once_and_cancelled_together(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer, folder = market.consumer(), a_script(tmp_path / "twice", "sleep 60", replicas=2)
    posted = consumer.draas("deploy", folder, "-d", "--json").objects
    jobs, group = [one["job"] for one in posted], posted[0]["group"]
    assert [one["index"] for one in posted] == [0, 1]
    market.until("both run", lambda: [market.state(job) for job in jobs] == ["Running"] * 2)

    again = consumer.draas("deploy", folder, "-d", "--json", "--group", group)
    assert (again.code, again.objects) == (0, [])  # nothing of it was missing
    assert sorted(consumer.jobs()) == sorted(jobs)
    assert consumer.ps(jobs[1])["group"] == {
        "id": group, "kind": "replicas", "index": 1, "size": 2,
    }  # fmt: skip

    following = consumer.start("group", group, "--json")
    cancelled = consumer.draas("cancel", group, "--json")
    assert cancelled.code == 0, cancelled.err
    assert {one["job"] for one in cancelled.objects if one["event"] == "cancelled"} == set(jobs)
    followed = following.finish()
    assert {one["outcome"] for one in followed.objects if one["event"] == "receipt"} == {
        "cancelled"
    }
    assert all(market.state(job) in ("Ended", "Closed") for job in jobs)
