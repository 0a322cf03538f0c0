"""The page of a comparison: it makes the point, and is text whatever things are called."""

import re
from xml.etree import ElementTree as ET

import pytest

from pipelines.comparison import _ratios, _summary, _verdict
from pipelines.output.page import comparison
from scheduling.policy import POLICIES

EVIL = "<script>alert(1)</script>"


def compared(halves: dict[str, list[float]], *, jobs: int = 60, **more) -> dict:
    """Make a comparison of policies by when half of the jobs were done in each pass; twice as late all were."""
    passes = {name: [figures(half) for half in of] for name, of in halves.items()}
    first, *others = passes
    found = {
        "schema": 1, "started": "2026-01-31T06:00:00+00:00", "model": "tiny", "device": "cpu", "vllm": "0.32.0",
        "dtype": "float32", "context": 512, "engine": {"max_num_seqs": 8}, "tasks": ["sentiment"], "unit": "restaurant",
        "rows": 1320, "jobs": jobs, "requests": 1368, "sla": {}, "ageing": 0.0, "max_wait_s": None,
        "repeat": len(passes[first]),
        "policies": {
            name: {
                "ordered_by": name,
                **_summary(of),
                "done_s": [[2 * half * (n + 1) / jobs for n in range(jobs)] for half in halves[name]],
            }
            for name, of in passes.items()
        },
        "against_first": {name: _ratios(passes[first], passes[name]) for name in others},
    } | more  # fmt: skip
    return found | {"verdict": [_verdict(found, name) for name in others]}


def figures(half: float) -> dict[str, float | None]:
    return {"makespan_s": 36.0, "job_completion_p50_s": half, "ttft_p50_s": None, "sla_attainment": 0.5}


def read(page: str) -> str:
    """Return the text of a page, which is well formed, has one main picture and asks for nothing."""
    assert not re.findall(r"https?://|src=|@import|<link|<script|url\((?!#)", page)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))
    assert "default-src 'none'" in page
    strict = re.sub(r"<(meta[^>]*|br)>", r"<\1/>", page.removeprefix("<!doctype html>").replace("&nbsp;", " "))
    return " ".join(" ".join(ET.fromstring(strict).itertext()).split())


def test_the_point_is_made_in_human_units_and_in_one_picture():
    page = comparison.render(compared({"fifo": [31.0, 30.0, 32.0], "prefill": [12.0, 11.0, 13.0]}))
    text = read(page)
    assert (
        "prefill against fifo: half of the restaurants were done after 12 s in place of 31 s (0.39x), "
        "all of the work after 36 s in place of 36 s (1.00x, within the noise)."
    ) in text
    assert page.count("<svg") == 1
    assert (
        "half of the restaurants are done after 31 s 30 s to 32 s 12 s 11 s to 13 s 0.39x more than the noise" in text
    )
    assert "done in the time promised 50 %" in text
    assert "have a first token after" not in text, "nobody knows it"
    for fact in ("restaurants 60", "rows 1,320", "requests a pass 1,368", "passes of each order 3"):
        assert fact in text
    for fact in ("tiny", "ran on cpu", "vLLM 0.32.0", "engine arguments max_num_seqs=8", "31 January 2026"):
        assert fact in text


def test_one_pass_says_nothing_about_noise():
    page = comparison.render(compared({"fifo": [31.0], "prefill": [12.0]}))
    text = read(page)
    assert "half of the restaurants are done after 31 s 12 s 0.39x all of" in text
    assert "which says nothing about noise: --repeat 3" in text
    assert "the noise" not in text
    assert "passes of each order, the strong one" not in text


def test_what_models_policies_and_tasks_are_called_is_text():
    found = compared({"fifo": [31.0], EVIL: [12.0]}, model=EVIL, tasks=[EVIL], device=EVIL, engine={EVIL: EVIL})
    text = read(comparison.render(found))
    assert text.count(EVIL) > 7


def test_curves_of_many_policies_are_told_apart():
    names = [*POLICIES, "auto", "one", "another", "a third", "a fourth", "a fifth"]
    page = comparison.render(compared({name: [10.0 + n] for n, name in enumerate(names)}))
    text = read(page)
    assert all(f"{name} against prefill: half of the restaurants" in text for name in names[1:])
    strong = re.findall(
        r"fill: none; (?:stroke-dasharray: ([^;]+);)?[^\"]*stroke: (var\([^)]+\)); stroke-width: 1.8", page
    )
    looks = strong[: len(names)]  # those of the legend follow
    assert len(set(looks)) == len(names), looks


def test_work_of_which_nothing_came_has_a_page_without_a_picture():
    page = comparison.render(compared({"fifo": [31.0], "prefill": [12.0]}, jobs=1) | {"policies": {
        name: {"ordered_by": name, "done_s": [[]]} for name in ("fifo", "prefill")
    }})  # fmt: skip
    assert "there is nothing to draw" in read(page)
    assert "<svg" not in page


@pytest.mark.parametrize("unit", ["query", "job"])
def test_jobs_are_called_what_they_are(unit):
    text = read(comparison.render(compared({"fifo": [31.0], "prefill": [12.0]}, unit=unit)))
    assert {"query": "half of the queries were", "job": "A job is one restaurant under one task"}[unit] in text


def test_every_order_is_explained():
    assert comparison.ORDERS.keys() == POLICIES.keys()


def test_it_takes_the_place_of_the_last_one_as_a_whole(tmp_path):
    path = comparison.write(tmp_path, compared({"fifo": [31.0], "prefill": [12.0]}))
    before = path.read_text()
    with pytest.raises(KeyError):
        comparison.write(tmp_path, {})
    assert [file.name for file in tmp_path.iterdir()] == ["compare.html"]
    assert path.read_text() == before
