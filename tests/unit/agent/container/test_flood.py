"""A program that prints too fast gets less time until it does not, and all of it again when it has calmed down."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.container.flood import LEAST_US, MOST_BYTES_PER_S, Flood, Place, next_quota, place_of
from agent.meter.cgroup import Mounts

FULL = 500_000


@given(st.integers(LEAST_US, FULL), st.floats(0, 1e10))
def test_a_quota_is_always_one_that_the_kernel_takes_and_never_more_than_was_reserved(
    quota: int, rate: float
) -> None:
    after = next_quota(quota, FULL, rate)
    assert LEAST_US <= after <= FULL
    if rate > MOST_BYTES_PER_S:
        assert after < quota or after == LEAST_US
    elif rate > MOST_BYTES_PER_S / 4:
        assert after == quota
    else:
        assert after > quota or after == FULL


def test_a_flood_is_slowed_in_both_interfaces_and_released(tmp_path: Path) -> None:
    log = tmp_path / "json.log"
    for version, name in ((1, "cpu.cfs_quota_us"), (2, "cpu.max")):
        log.write_bytes(b"")
        flood = Flood(Place(log, tmp_path, version), 500)
        flood.look(10.0)
        assert (tmp_path / name).read_text().split()[0] == "50000"
        log.write_bytes(b"x" * 10 * MOST_BYTES_PER_S)
        flood.look(11.0)
        assert flood.slows
        assert int((tmp_path / name).read_text().split()[0]) == flood.quota_us < FULL
        flood.look(12.0)  # it has printed nothing since
        flood.look(13.0)
        flood.release()
        assert not flood.slows
        assert (tmp_path / name).read_text().split()[0] == "50000"


def test_where_the_log_is_not_on_this_machine_nothing_is_slowed(tmp_path: Path) -> None:
    mounts = Mounts(2, {"": tmp_path})
    (tmp_path / "draas/a/docker-abc.scope").mkdir(parents=True)
    assert place_of(mounts, "/draas/a", "abc", "/nowhere/x.log") is None
    (tmp_path / "x.log").touch()
    found = place_of(mounts, "/draas/a", "abc", str(tmp_path / "x.log"))
    assert found is not None
    assert found.group.name == "docker-abc.scope"
    assert place_of(mounts, "/draas/b", "abc", str(tmp_path / "x.log")) is None
