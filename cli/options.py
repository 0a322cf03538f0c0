"""The options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Argument(help="What to ask: see `reviewbatch tasks`.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("-i", "--input", help="File, folder or glob of Parquet or JSON lines; - is stdin. Repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Folder for results and ledger; the same folder again continues."),
]
Model = Annotated[str | None, typer.Option(help="Alias (see `reviewbatch models`), folder, or Hugging Face id.")]
Policy = Annotated[str | None, typer.Option(help="Who goes first: prefill (the cheapest job), fifo, task.")]
Limit = Annotated[int | None, typer.Option(help="Read only the first N rows.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=THEIRS", help="A column the input calls something else. Repeatable."),
]
MaxRejects = Annotated[int | None, typer.Option(help="Exit with status 3 when more rows are rejected.")]
Format = Annotated[str | None, typer.Option("--format", help="Results as parquet or jsonl.")]
Calibration = Annotated[
    str | None,
    typer.Option(help="How label probabilities are made: anchors, corpus or raw (see the README)."),
]
EngineArguments = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="KEY=VALUE", help="Any vLLM engine argument. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON line on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]
