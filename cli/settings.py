"""The settings of a run: each declared once, with its type, its default, how it is read, and its option."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from cli import values
from pipelines.corpus.rating import Scale
from pipelines.corpus.shard import Shard
from scheduling.policy import DEFAULT


@dataclass(frozen=True, slots=True)
class Option:
    """How a setting is given on the command line: as what, by which names if not its own, with what help."""

    kind: Any
    typer: Any


@dataclass(frozen=True, slots=True)
class Read:
    """What makes the value of a setting of what people write. It raises ValueError that says what was expected."""

    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Check:
    """What a value of the setting's type still has to be. It returns the value, or raises ValueError."""

    function: Callable[[Any], Any]


def option(kind: Any, *names: str, help: str, metavar: str | None = None) -> Option:  # noqa: A002  as typer has it
    """Make the option of a setting, which is not given unless somebody gives it."""
    return Option(kind | None, typer.Option(*names, help=help, metavar=metavar))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run may be told; --help has it in this order."""

    input: Annotated[
        list[str],
        Read(values.listed),
        option(
            list[str], "-i", "--input", help="File, folder or glob of Parquet, CSV or JSON; - is stdin. Repeatable."
        ),
    ] = field(default_factory=list)
    output: Annotated[
        str,
        Check(values.is_place),
        option(str, "-o", "--output", help="Folder for what is written; a run in the same folder again continues."),
    ] = "out"
    again: Annotated[
        bool,
        option(bool, "--again", help="Ask afresh what an earlier run has answered, for instance with another vLLM."),
    ] = False
    model: Annotated[str | None, option(str, help="Alias (see `reviewbatch models`), folder, or Hugging Face id.")] = (
        None
    )
    policy: Annotated[
        str,
        Check(values.is_policy),
        option(str, help="Who goes first: prefill (the cheapest job), fifo, task, hybrid, cost, longest, or auto."),
    ] = DEFAULT
    objective: Annotated[
        str,
        Check(values.is_objective),
        option(str, help="What --policy auto picks a policy for: completion, makespan or sla."),
    ] = "completion"
    ageing: Annotated[
        float,
        Check(values.is_cost),
        option(float, help="How much cost a second of waiting makes up for, in prompt tokens.", metavar="COST"),
    ] = 0.0
    max_wait: Annotated[
        float,
        Read(values.seconds),
        option(str, help="A job that has waited so long goes next, whatever its cost.", metavar="DURATION"),
    ] = math.inf
    sla: Annotated[
        dict[str, float],
        Read(values.durations),
        option(str, help="How long a job may take, for goodput and SLA attainment.", metavar="DURATION"),
    ] = field(default_factory=dict)
    deadline: Annotated[
        float,
        Read(values.instant),
        option(
            str,
            help="Stop in time for 06:00, or for 45m from now, with status 4 if work is left.",
            metavar="TIME|DURATION",
        ),
    ] = math.inf
    stall_timeout: Annotated[
        float,
        Read(values.seconds),
        option(
            str, help="An engine that has had nothing to tell for so long is started again (10m).", metavar="DURATION"
        ),
    ] = 600.0
    feed: Annotated[
        Literal["continuous", "generate"],
        option(str, help="continuous, or generate: one LLM.generate a batch, the plain way."),
    ] = "continuous"
    replicas: Annotated[
        int | None,
        Read(values.count_or_auto),
        option(str, help="Engines side by side, one a card; auto is as many as there are cards.", metavar="N|auto"),
    ] = 1
    ray: Annotated[
        str | None,
        option(
            str,
            help="Have the replicas on a Ray cluster: its address, auto for the one here, or local for a trial.",
            metavar="ADDRESS",
        ),
    ] = None
    shard: Annotated[
        Shard | None,
        Read(values.shard),
        option(
            str,
            help="Ask only about the restaurants of shard I of N, from 0 on. In a Slurm array its tasks are shards.",
            metavar="I/N",
        ),
    ] = None
    limit: Annotated[int | None, Check(values.is_positive), option(int, help="Read only the first N rows.")] = None
    columns: Annotated[
        dict[str, str],
        Read(values.listed),
        Check(values.are_columns),
        option(
            list[str], "--column", help="A column the input calls something else. Repeatable.", metavar="NAME=THEIRS"
        ),
    ] = field(default_factory=dict)
    each: Annotated[
        str | None,
        option(str, help="The input's records have a list of reviews each, by this name.", metavar="FIELD"),
    ] = None
    keep: Annotated[
        list[str],
        Read(values.listed),
        option(
            list[str],
            "--keep",
            help="A column of the input to write beside each row's answer. Repeatable.",
            metavar="COLUMN",
        ),
    ] = field(default_factory=list)
    restaurant: Annotated[
        str | None, option(str, help="All reviews are of this restaurant, whatever the input says.", metavar="NAME")
    ] = None
    restaurant_from: Annotated[
        Literal["file"] | None,
        option(str, "--restaurant-from", help="file: each file has the reviews of the restaurant it is named after."),
    ] = None
    rating_scale: Annotated[
        Scale | None,
        Read(values.scale),
        option(str, help="The lowest and the highest rating, where they do not show it.", metavar="LOW-HIGH"),
    ] = None
    task_file: Annotated[
        list[str],
        Read(values.listed),
        option(list[str], "--task-file", help="A task of your own. Repeatable.", metavar="TOML"),
    ] = field(default_factory=list)
    aspects: Annotated[
        list[str],
        Read(values.listed),
        Check(values.are_aspects),
        option(list[str], "--aspect", help="An aspect that points may be about besides the usual. Repeatable."),
    ] = field(default_factory=list)
    style: Annotated[
        Literal["auto", "written", "quotes"],
        option(
            str,
            help="Summary and strengths: written and checked, made of quotes, or what suits the model (auto).",
        ),
    ] = "auto"
    single_stage: Annotated[
        bool, option(bool, "--single-stage", help="Name strengths at once, without a comparison in words.")
    ] = False
    max_expansions: Annotated[
        int | None, Check(values.are_ways), option(int, help="How many expansions of a query at most, 1 to 10 (5).")
    ] = None
    lang: Annotated[
        str | None,
        Check(values.is_code),
        option(str, help="The language of all rows, instead of a `lang` column or their script.", metavar="CODE"),
    ] = None
    max_rejects: Annotated[
        values.Allowed | None,
        Read(values.allowed),
        option(str, help="Exit with status 3 when more rows are rejected: a number, or a share (5%).", metavar="N|N%"),
    ] = None
    format: Annotated[
        Literal["parquet", "jsonl", "csv"], option(str, "--format", help="Results as parquet, jsonl or csv.")
    ] = "parquet"
    calibration: Annotated[
        Literal["raw", "anchors", "corpus"],
        option(str, help="How label probabilities are made: anchors, corpus or raw (see the README)."),
    ] = "anchors"
    engine: Annotated[
        dict[str, Any],
        Read(values.listed),
        Check(values.are_arguments),
        option(list[str], "--engine", help="Any vLLM engine argument. Repeatable.", metavar="KEY=VALUE"),
    ] = field(default_factory=dict)
    reproducible: Annotated[
        bool, option(bool, "--reproducible", help="Ask one at a time: the same answers to the last digit, and slow.")
    ] = False

    @property
    def address(self) -> str | None:
        """Where the output is that is not on this machine."""
        from pipelines import remote

        return self._place if remote.is_remote(self.output) else None

    @property
    def folder(self) -> Path:
        """The folder of the ledger, which is on this machine also where the output is not."""
        from pipelines import cache, remote

        if self.address:
            return cache.folder("outputs") / quote(remote.shown(self.address).rstrip("/"), safe="")
        return Path(self._place)

    @property
    def _place(self) -> str:
        """Where the output is: that of a shard is in a folder of its own."""
        return f"{self.output.rstrip('/')}/{self.shard.name}" if self.shard else self.output
