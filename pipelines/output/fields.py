"""The fields: what stands in a report, and what it means.

A field need not be there that a run does not know yet, or that its task does not have; others may be added.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field

# pydantic reads no other on the oldest Python.
from typing_extensions import TypedDict

from pipelines.ledger.records import RunStatus


def _says(meaning: str, **about: Any) -> Any:
    return Field(description=meaning, **about)


class Distribution(TypedDict):
    """A time's distribution over requests or jobs, null where there were none."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class PassedOver(TypedDict):
    """Files that lay beside those that were read."""

    files: Annotated[int, _says("how many other files lay in the same folders")]
    first: Annotated[list[str], _says("the first of these other files")]


class Ratings(TypedDict):
    """The ratings of rows."""

    scale: NotRequired[Annotated[str, _says("the [scale](input.md#ratings) that ratings are on, if they are on one")]]
    rows_with: Annotated[int, _says("how many rows have a rating")]
    rows_without: Annotated[int, _says("how many rows have no rating")]


class Corpus(TypedDict):
    """Where the rows come from."""

    files: Annotated[int, _says("how many files were read")]
    passed_over: PassedOver
    languages: NotRequired[Annotated[dict[str, int], _says("how many rows are in each language, the commonest first")]]
    ratings: Ratings


class Kept(TypedDict):
    """Answers that earlier runs gave."""

    vllm: Annotated[str | None, _says("the version of vLLM that they are of, if known")]
    dtype: Annotated[str | None, _says("the number format that they are of, if known")]
    answers: Annotated[int, _says("how many answers to rows")]
    other: Annotated[bool, _says("whether this run's are of another of the two (`--again` asks afresh)")]


class Predicted(TypedDict):
    """What the plan said."""

    makespan_s: Annotated[float, _says("the makespan as it was planned")]
    low_s: Annotated[float, _says("the least that it might have been")]
    high_s: Annotated[float, _says("the most that it might have been")]
    prefill_s: Annotated[float, _says("of the planned makespan, computing prompts")]
    decode_s: Annotated[float, _says("of the planned makespan, answers after their first token")]
    tail_s: Annotated[float, _says("of the planned makespan, the last answer's decode, with little beside it")]


class Shard(TypedDict):
    """A part of the restaurants."""

    number: Annotated[int, _says("which [shard](operations.md#several-machines) of the corpus it was, from 0", ge=0)]
    of: Annotated[int, _says("how many shards there are", ge=1)]


class Exit(TypedDict):
    """How a run ended."""

    status: Annotated[int, _says("the [exit status](../README.md#every-night) of the program", ge=0)]
    reason: Annotated[str, _says("the reason in words, of an error the line that was printed")]
    next: NotRequired[Annotated[str, _says("the command that goes on; absent where none does")]]
    at: Annotated[float, _says("when it ended, in seconds since the epoch")]


class Run(TypedDict):
    """A run and its settings."""

    number: Annotated[int, _says("which run of this folder it was, from 1", ge=1)]
    status: Annotated[
        RunStatus,
        _says(
            "`running` (also when it was killed), `stopped` (by an error or a signal), `deadline` (with work left) or "
            "`done`"
        ),
    ]
    started: Annotated[str, _says("when it began, in UTC")]
    finished: NotRequired[Annotated[str, _says("when it ended, in UTC; absent while it runs, or when it was killed")]]
    exit: NotRequired[
        Annotated[
            Exit, _says("how it ended; absent where it did not, for it still runs or was killed, and of merged shards")
        ]
    ]
    model: Annotated[str, _says("the model as it was named")]
    fingerprint: Annotated[str, _says("a checksum of the model's files")]
    device: Annotated[str, _says("what vLLM ran on")]
    vllm: Annotated[str, _says("the version of vLLM")]
    policy: Annotated[str, _says("the [policy](scheduling.md) asked for")]
    ordered_by: NotRequired[Annotated[str, _says("the policy that the jobs went by")]]
    why: NotRequired[Annotated[str, _says("the reason where that is another than the one asked for")]]
    engine: Annotated[dict[str, Any], _says("the engine arguments given")]
    feed: Annotated[str, _says("how requests were fed")]
    sla: Annotated[dict[str, float], _says("the SLA of each task that has one, in seconds")]
    ageing: Annotated[float, _says("how many prompt tokens of cost a second of waiting made up for")]
    max_wait_s: Annotated[float | None, _says("after which wait a job went next; null without such")]
    lang: NotRequired[Annotated[str, _says("the language that all rows were taken to be in, where one was chosen")]]
    shard: NotRequired[Shard]
    shards: NotRequired[
        Annotated[
            int,
            _says(
                "how many shards were merged: counts are sums, times those of the shard that took longest, as they run "
                "side by side",
                ge=1,
            ),
        ]
    ]
    input: NotRequired[
        Annotated[
            int,
            _says(
                "the number of the input: that of the last run which wrote results, as long as they have a file and "
                "rows in common"
            ),
        ]
    ]
    corpus: NotRequired[Corpus]
    program_start_s: NotRequired[
        Annotated[float, _says("from the start of the program to that of the run: imports, and making the model ready")]
    ]
    plan_s: NotRequired[Annotated[float, _says("reading and tokenising the corpus")]]
    order_s: NotRequired[Annotated[float, _says("costing and ordering its jobs, once the engine is up")]]
    engine_start_s: NotRequired[Annotated[float, _says("loading the model; absent when nothing was left to ask")]]
    dtype: NotRequired[Annotated[str, _says("the format of the engine's numbers: bfloat16, float32, ...")]]
    context: NotRequired[
        Annotated[
            int, _says("the tokens that a prompt and its answer may have in the engine: what the longest needs", ge=1)
        ]
    ]
    kept: Annotated[list[Kept], _says("the answers that earlier runs gave, by vLLM and number format")]
    engine_up: NotRequired[
        Annotated[
            float,
            _says(
                "the moment that all times of the run count from, the queue's and the jobs' deadlines too, in seconds "
                "since the epoch"
            ),
        ]
    ]
    predicted: NotRequired[Annotated[Predicted, _says("what the plan said; absent without measurements")]]
    makespan_s: NotRequired[Annotated[float, _says("from the engine being up to the last answer")]]
    steps: NotRequired[Annotated[int, _says("engine steps")]]
    dry_steps: NotRequired[
        Annotated[int, _says("engine steps in which a slot was free that a waiting request could have had")]
    ]
    replicas: NotRequired[Annotated[int, _says("engines that were to work side by side")]]
    replica_speeds: NotRequired[
        Annotated[list[float], _says("how fast each of these engines was, in multiples of their mean")]
    ]
    engine_restarts: NotRequired[Annotated[int, _says("how often the engine died and was started again")]]
    restart_s: NotRequired[
        Annotated[float, _says("of the makespan, the time between deaths of the engine and its being up again")]
    ]
    sent_by_max_wait: NotRequired[
        Annotated[int, _says("jobs that went because they had waited too long, in place of another")]
    ]
    engine_stop_s: NotRequired[Annotated[float, _says("ending the engine")]]
    write_s: NotRequired[Annotated[float, _says("writing the results; the report comes after")]]
    wall_s: NotRequired[Annotated[float, _says("from the start of the program until the results are written")]]


Rows = TypedDict(
    "Rows",
    {
        "in": Annotated[int, _says("rows read; always `answered` + `rejected` + `waiting`")],
        "answered": Annotated[int, _says("rows with an answer under every task, from this run or an earlier one")],
        "rejected": Annotated[int, _says("rows of no use, or without an answer under a task")],
        "waiting": Annotated[int, _says("rows not asked yet under some task; 0 in a run that is done")],
        "rejects_by_reason": Annotated[
            dict[str, int],
            _says(
                "why rows were rejected, by [reason](#reasons-of-rejects); a row that is rejected under two tasks "
                "counts twice"
            ),
        ],
    },
)


class Outcome(TypedDict):
    """What has become of the rows of a task."""

    answered: Annotated[int, _says("rows answered under this task; a review counts as answered when its restaurant is")]
    rejected: Annotated[int, _says("rows without an answer under this task")]
    waiting: Annotated[int, _says("rows not asked yet under this task")]


class Jobs(TypedDict):
    """The jobs of a task."""

    count: Annotated[int, _says("jobs with something to ask in this run")]
    completed: Annotated[int, _says("jobs of this run that got an answer and wait for no other")]
    completion_s: Annotated[Distribution, _says("until a job's last answer, over the complete ones")]
    wait_s: Annotated[Distribution, _says("until a job's first request was scheduled")]
    longest_wait_s: Annotated[float | None, _says("the longest such wait")]
    promised: Annotated[int, _says("jobs with an SLA or a deadline")]
    met: Annotated[int, _says("jobs with an SLA or a deadline that were complete by it")]
    sla_attainment: Annotated[float | None, _says("met / promised; null when nothing was promised")]
    goodput_per_min: Annotated[float | None, _says("met per minute of the makespan; null when nothing was promised")]


class Task(TypedDict):
    """What was done for a task."""

    outcome: Outcome
    reviews: Annotated[int, _says("rows answered by this run's requests")]
    requests: Annotated[
        int,
        _says(
            "requests answered in this run; rows that ask the same thing share one, and the task's anchors are among "
            "them"
        ),
    ]
    retried: Annotated[int, _says("requests whose first answer was none, and the second was")]
    prompt_tokens: Annotated[int, _says("tokens of these requests' prompts")]
    cached_tokens: Annotated[int, _says("prompt tokens that were found in the prefix cache and not computed")]
    expected_cached_tokens: Annotated[
        int,
        _says(
            "prompt tokens that were to be found in the prefix cache, as foreseen before each request was sent (an "
            "engine that died and started again has forgotten more)"
        ),
    ]
    output_tokens: Annotated[int, _says("tokens of the answers")]
    preemptions: Annotated[int, _says("how often vLLM had to put a request back")]
    makespan_s: Annotated[float | None, _says("from the engine being up to the task's last answer")]
    reviews_per_s: Annotated[float | None, _says("the rows answered a second until the task's last answer")]
    queue_wait_s: Annotated[Distribution, _says("from a request's arrival to its first scheduler step")]
    ttft_s: Annotated[Distribution, _says("from a request's arrival to its first output token")]
    prefill_s: Annotated[Distribution, _says("from a request's first scheduler step to its first output token")]
    decode_s: Annotated[Distribution, _says("from a request's first output token to its last; 0 for tasks with labels")]
    completion_s: Annotated[Distribution, _says("from a request's arrival to its last output token")]
    jobs: Jobs
    figures: NotRequired[
        Annotated[list[str], _says("the names of those figures that are this task's alone: the fields below")]
    ]
    labels: NotRequired[
        Annotated[
            dict[str, int],
            _says(
                "how many rows got each label, of a task with labels; points by their side, summaries by whether they "
                "are `written` or made of `quotes`"
            ),
        ]
    ]
    calibration: NotRequired[
        Annotated[Literal["anchors", "corpus", "raw"], _says("how the probabilities were made, of a task with labels")]
    ]
    suspicious: NotRequired[
        Annotated[
            int,
            _says("rows out of which something was taken that spoke to the model, of a task with labels"),
        ]
    ]
    ungrounded: NotRequired[
        Annotated[int, _says("points that were left out, for their words stand nowhere in the review")]
    ]
    restaurants: NotRequired[Annotated[int, _says("restaurants that have an answer, of a task about these")]]
    reviews_used: NotRequired[Annotated[int, _says("reviews that the answers about restaurants are made from")]]
    reviews_total: NotRequired[Annotated[int, _says("reviews of these restaurants")]]
    nothing_to_quote: NotRequired[
        Annotated[int, _says("summaries that are empty, for nothing in the reviews can be quoted")]
    ]
    strengths: NotRequired[Annotated[int, _says("strengths of all restaurants")]]
    without: NotRequired[Annotated[int, _says("restaurants without a strength")]]


class Report(TypedDict):
    """The timing report of a run of reviewbatch: report.json, which docs/report.md describes.

    Times are in seconds; those of requests and jobs count from the moment the engine was up.
    """

    schema: Annotated[Literal[1], _says("version of this description, 1")]
    run: Run
    rows: Annotated[Rows, _says("what has become of the rows read")]
    tasks: Annotated[dict[str, Task], _says("what was done for each task, by its name")]
