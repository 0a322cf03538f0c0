"""The verdict: whether a run is done, and whether anything is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ledger.records import RunStatus
from pipelines.models import catalog, tiny
from pipelines.output.page import reasons, said
from pipelines.output.results import MANY

MANY_REJECTS = 0.05
ALL_ALIKE, ENOUGH = 0.98, 50  # so large a share of so many rows has one label
LESS_CACHED = 0.8  # of what was foreseen

HOW = {
    RunStatus.DONE: "Done",
    RunStatus.DEADLINE: "Stopped at the deadline",
    RunStatus.STOPPED: "Stopped by an error or a signal",
    RunStatus.RUNNING: "Did not end: it is still running, or was killed",
}


def sentence(report: Mapping[str, Any], noun: str, wall: float) -> str:
    """Return the verdict in one sentence."""
    rows = report["rows"]
    took = f" in {said.seconds(wall)}" if wall else ""
    parts = [f"{rows['answered']:,} of {said.many(rows['in'], noun)} answered{took}"]
    if rows["rejected"]:
        reason, *others = rows["rejects_by_reason"] or [""]
        mostly = f", {'mostly' if others else 'all'} {reasons.meaning(reason)}" if reason else ""
        parts.append(f"{rows['rejected']:,} rejected{mostly}")
    if rows["waiting"]:
        parts.append(f"{rows['waiting']:,} still to ask")
    return f"{HOW[report['run']['status']]}: {'; '.join(parts)}."


def has_labels(task: Mapping[str, Any]) -> bool:
    """Say whether a task's answers are labels: those alone are calibrated."""
    return "calibration" in task and sum((task.get("labels") or {}).values()) > 0


def grade(report: Mapping[str, Any], found: list[str]) -> str:
    """Return how it stands in a word: good, look or bad."""
    if report["run"]["status"] != RunStatus.DONE or not report["rows"]["answered"]:
        return "bad"
    return "look" if found else "good"


def warnings(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong or may be, each with what to do about it."""
    run, rows = report["run"], report["rows"]
    yield from _end(run)
    yield from _of_model(run)
    if not rows["answered"]:
        yield "Nothing is answered. Where that is no wonder, wait; else engine.log and the rejects below say why."
    if rows["rejected"] > MANY_REJECTS * rows["in"]:
        yield f"{said.share(rows['rejected'], rows['in'])} of the rows were rejected. See below why, and what to do."
    if restarts := run.get("engine_restarts"):
        yield f"The engine died {said.many(restarts, 'time')} and was started again. engine.log says of what."
    for kept in run.get("kept", ()):
        if kept["other"]:
            versions = " and ".join(filter(None, (kept["vllm"] and f"vLLM {kept['vllm']}", kept["dtype"])))
            about = f" ({versions})" if versions else ""
            many = said.many(kept["answers"], "answer")
            yield f"{many} of another vLLM or number format{about} kept; --again asks afresh."
    if passed := run.get("corpus", {}).get("passed_over", {}).get("files"):
        yield f"Beside the input {said.many(passed, 'file')} of a kind that is not read lay and were passed over."
    predicted = run.get("predicted")
    if predicted and run["status"] == RunStatus.DONE and run.get("makespan_s", 0) > predicted["high_s"]:
        yield (
            f"The work took {said.seconds(run['makespan_s'])}, and the plan had {said.seconds(predicted['high_s'])} at "
            "most. Did something else run on the machine?"
        )
    for name, task in report["tasks"].items():
        yield from (f"{name}: {warning}" for warning in _of_task(task))


def _end(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a run ended, unless it is simply done."""
    how = run.get("exit", {})
    if how.get("status"):
        more = f" Next: {how['next']}" if "next" in how else ""
        yield f"The run ended with status {how['status']}: {how['reason']}.{more}"
    elif run["status"] != RunStatus.DONE:
        yield "The run did not finish. The same command on the same folder continues; nothing answered is asked twice."


def _of_model(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield what its model is not up to."""
    if run.get("model") == tiny.NAME:
        yield f"The weights of {tiny.NAME} are random: that it ran is all that these answers say."
    if foreign := catalog.foreign(run.get("model", ""), run.get("corpus", {}).get("languages", {})):
        yield (
            f"Not in English: {said.many(foreign, 'row')}. {run['model']} hardly knows other languages: for answers "
            "worth reading take a larger --model."
        )


def _of_task(task: Mapping[str, Any]) -> Iterator[str]:
    labels, jobs = task.get("labels") or {}, task["jobs"]
    total = sum(labels.values())
    if has_labels(task) and total >= ENOUGH and max(labels.values()) >= ALL_ALIKE * total:
        label = max(labels, key=lambda name: labels[name])
        yield f"{said.share(labels[label], total)} have the label {label}. Is the model too small for it? See a few."
    if (lost := task.get("ungrounded", 0)) > total:
        yield (
            f"{lost:,} of {said.many(lost + total, 'point')} stand nowhere in their review and were left out. Is the "
            "model too small for it?"
        )
    elif labels and not total and task["outcome"]["answered"] >= MANY:
        yield "No answer says anything. The model may not be up to it."
    if suspicious := task.get("suspicious"):
        many = said.many(suspicious, "text")
        yield f"{many} spoke to the model; what was said to it was taken out (suspicious is true in the results)."
    if jobs["promised"] > jobs["met"]:
        late = jobs["promised"] - jobs["met"]
        yield f"{late:,} of {said.many(jobs['promised'], 'job')} were not done by the time promised."
    if task["retried"]:
        were = "was" if task["retried"] == 1 else "were"
        yield f"{said.many(task['retried'], 'request')} {were} asked twice, for the first answer was none."
    if task["cached_tokens"] < LESS_CACHED * task["expected_cached_tokens"]:
        yield (
            f"Only {said.share(task['cached_tokens'], task['expected_cached_tokens'])} of the tokens that should have "
            "been in the engine's memory were. More KV cache, or fewer requests at once, would help."
        )
