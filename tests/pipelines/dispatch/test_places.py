"""Admission over several replicas: who goes where, and what becomes of it when one comes or goes."""

import math
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dispatch.admission import Admission
from pipelines.dispatch.eta import Eta
from pipelines.dispatch.place import DEPTH
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, EngineStats, Limits, Replica, Sampling, Timing
from pipelines.ledger.records import StoredRequest
from pipelines.prompts.template import PromptTemplate, TokenizedTemplate
from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Work

HEADER, REVIEWS = 64, 64  # tokens, both whole blocks
TEMPLATE = TokenizedTemplate(tuple(range(HEADER)), (7,), Sampling(max_tokens=1), template=PromptTemplate("", ""))
SLOTS = 2


class Prompts:
    def prompt(self, request):
        return TEMPLATE.around(request.body)

    def sampling(self, request):
        return TEMPLATE.sampling


def asked(id_: int, reviews: int | None = None, size: int = 20) -> StoredRequest:
    """Return a request of its own, or one whose prompt begins with some reviews."""
    body = [1000 + id_] * size if reviews is None else [reviews] * REVIEWS + [1000 + id_] * size
    return StoredRequest(
        id=id_, task="sentiment", form="ask.en", body=body, prompt_tokens=HEADER + len(body) + 1, shared_prefix=HEADER,
        reviews_prefix=HEADER if reviews is None else HEADER + REVIEWS, expected_output_tokens=0.0, schema=None, shared=False,
    )  # fmt: skip


def admission(jobs: dict[int, list[StoredRequest]], replicas: int, **given) -> Admission:
    queue = JobQueue(POLICIES["fifo"], [Job(id=n, task="sentiment", cost=1, position=n) for n in jobs])
    work = sum((one.work(32, after_sibling=False) for job in jobs.values() for one in job), Work())
    engine = SimpleNamespace(limits=Limits(SLOTS, 4096, 32), replicas=[Replica(n, 10**6) for n in range(replicas)])
    it = Admission(
        RequestQueue(queue, lambda job: iter(jobs[job])), Prompts(), engine, Eta(len(jobs), work, EngineStats(), 0.0),
        **{"deadline": math.inf, "batched": False, "now": 0.0, **given},
    )  # fmt: skip
    it.engine = engine
    return it


def land(it: Admission, *ids: int) -> None:
    for id_ in ids:
        timing = Timing(0, 0, 0, 0, prompt_tokens=90, cached_tokens=0, output_tokens=1, preemptions=0)
        flight = it.land(Completion(id_, "", {}, timing))
        it._eta.finish(flight.work, Completion(id_, "", {}, timing))


def places(group) -> dict[int, int]:
    return {request.id: request.replica for request in group}


def test_the_best_goes_first_and_all_replicas_are_kept_busy():
    it = admission({0: [asked(n) for n in range(40)]}, 3)
    assert places(it.admit(0.0)) == {0: 0, 1: 1, 2: 2}, "each begins with one"
    assert it.admit(0.5) == [], "and has no more until that is answered: it may be slow"
    land(it, 0, 1, 2)
    group = it.admit(1.0)
    assert [request.id for request in group] == [*range(3, 3 + DEPTH * SLOTS * 3)]
    assert sorted(places(group).values()) == sorted([0, 1, 2] * DEPTH * SLOTS)
    land(it, 4)
    freed = places(group)[4]
    assert places(it.admit(2.0)) == {15: freed}
    assert it.admit(3.0) == []


def test_prompts_over_the_same_reviews_go_to_one_replica():
    jobs = {n: [asked(10 * n + reviews, reviews) for reviews in range(4)] for n in range(3)}
    it = admission(jobs, 2)
    went = places(it.admit(0.0)) | places(it.admit(1.0))
    while len(it):
        land(it, *it._flights)
        went |= places(it.admit(2.0))
    assert len(went) == 12
    for reviews in range(4):
        assert len({went[10 * n + reviews] for n in range(3)}) == 1
    assert len(set(went.values())) == 2, "and not all to the same"


def test_what_waits_for_a_full_replica_lets_others_pass_and_goes_next_there():
    it = admission(
        {0: [asked(0, reviews=5)], 1: [asked(n) for n in range(10, 19)], 2: [asked(1, reviews=5)], 3: [asked(20)]}, 2
    )
    home = places(began := it.admit(0.0))[0]
    land(it, *places(began))
    filled = it.admit(1.0)
    assert len(it) == 2 * DEPTH * SLOTS
    other = next(request.id for request in filled if request.replica != home)
    land(it, other)
    assert places(it.admit(2.0)) == {20: 1 - home}, "the second over the reviews is passed by"
    land(it, next(id_ for id_, flight in it._flights.items() if flight.replica == home))
    assert places(it.admit(3.0)) == {1: home}
    assert it.land(Completion(1, "", {}, Timing(0, 0, 0, 0, prompt_tokens=90, cached_tokens=0, output_tokens=1, preemptions=0))).expected_cached == 128  # fmt: skip


def test_at_the_end_what_waits_for_a_replica_goes_to_an_idle_one():
    it = admission({0: [asked(0, reviews=5), asked(9)], 1: [asked(n, reviews=5) for n in range(1, 7)]}, 2)
    home = places(began := it.admit(0.0))[0]
    land(it, *places(began))
    went = places(it.admit(1.0))
    assert sum(place == home for place in went.values()) == DEPTH * SLOTS
    assert set(went.values()) == {0, 1}, "an idle replica is worse than computing the reviews twice"


def test_what_a_lost_replica_had_goes_elsewhere_before_all_others():
    it = admission({0: [asked(n) for n in range(30)]}, 2)
    land(it, *places(it.admit(0.0)))
    it.admit(1.0)
    lost = {id_ for id_, flight in it._flights.items() if flight.replica == 1}
    it.engine.replicas = [it.engine.replicas[0]]
    kept = set(it._flights) - lost
    assert it.admit(2.0) == []
    assert set(it._flights) == kept
    assert it.in_flight == pytest.approx(sum(flight.work.size for flight in it._flights.values()))
    land(it, *kept)
    again = places(it.admit(3.0))
    assert set(again) == lost
    assert set(again.values()) == {0}


def test_one_that_joins_late_is_used_and_one_that_is_not_up_is_not():
    it = admission({0: [asked(n) for n in range(60)]}, 1)
    it.admit(0.0)
    it.admit(1.0)
    it.engine.replicas = [*it.engine.replicas, Replica(7, 10**6)]
    late = it.admit(2.0)
    assert set(places(late).values()) == {7}
    it.engine.replicas = [Replica(0, 10**6, up=False), it.engine.replicas[1]]
    land(it, *[id_ for id_, flight in it._flights.items() if flight.replica == 0], *places(late))
    assert set(places(it.admit(3.0)).values()) == {7}
    it.engine.replicas = [Replica(0, 10**6, restarts=1), it.engine.replicas[1]]
    assert set(places(it.admit(4.0)).values()) == {0}


def test_at_the_end_a_slow_one_gets_nothing_that_a_fast_one_does_sooner():
    it = admission({0: [asked(n) for n in range(100)]}, 2)
    speeds, began, now, last = {0: 0.1, 1: 10.0}, {0: 0.0, 1: 0.0}, 0.0, {0: 0, 1: 0}
    flying = {0: [], 1: []}
    for request in it.admit(now):
        flying[request.replica].append(request.id)
    while len(it):
        replica = min((r for r in flying if flying[r]), key=lambda r: began[r] + 1 / speeds[r])
        now = max(now, began[replica] + 1 / speeds[replica])
        began[replica] = now
        land(it, flying[replica].pop(0))
        last[replica] = now
        for request in it.admit(now):
            if not flying[request.replica]:
                began[request.replica] = now
            flying[request.replica].append(request.id)
    # It is given its window at first, when nobody knows yet; 100 requests in all would take the two 10 s at best.
    assert last[0] <= 60.0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), replicas=st.integers(1, 5), jobs=st.integers(1, 12))
def test_every_request_lands_once_whatever_happens_to_the_replicas(seed, replicas, jobs):
    chance = random.Random(seed)
    ids = iter(range(10_000))
    made = {
        n: [asked(next(ids), chance.choice([None, 1, 2, 3])) for _ in range(chance.randrange(1, 9))]
        for n in range(jobs)
    }
    it = admission(made, replicas)
    landed, now, number = [], 0.0, replicas
    for _ in range(5000):
        now += 1.0
        group = it.admit(now)
        assert {request.replica for request in group} <= {one.number for one in it.engine.replicas if one.up}
        if not len(it) and not group:
            break
        done = chance.sample([*it._flights], chance.randrange(len(it._flights) + 1))
        land(it, *done)
        landed += done
        match chance.randrange(8):
            case 0 if len(it.engine.replicas) > 1:
                it.engine.replicas = it.engine.replicas[1:]
            case 1:
                it.engine.replicas, number = [*it.engine.replicas, Replica(number, 10**6)], number + 1
            case 2:
                first, *rest = it.engine.replicas
                it.engine.replicas = [Replica(first.number, 10**6, first.restarts + 1), *rest]
    assert sorted(landed) == sorted(one.id for job in made.values() for one in job)
    assert it.in_flight == pytest.approx(0.0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), replicas=st.integers(1, 5), max_wait=st.sampled_from([3.0, 10.0, math.inf]))
def test_whoever_is_best_goes_next_wherever_there_is_room(seed, replicas, max_wait):
    chance = random.Random(seed)
    jobs = {n: [asked(100 * n + i) for i in range(chance.randrange(1, 9))] for n in range(12)}
    ranked = [Job(id=n, task="sentiment", cost=chance.randrange(100), position=n) for n in jobs]
    it = admission(jobs, replicas)
    it._queue, alone = (
        RequestQueue(JobQueue(POLICIES["prefill"], ranked, max_wait=max_wait), lambda job: iter(jobs[job]))
        for _ in range(2)
    )
    now = 0.0
    while (group := it.admit(now)) or len(it):
        for request in group:
            best, _ = alone.peek(now)
            assert request.id == best.id
            alone.take()
        alone.peek(now)  # as the admission has: whose turn it was then has begun
        land(it, *chance.sample([*it._flights], chance.randrange(1, len(it._flights) + 1)))
        now += 1.0
    assert alone.peek(now) is None
