import math
from types import SimpleNamespace

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

TEMPLATE = TokenizedTemplate(tuple(range(100)), (7,), Sampling(max_tokens=1), template=PromptTemplate("", ""))
SLOTS = 4


class Prompts:
    """Puts every request into the same template."""

    def prompt(self, request: StoredRequest) -> list[int]:
        return TEMPLATE.around(request.body)

    def sampling(self, request: StoredRequest) -> Sampling:
        return TEMPLATE.sampling.roomier() if request.again else TEMPLATE.sampling


class Watched(Admission):
    """Tells the ETA of what lands, as the loop does."""

    def land(self, done):
        flight = super().land(done)
        self._eta.finish(flight.work, done)
        return flight


def admission(
    n: int = 40,
    *,
    body: int = 20,
    kv_cache_tokens: int = 10**6,
    deadline: float = math.inf,
    predicted: float = 0.0,
    batched: bool = False,
) -> Watched:
    tokens = TEMPLATE.tokens + body
    jobs = JobQueue(POLICIES["prefill"], [Job(id=0, task="sentiment", cost=1, position=0)])
    requests = [
        StoredRequest(
            id=i, task="sentiment", form="ask.en", body=[i] * body, prompt_tokens=tokens, shared_prefix=100,
            reviews_prefix=100, expected_output_tokens=0.0, schema=None, shared=False,
        )
        for i in range(n)
    ]  # fmt: skip
    work = sum((request.work(32, after_sibling=False) for request in requests), Work())
    engine = SimpleNamespace(limits=Limits(SLOTS, 60, 32), replicas=[Replica(0, kv_cache_tokens)])
    return Watched(
        RequestQueue(jobs, lambda _: iter(requests)),
        Prompts(),
        engine,
        Eta(n, work, EngineStats(), predicted),
        deadline=deadline,
        batched=batched,
        now=0.0,
    )


def completion(id_: int) -> Completion:
    return Completion(
        id_, "", {}, Timing(0, 0, 0, 0, prompt_tokens=121, cached_tokens=96, output_tokens=1, preemptions=0)
    )


def land(admission: Watched, *ids: int) -> None:
    for id_ in ids:
        admission.land(completion(id_))


def ids(group) -> list[int]:
    return [request.id for request in group]


def test_the_first_goes_alone_and_then_as_many_as_keep_every_slot_busy():
    it = admission()
    assert ids(it.admit(0.0)) == [0]
    assert it.dry
    assert ids(it.admit(1.0)) == list(range(1, DEPTH * SLOTS))
    assert not it.dry
    land(it, 0, 1, 2)
    assert ids(it.admit(2.0)) == [8, 9, 10]
    assert not it.dry


def test_a_full_kv_cache_is_no_dry_engine():
    it = admission(kv_cache_tokens=150)  # two prompts, whose common blocks are there once, and their answers
    it.admit(0.0)
    assert ids(it.admit(1.0)) == [1]
    assert len(it) == 2
    assert not it.dry


def test_an_empty_queue_is_no_dry_engine():
    it = admission(n=1)
    assert ids(it.admit(0.0)) == [0]
    assert not it.dry


def test_a_flight_knows_what_should_be_cached():
    it = admission(n=2)
    it.admit(0.0)
    it.admit(1.0)
    first, second = (
        it.land(
            Completion(
                n, "", {}, Timing(0, 0, 0, 0, prompt_tokens=121, cached_tokens=96, output_tokens=1, preemptions=0)
            )
        )
        for n in range(2)
    )
    assert (first.expected_cached, first.turn.job.id, first.admitted) == (0, 0, 0.0)
    assert (second.expected_cached, second.admitted) == (96, 1.0)


def test_what_is_asked_a_second_time_goes_before_all_others_and_with_more_room():
    it = admission(n=20)
    it.admit(0.0)
    flight = it.land(
        Completion(0, "", {}, Timing(0, 0, 0, 0, prompt_tokens=121, cached_tokens=96, output_tokens=1, preemptions=0))
    )
    it.readmit(flight)
    first, *others = it.admit(1.0)
    assert (first.id, first.sampling.max_tokens) == (0, 4)
    assert ids(others) == list(range(1, DEPTH * SLOTS))


def test_a_batch_is_what_one_step_computes_and_nothing_joins_it():
    it = admission(n=9, batched=True)  # 121 tokens less 96 cached ones are 25 to compute, and a step computes 60
    assert ids(it.admit(0.0)) == [0]  # which nothing is cached for yet
    land(it, 0)
    assert ids(it.admit(1.0)) == [1, 2]
    it = admission(n=9, body=0, batched=True)  # 5 to compute: now the slots are the bound
    it.admit(0.0)
    land(it, 0)
    assert ids(it.admit(1.0)) == [1, 2, 3, 4]


def test_near_the_deadline_only_what_can_be_expected_to_finish_is_admitted():
    it = admission(deadline=10.0)
    assert ids(it.admit(0.0)) == [0]
    assert ids(it.admit(1.0)) == []  # there is no pace yet to go by
    land(it, 0)
    assert ids(it.admit(2.0)) == [1, 2, 3]  # two seconds each and a step of one: the third would be done after nine
    land(it, 1, 2, 3)
    assert ids(it.admit(4.0)) == [4, 5, 6, 7]  # one second each, and a step of two
    land(it, 4, 5, 6)
    assert ids(it.admit(7.0)) == []  # a step takes three by now, and one is in flight
    land(it, 7)
    assert ids(it.admit(8.0)) == [8]  # alone it is done in time
    assert not it.dry


def test_before_there_is_a_pace_the_predicted_one_counts():
    assert ids(admission(deadline=10.0, predicted=399.0).admit(0.0)) == [0]  # 40 requests in 399 s
    assert ids(admission(deadline=10.0, predicted=401.0).admit(0.0)) == []


def test_after_the_deadline_nothing_is_admitted():
    assert admission(deadline=-1.0).admit(0.0) == []


def test_an_engine_that_was_started_anew_is_not_expected_to_remember():
    it = admission()
    it.admit(0.0)
    land(it, 0)
    it.admit(1.0)
    assert it.land(completion(1)).expected_cached == 96
    it._engine.replicas = [Replica(0, 10**6, restarts=1)]
    (late, *_) = it.admit(2.0)
    # What was in flight goes again: the first of it finds nothing, the others what it has left.
    assert [it.land(completion(n)).expected_cached for n in (2, 3, 4)] == [0, 96, 96]
    assert it.land(completion(late.id)).expected_cached == 96


def test_batches_after_a_death_are_cut_for_an_empty_cache():
    it = admission(batched=True)
    assert len(it.admit(0.0)) == 1  # 121 tokens, of which a step takes 60
    land(it, 0)
    assert len(it.admit(1.0)) == 2  # 25 to compute for each: the others are in the cache
    land(it, 1, 2)
    it._engine.replicas = [Replica(0, 10**6, restarts=1)]
    assert len(it.admit(2.0)) == 1
