"""The best agent that fits gets the job, none gets more than it has, and whoever asks is told why."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chain.job import Address, Cid, JobTerms, Rates, Resources, units_of
from chain.manifest import parse_manifest
from scheduler.decide.fit import Candidate, Need, fits, free
from scheduler.decide.place import choose, effective_price, risk

DEAR, CHEAP = Rates(9, 9, 9, 9), Rates(2, 2, 2, 2)
NEED = Need(Resources(1000, 256), max_rates=Rates(10, 10, 10, 10), seconds=60)


def an_agent(number: int, **changes: object) -> Candidate:
    values: dict[str, object] = {
        "agent": Address(f"0x{number:040x}"),
        "capacity": Resources(2000, 1024),
        "rates": CHEAP,
        "units_free": 3072,
    }
    return Candidate(**values | changes)  # type: ignore[arg-type]


def test_the_cheapest_wins() -> None:
    choice = choose(NEED, [an_agent(1, rates=DEAR), an_agent(2)])
    assert choice.agent == an_agent(2).agent
    assert choice.fitting == 2


def test_at_the_same_price_the_least_loaded_wins() -> None:
    busy = an_agent(1, reserved=Resources(500, 256))
    assert choose(NEED, [busy, an_agent(2)]).agent == an_agent(2).agent


def test_a_job_that_fits_nobody_is_told_how_many_fail_what() -> None:
    agents = [
        an_agent(1, reserved=Resources(1500, 0)),
        an_agent(2, reserved=Resources(1500, 1000)),
        an_agent(3, rates=Rates(11, 1, 1, 1)),
        an_agent(4, units_free=1255),
        an_agent(5, rates=None),
    ]
    choice = choose(NEED, agents)
    assert choice.agent is None
    assert choice.why_not == {
        "short of CPU": 2,
        "short of memory": 1,
        "above the price limit": 1,
        "short of bonded capacity": 1,
        "not registered": 1,
    }
    assert "none of 5 live agents fits" in choice.why


def test_nobody_connected_is_said_so() -> None:
    assert choose(NEED, []).why == "no agent is connected"


def test_an_agent_that_lacks_an_attribute_is_passed_over() -> None:
    need = replace(NEED, attributes={"region": "eu", "disk": "ssd"})
    eu = an_agent(1, attributes={"region": "eu", "disk": "ssd", "more": "x"}, rates=DEAR)
    us = an_agent(2, attributes={"region": "us", "disk": "ssd"})
    assert choose(need, [eu, us]).agent == eu.agent
    assert choose(need, [us, an_agent(3)]).why_not == {
        "without region: eu": 2,
        "without disk: ssd": 1,
    }


def test_an_agent_without_the_runtime_that_a_job_asks_for_is_passed_over() -> None:
    boxed = an_agent(1, runtimes=["gvisor", "runc", "runc+network"], rates=DEAR)
    need, wired = replace(NEED, runtime="gvisor"), Resources(1000, 256, 1)
    assert choose(need, [boxed, an_agent(2)]).agent == boxed.agent
    assert choose(need, [an_agent(2)]).why_not == {"without gvisor": 1}
    assert choose(NEED, [an_agent(2, runtimes=[])]).why_not == {"without a runtime": 1}
    room = {"capacity": Resources(2000, 1024, 10)}
    online = replace(NEED, resources=wired, runtime="gvisor")
    assert fits(online, an_agent(1, runtimes=["gvisor"], **room)) == [
        "without gvisor for jobs with a network"
    ]
    assert fits(online, an_agent(1, runtimes=["gvisor+network"], **room)) == []


def test_gpus_are_counted_and_never_given_under_gvisor() -> None:
    need = replace(NEED, gpus=2)
    assert fits(need, an_agent(1, gpus_free=1)) == ["short of GPUs"]
    assert fits(need, an_agent(1, gpus_free=2)) == []
    assert fits(need, an_agent(1, gpus_free=2, runtimes=["gvisor"])) == ["without a runtime"]


def test_a_need_is_read_from_the_manifest_beside_the_terms() -> None:
    manifest = parse_manifest(
        "runtime: gvisor\nresources: {disk: 9M, gpus: 1}\nmarket: {attributes: {region: eu}}"
    )
    resources, rates = manifest.reserved(), manifest.max_rates()
    terms = JobTerms(
        consumer=Address("0x" + "11" * 20),
        scheduler=Address("0x" + "22" * 20),
        watcher=Address("0x" + "00" * 20),
        salt="0x" + "33" * 32,
        resources=resources,
        max_rates=rates,
        duration=60,
        claim_within=60,
        cid=Cid("bafy"),
    )
    assert Need.of(terms, 7) == Need(resources, rates, 7)
    assert Need.of(terms, 7, manifest) == Need(
        resources, rates, 7, 9, {"region": "eu"}, "gvisor", 1
    )


def test_replicas_go_to_different_providers_before_they_go_to_the_cheapest() -> None:
    crowded = an_agent(1, siblings=1)
    choice = choose(NEED, [crowded, an_agent(2, rates=DEAR)])
    assert choice.agent == an_agent(2).agent
    assert choice.why.startswith("fewest replicas of 2 that fit")


def test_a_record_of_failures_makes_an_agent_dearer() -> None:
    assert risk(an_agent(1)) == 0
    assert risk(an_agent(1, lapsed=1)) == 250
    assert risk(an_agent(1, lapsed=1, completed=100)) == 9
    assert risk(an_agent(1, disputes_lost=1)) > risk(an_agent(1, lapsed=1))
    bad = an_agent(1, lapsed=30, completed=3)
    choice = choose(NEED, [bad, an_agent(2, rates=Rates(3, 3, 3, 3))])
    assert choice.agent == an_agent(2).agent
    assert choice.why.startswith("best price for its record of 2 that fit")
    assert choice.cheapest == effective_price(NEED, an_agent(1)) // 1000


def test_the_choice_explains_itself() -> None:
    rates = Rates(10**9, 10**6, 0, 0)
    need = replace(NEED, max_rates=rates)
    agents = [
        an_agent(1, rates=rates, completed=12),
        an_agent(2, rates=rates, completed=12, reserved=Resources(500, 0)),
        an_agent(3, rates=Rates(1, 1, 0, 0), capacity=Resources(4000, 100)),
    ]
    assert choose(need, agents).why == (
        "least loaded of 2 that fit: 0.00006002 tokens at most, record 12 done, 0 lapsed; 1 short of memory"
    )
    assert choose(need, agents[:1]).why.startswith("the only one that fits: ")
    cheap = an_agent(4, rates=Rates(2, 2, 0, 0))
    assert choose(need, [*agents, cheap]).why.startswith("cheapest of 3 that fit: ")


def test_the_nearest_miss_is_told() -> None:
    need = replace(NEED, max_rates=Rates(10**10, 0, 0, 0))
    dear = [
        an_agent(1, rates=Rates(2 * 10**10, 0, 0, 0)),
        an_agent(2, rates=Rates(10**11, 0, 0, 0)),
    ]
    assert choose(need, dear).why == (
        "none of 2 live agents fits: 2 above the price limit; "
        "the least that 2 ask is 0.072 tokens/h, your limit 0.036"
    )
    other = choose(need, [an_agent(1, rates=Rates(0, 1, 0, 0))])
    assert other.nearest == "the least that 1 ask is above your limit for memory"
    full = choose(NEED, [an_agent(1, reserved=Resources(1500, 0)), an_agent(2, units_free=9)])
    assert (
        full.nearest
        == "the most free is 0.5 CPU, you ask 1 CPU, the most bonded is 9 units, you need 1256"
    )
    assert choose(NEED, [an_agent(1, reserved=Resources(1500, 900))]).nearest == ""


sizes = st.builds(Resources, st.integers(0, 3000), st.integers(0, 2000), st.integers(0, 10))
rate = st.integers(0, 12)
records = st.fixed_dictionaries(
    {
        "completed": st.integers(0, 50),
        "lapsed": st.integers(0, 5),
        "disputes_lost": st.integers(0, 2),
        "siblings": st.integers(0, 2),
        "reserved": st.builds(Resources, st.integers(0, 2000), st.integers(0, 1024)),
        "rates": st.none() | st.builds(Rates, rate, rate, rate, rate),
        "attributes": st.sampled_from([{}, {"region": "eu"}, {"region": "us"}]),
        "units_free": st.integers(1000, 5000),
    }
)
markets = st.lists(records, max_size=6).map(
    lambda all_of: [an_agent(number, **one) for number, one in enumerate(all_of)]
)
needs = st.builds(
    Need,
    st.builds(Resources, st.integers(1, 2000), st.integers(1, 1024)),
    st.just(Rates(10, 10, 10, 10)),
    st.integers(1, 1000),
    st.just(0),
    st.sampled_from([{}, {"region": "eu"}]),
)


@given(st.lists(st.tuples(sizes, sizes, st.integers(0, 5000)), max_size=6), sizes)
def test_nobody_is_given_more_than_is_free(
    agents: list[tuple[Resources, Resources, int]], asked: Resources
) -> None:
    candidates = [
        an_agent(i, capacity=c, reserved=r, units_free=u) for i, (c, r, u) in enumerate(agents)
    ]
    need = Need(asked, Rates(10, 10, 10, 10), 60)
    choice = choose(need, candidates)
    if choice.agent is None:
        assert all(fits(need, candidate) for candidate in candidates)
        return
    chosen = next(item for item in candidates if item.agent == choice.agent)
    assert units_of(asked) <= chosen.units_free
    room = free(chosen)
    assert asked.cpu_millis <= room.cpu_millis
    assert asked.memory_mib <= room.memory_mib
    assert asked.egress_kib_s <= room.egress_kib_s


@given(markets, needs)
def test_whoever_is_chosen_fits_and_nobody_is_chosen_only_when_nobody_does(
    agents: list[Candidate], need: Need
) -> None:
    choice = choose(need, agents)
    fitting = [agent.agent for agent in agents if not fits(need, agent)]
    assert (choice.agent in fitting) if fitting else choice.agent is None
    assert (choice.fitting, choice.live) == (len(fitting), len(agents))
    assert choice.why


@given(markets, needs, st.randoms(use_true_random=False))
def test_the_order_of_asking_changes_nothing(
    agents: list[Candidate], need: Need, random: Random
) -> None:
    shuffled = list(agents)
    random.shuffle(shuffled)
    assert choose(need, shuffled) == choose(need, agents)


@given(markets, needs, st.data())
def test_to_become_cheaper_emptier_or_better_never_loses_a_job(
    agents: list[Candidate], need: Need, data: st.DataObject
) -> None:
    chosen = choose(need, agents).agent
    if chosen is None:
        return
    agent = next(agent for agent in agents if agent.agent == chosen)
    assert agent.rates is not None
    r = agent.rates
    better = data.draw(
        st.sampled_from(
            [
                {"rates": Rates(r.cpu_ms // 2, r.memory_mib_s, r.egress_kib, r.wall_s // 2)},
                {"reserved": Resources(0, 0)},
                {"completed": agent.completed + 1},
                {"lapsed": 0},
                {"siblings": 0},
                {"units_free": agent.units_free + 1},
            ]
        )
    )
    improved = [replace(one, **better) if one is agent else one for one in agents]  # type: ignore[arg-type]
    assert choose(need, improved).agent == chosen


@given(st.integers(1, 8), st.integers(1, 4))
def test_replicas_are_spread_as_evenly_as_can_be(replicas: int, providers: int) -> None:
    placed = Counter[Address]()
    rates = [Rates(number, 0, 0, 0) for number in range(1, 5)]
    for _ in range(replicas):
        agents = [
            an_agent(
                number,
                capacity=Resources(10**6, 10**6),
                units_free=10**6,
                rates=rates[number],
                siblings=placed[an_agent(number).agent],
            )
            for number in range(providers)
        ]
        chosen = choose(NEED, agents).agent
        assert chosen is not None
        placed[chosen] += 1
    assert max(placed.values()) - min([*placed.values(), *[0] * (providers - len(placed))]) <= 1


def test_an_agent_with_another_member_of_a_verified_group_is_not_asked() -> None:
    has, apart = an_agent(1, apart=False), an_agent(2, rates=DEAR)
    assert choose(NEED, [has, apart]).agent == apart.agent
    choice = choose(NEED, [has])
    assert choice.agent is None
    assert "1 has another of its group already" in choice.why
