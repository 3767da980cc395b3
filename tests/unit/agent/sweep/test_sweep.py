"""What may be removed, and what makes an offer too much for the disk."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.engine.isolation import RunKey, labels
from agent.runs.record import folder_of, save
from agent.sweep.belongings import Belonging, belonging_of
from agent.sweep.folders import folders, remove
from agent.sweep.pulled import Pulled
from agent.sweep.sweep import A_RUN_MIB, SPARE_MIB, Room, Rules, may_go, shortage, which_images
from chain.job import Address, Digest, JobId
from tests.unit.agent.builders import AGENT, JOB, a_record, an_ended_record

KEY = RunKey(JobId(JOB), 1, AGENT)
RULES = Rules(keep_s=100, disk_mib=1000, orphan_s=60)
NAME = KEY.container_name
sizes = st.dictionaries(st.sampled_from("abcdef").map(Digest), st.integers(1, 50))


def a_thing(running: bool) -> Belonging:
    return Belonging("container", "id", KEY, running)


def test_what_belongs_to_a_run_goes_when_its_record_says_that_it_is_over_and_not_before() -> None:
    for running in (True, False):
        assert may_go(a_thing(running), True, 0, RULES)
        assert not may_go(a_thing(running), False, 10**6, RULES)


def test_what_has_no_record_is_left_while_it_runs_until_the_chain_has_given_its_job_away() -> None:
    assert may_go(a_thing(running=False), None, 0, RULES)
    assert not may_go(a_thing(running=True), None, 60, RULES)
    assert may_go(a_thing(running=True), None, 61, RULES)


def test_a_label_without_the_name_that_we_give_or_of_another_agent_is_not_ours() -> None:
    mine, thing = labels(KEY), ("id", NAME)
    other = Address("0x" + "11" * 20)
    assert belonging_of("container", thing, mine, AGENT) == a_thing(running=False)
    assert belonging_of("container", ("id", "web"), mine, AGENT) is None
    assert belonging_of("container", thing, mine, other) is None
    assert belonging_of("container", thing, {}, AGENT) is None
    for job, attempt in (("../x", "1"), (JOB, "1; rm"), (JOB, "")):
        told = mine | {"draas.job": job, "draas.attempt": attempt}
        assert belonging_of("container", thing, told, AGENT) is None


@given(sizes, sizes, st.sets(st.sampled_from("abcdef").map(Digest)), st.integers(-5, 300))
def test_images_go_longest_unused_first_and_no_more_than_is_needed_and_none_that_a_run_needs(
    images: dict[Digest, int], used: dict[Digest, int], kept: set[Digest], excess: int
) -> None:
    gone = which_images(images, used, kept, excess)
    assert not kept & set(gone)
    assert [used.get(one, 0) for one in gone] == sorted(used.get(one, 0) for one in gone)
    assert sum(images[one] for one in gone[:-1]) < max(excess, 1)
    if sum(images[one] for one in gone) < excess:
        assert set(gone) == set(images) - kept


def test_an_offer_is_refused_when_the_disk_or_what_is_set_aside_of_it_is_too_small() -> None:
    room = Room(free_mib=SPARE_MIB + A_RUN_MIB + 10, used_mib=0, looked=True)
    assert shortage(10, room, RULES) == ""
    assert shortage(11, room, RULES) == "75 MiB of disk are wanted and 74 are free"
    full = Room(free_mib=10**6, used_mib=930, looked=True)
    assert (
        shortage(10, full, RULES)
        == "74 MiB of disk are wanted and 70 are left of what is set aside"
    )
    assert shortage(10, Room(free_mib=10**6), RULES) == ""


def test_a_folder_goes_only_when_its_run_is_over_or_has_no_record(tmp_path: Path) -> None:
    paid = an_ended_record(settled=True, cleaned=True, paid=True)
    records = {1: paid, 2: an_ended_record(settled=True, cleaned=True), 3: a_record(refused="no")}
    for attempt, record in records.items():
        save(folder_of(tmp_path, JobId(JOB), attempt), record)
    broken = folder_of(tmp_path, JobId(JOB), 4)
    broken.mkdir()
    (broken / "run.json").write_text("{")
    empty = folder_of(tmp_path, JobId(JOB), 5)
    (empty / "results").mkdir(parents=True)
    live = folder_of(tmp_path, JobId(JOB), 6)
    save(live, paid)
    found = folders(tmp_path, {live.name})
    assert [one.path.name[-1] for one in found if one.may_go] == ["1", "2", "3", "4", "5"]
    for one in found:
        if one.may_go:
            remove(one)
    left = [one.path.name[-1] for one in folders(tmp_path, set())]
    assert left == ["2", "3", "4", "6"]


def test_the_note_of_pulled_images_outlives_the_agent_and_forgets_what_is_gone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "agent" / "pulled.json"
    pulled = Pulled(path)
    pulled.begins(Digest("one"))
    pulled.begins(Digest("two"))
    pulled.used(Digest("never pulled by us"))
    pulled.gone(Digest("two"))
    assert set(Pulled(path).all()) == {"one"}
    path.write_text("[1]")
    assert Pulled(path).all() == {}
