"""A whole market in memory: a chain's rules, agents, a builder, and a scheduler that forgets and is cut off.

Time is a number; everything that may go wrong goes wrong by the dice of one seed. Only `decide` is the real thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from chain.job import Address, JobId, JobState
from scheduler.decide.place import Choice
from scheduler.decide.reconcile import (
    LAPSE_MARGIN,
    UNSEEN,
    Action,
    Assign,
    Build,
    Decline,
    Image,
    InHand,
    Lapse,
    Offered,
    Postponed,
    Refund,
    Refused,
    Seen,
    Unseen,
    Wait,
    decide,
)
from scheduler.rows.facts import JobFacts, RunFacts
from tests.unit.scheduler.builders import DIGEST, ESCROW, NOW, RULES, a_job

REPORT_EVERY = 10
LEASE = ESCROW.lapse_after - 5  # a container stops by itself so long after its last report
OFFER_S = 60


@dataclass
class Machine:
    """An agent with room for one run."""

    agent: Address
    up_again: int = 0  # silent until then
    container: tuple[JobId, int] | None = None  # what runs on it
    stops_at: int = 0  # by the container's own lease

    def is_up(self, now: int) -> bool:
        return now >= self.up_again


@dataclass
class Model:
    """The market; `step` lets a second pass."""

    dice: Random
    now: int = NOW
    jobs: dict[JobId, JobFacts] = field(default_factory=dict)
    runs_for: dict[JobId, int] = field(default_factory=dict)  # seconds that each program takes
    machines: list[Machine] = field(default_factory=list)
    images: dict[JobId, tuple[int, bool]] = field(
        default_factory=dict
    )  # ready at, and whether it builds
    offers: dict[JobId, tuple[int, Offered]] = field(default_factory=dict)
    due: dict[JobId, int] = field(default_factory=dict)
    in_flight: list[tuple[int, Action]] = field(default_factory=list)
    blind_until: int = 0  # the scheduler does not see the chain
    engine_down_until: int = 0
    acts: list[str] = field(default_factory=list)

    def open_market(self, jobs: int, machines: int) -> None:
        """Post so many jobs, with so many agents to run them."""
        self.machines = [Machine(Address(f"0x{n + 1:040x}")) for n in range(machines)]
        for number in range(jobs):
            job_id = JobId(f"0x{number + 1:064x}")
            deadline = NOW + 90 + self.dice.randrange(200)
            job = a_job(job_id=job_id, deadline=deadline, duration=self.dice.randrange(60, 400))
            self.jobs[job_id] = job
            self.runs_for[job_id] = self.dice.randrange(20, 500)
            self.due[job_id] = 0

    @property
    def is_over(self) -> bool:
        """Whether every job has ended, and nothing of its deposit is left in it."""
        return all(
            job.state_at(self.now, ESCROW) in (JobState.ENDED, JobState.CLOSED)
            and job.deposit == 0
            and all(run.settled for run in job.runs)
            for job in self.jobs.values()
        )

    def live(self, job_id: JobId) -> int:
        """How many containers of a job run now."""
        return sum(
            one.container is not None and one.container[0] == job_id for one in self.machines
        )

    def step(self) -> None:
        """One second: faults, the chain, the agents, the scheduler."""
        self.now += 1
        self._faults()
        landing = [action for at, action in self.in_flight if at <= self.now]
        self.in_flight = [one for one in self.in_flight if one[0] > self.now]
        for action in landing:
            self._land(action)
        for machine in self.machines:
            self._agent(machine)
        for job_id in self.jobs:
            if self.due[job_id] <= self.now:
                self._look(job_id)

    def _faults(self) -> None:
        dice = self.dice
        if dice.random() < 0.01:
            self.blind_until = self.now + dice.randrange(1, 40)
        if dice.random() < 0.01:
            self.engine_down_until = self.now + dice.randrange(1, 60)
        for machine in self.machines:
            if dice.random() < 0.004:
                machine.up_again = self.now + dice.randrange(1, 3 * ESCROW.lapse_after)
        if dice.random() < 0.01:  # the scheduler is killed: what it sent may still land
            self.due = dict.fromkeys(self.due, 0)
        if dice.random() < 0.002:  # it starts on an empty database
            self.offers.clear()
            self.images.clear()
            self.due = dict.fromkeys(self.due, 0)

    # ---- the chain's rules ----------------------------------------------------------------------------------

    def _land(self, action: Action) -> None:
        """What the contract makes of a transaction: it takes effect, or reverts."""
        job = self.jobs[action.job_id]
        state = job.state_at(self.now, ESCROW)
        run = job.current
        changed: JobFacts | None = None
        match action:
            case Decline() if state is JobState.OPEN:
                changed = replace(
                    job, state=JobState.CLOSED, deposit=0, ended_why="declined", settled=True
                )
            case Lapse(attempt=attempt) if (
                state is JobState.RUNNING
                and attempt == job.attempt
                and run is not None
                and self.now > run.reported_at + ESCROW.lapse_after
            ):
                left = max(1, job.duration - (run.reported_at - run.started_at))
                settled = tuple(replace(one, settled=True) for one in job.runs)
                changed = replace(
                    job, state=JobState.OPEN, attempt=job.attempt + 1, runs=settled,
                    deadline=self.now + job.terms.claim_within, duration=left,
                )  # fmt: skip
            case Refund() if state is JobState.ENDED:
                grace = 0 if run is None or run.settled else ESCROW.settle_grace
                if self.now > job.deadline + grace or run is None:
                    settled = tuple(replace(one, settled=True) for one in job.runs)
                    changed = replace(
                        job, state=JobState.ENDED, deposit=0, settled=True, runs=settled
                    )
        if changed is not None:
            self.acts.append(f"{type(action).__name__} {job.job_id[-2:]}/{job.attempt}")
            self._change(changed)

    def _change(self, job: JobFacts) -> None:
        self.jobs[job.job_id] = job
        self.due[job.job_id] = 0

    # ---- agents ---------------------------------------------------------------------------------------------

    def _agent(self, machine: Machine) -> None:
        if machine.container is not None and self.now >= machine.stops_at:
            machine.container = None  # by the guard beside it, whether the agent lives or not
        if not machine.is_up(self.now):
            return
        if machine.container is not None:
            self._carry_on(machine, *machine.container)
            return
        for job_id, (attempt, offer) in list(self.offers.items()):
            job = self.jobs[job_id]
            usable = offer.provider == machine.agent and self.now <= offer.deadline
            takes = job.state_at(self.now, ESCROW) is JobState.OPEN and attempt == job.attempt
            if usable and takes and self.dice.random() < 0.5:
                run = RunFacts(attempt, machine.agent, 1, DIGEST, self.now, self.now)
                ends = self.now + job.duration
                runs = (*job.runs, run)
                self._change(replace(job, state=JobState.RUNNING, deadline=ends, runs=runs))
                machine.container, machine.stops_at = (job_id, attempt), self.now + LEASE
                return

    def _carry_on(self, machine: Machine, job_id: JobId, attempt: int) -> None:
        job = self.jobs[job_id]
        run = job.run(attempt)
        over = job.state_at(self.now, ESCROW) is not JobState.RUNNING or job.attempt != attempt
        if over or run is None:
            machine.container = None
            return
        if self.now - run.started_at >= self.runs_for[job_id]:
            machine.container = None
            done = (*job.runs[:-1], replace(run, settled=True, exit_code=0))
            ended = replace(job, state=JobState.ENDED, deadline=self.now, settled=True, runs=done)
            self._change(ended)
        elif self.now - run.reported_at >= REPORT_EVERY:
            reported = (*job.runs[:-1], replace(run, reported_at=self.now))
            self._change(replace(job, runs=reported))
            machine.stops_at = self.now + LEASE

    # ---- the scheduler --------------------------------------------------------------------------------------

    def _look(self, job_id: JobId) -> None:
        job = self.jobs[job_id]
        step = decide(job, self._see(job), RULES, self.now)
        if isinstance(step, Wait):
            self.due[job_id] = step.until
            return
        act: dict[type, Callable[[], None]] = {
            Build: lambda: self._build(job_id),
            Assign: lambda: self._assign(job),
        }
        if type(step) in act:
            self.due[job_id] = self.now + 1
            act[type(step)]()
            return
        if self.dice.random() < 0.8:  # else it never left; either way it is asked again
            self.in_flight.append((self.now + self.dice.randrange(1, 20), step))
        self.due[job_id] = self.now + 2

    def _see(self, job: JobFacts) -> Seen:
        if self.now < self.blind_until:
            return Seen()
        offered = self.offers.get(job.job_id)
        offer = None
        if offered is not None and offered[0] == job.attempt:
            machine = next(one for one in self.machines if one.agent == offered[1].provider)
            offer = replace(offered[1], live=machine.is_up(self.now))
        return Seen(synced=True, image=self._image(job.job_id), offer=offer, choice=self._choice())

    def _image(self, job_id: JobId) -> Image | Refused | Postponed | InHand | Unseen | None:
        if self.now < self.engine_down_until:
            silent = Postponed(self.now + 5, "the Engine does not answer")
            return UNSEEN if self.dice.random() < 0.5 else silent
        if job_id not in self.images:
            return None
        ready_at, builds = self.images[job_id]
        if self.now < ready_at:
            return InHand("building")
        return Image(DIGEST) if builds else Refused("it does not build")

    def _free(self) -> list[Machine]:
        return [one for one in self.machines if one.is_up(self.now) and one.container is None]

    def _choice(self) -> Choice | Unseen:
        if self.dice.random() < 0.05:
            return UNSEEN
        free = self._free()
        agent = free[0].agent if free else None
        return Choice(agent, 1 if agent else None, len(free), len(self.machines), {"busy": 1})

    def _build(self, job_id: JobId) -> None:
        if self.now >= self.engine_down_until:
            self.images[job_id] = (self.now + self.dice.randrange(1, 30), self.dice.random() < 0.9)

    def _assign(self, job: JobFacts) -> None:
        free = self._free()
        if free:
            agent = self.dice.choice(free).agent
            offer = Offered(agent, DIGEST, self.now + OFFER_S, "", live=True)
            self.offers[job.job_id] = (job.attempt, offer)


assert ESCROW.lapse_after + LAPSE_MARGIN > LEASE
