from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.speed import ENOUGH, FEW_ERROR, LEAST_ERROR, Slice, Work, fit, together


def slices(*work, prefilled=0.001, request=0.02, decoded=0.004):
    return [Slice(p * prefilled + n * request + d * decoded, p, n, d) for p, n, d in work]


VARIED = [(1000 + 137 * i % 900, 20 + i * 7 % 30, i * 91 % 500) for i in range(16)]


def test_too_little_says_nothing():
    assert fit([slices((1000, ENOUGH - 1, 0))], {}, 0.0) is None
    assert fit([], {}, 0.0) is None


def test_a_stretch_without_work_says_nothing_of_the_speed():
    idle = [Slice(50.0, 0.0, 0.0, 0.0)] * 3
    assert fit([[*slices(*VARIED), *idle], idle], {}, 0.0) == fit([slices(*VARIED)], {}, 0.0)
    assert fit([idle * 99], {}, 0.0) is None


def test_what_varies_is_told_apart():
    speed = fit([slices(*VARIED * 20)], {"summary": 50.0}, 0.01)
    assert (speed.prefilled, speed.request, speed.decoded) == pytest.approx((0.001, 0.02, 0.004), rel=0.1)


def test_what_was_measured_is_predicted_whatever_could_be_told_apart():
    alike = slices(*[(1000, 20, 0)] * 12)
    predicted = fit([alike], {"sentiment": 0.0}, 0.0).predict("sentiment", Work(12_000, 240))
    assert predicted.makespan == pytest.approx(sum(piece.seconds for piece in alike))
    assert predicted.decode == 0.0


def test_the_learned_length_of_answers_counts_and_its_latency_comes_on_top():
    speed = fit([slices(*VARIED * 20)], {"summary": 50.0}, 0.01)
    plain, long = speed.predict("sentiment", Work(1000, 10)), speed.predict("summary", Work(1000, 10))
    assert plain.prefill == long.prefill
    assert long.decode == pytest.approx(10 * 50 * speed.decoded)
    assert long.tail == pytest.approx(0.5)
    assert plain.makespan < long.makespan


def test_a_task_that_was_never_measured_is_taken_to_decode_what_its_load_says():
    speed = fit([slices(*VARIED * 20)], {"summary": 50.0}, 0.01)
    assert speed.predict("mine", Work(1000, 10, 300)).decode == pytest.approx(300 * speed.decoded)
    assert speed.predict("summary", Work(1000, 10, 300)).decode == pytest.approx(500 * speed.decoded)


def test_several_tasks_take_the_sum_and_the_longest_tail():
    speed = fit([slices(*VARIED * 20)], {"summary": 50.0}, 0.01)
    one, two = speed.predict("sentiment", Work(1000, 10)), speed.predict("summary", Work(500, 5))
    both = together([one, two])
    assert both.makespan == pytest.approx(one.makespan + two.makespan)
    assert both.tail == two.tail


def test_the_band_is_how_far_off_runs_are_when_predicted_from_the_others():
    def run(factor):
        return [replace(piece, seconds=piece.seconds * factor) for piece in slices(*[(1000, 20, 100)] * 16)]

    assert fit([run(1.0), run(9.0)], {}, 0.0).error == FEW_ERROR
    assert fit([run(1.0), run(1.0), run(1.0)], {}, 0.0).error == LEAST_ERROR
    speed = fit([run(1.0), run(1.0), run(1.2)], {}, 0.0)
    assert 0.1 < speed.error < 0.2
    figures = speed.predict("sentiment", Work(1000, 10)).figures()
    assert figures["low_s"] == pytest.approx(figures["makespan_s"] * (1 - speed.error))
    assert figures["high_s"] == pytest.approx(figures["makespan_s"] * (1 + speed.error))


@given(
    st.lists(
        st.builds(Slice, st.floats(0.01, 100), st.floats(1, 1e6), st.floats(20, 1e4), st.floats(0, 1e6)),
        min_size=10, max_size=40,
    )
)  # fmt: skip
def test_nothing_measured_makes_a_price_negative_and_the_total_is_met(pieces):
    speed = fit([pieces], {}, 0.0)
    assert min(speed.prefilled, speed.request, speed.decoded) > 0
    total = sum(p.prefilled * speed.prefilled + p.requests * speed.request + p.decoded * speed.decoded for p in pieces)
    assert total == pytest.approx(sum(p.seconds for p in pieces))
