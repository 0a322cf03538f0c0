"""The page about reports and the published schema, held against the code; run as a program it makes both anew."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from pipelines.ledger.ledger import Ledger
from pipelines.output import metrics, report
from pipelines.output.schema import fields, published

ROOT = Path(__file__).parents[1]
PAGE, SCHEMA = ROOT / "docs" / "report.md", ROOT / "docs" / "report.schema.json"
ANEW = "make it anew: python tests/test_report_page.py"
HEAD = "| field | meaning |\n|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\|\n)*")


def table() -> str:
    return HEAD + "".join(f"| `{path}` | {meaning} |\n" for path, meaning in fields().items())


def written() -> str:
    return json.dumps(published(), indent=2, ensure_ascii=False) + "\n"


def paths(part: dict, defs: dict, path: tuple[str, ...] = ()) -> set[str]:
    """Return the paths of all fields that a schema describes, without those of distributions."""
    of = part | (defs[part["$ref"].rpartition("/")[2]] if "$ref" in part else {})
    here = {".".join(path)} if path and "description" in part else set()
    if of.get("properties", {}).keys() >= {"p50", "p99"}:
        return here
    inside = [(name, below) for name, below in of.get("properties", {}).items()]
    inside += [(None, below) for below in (of.get("items"),) if isinstance(below, dict)]
    inside += [("NAME", below) for below in (of.get("additionalProperties"),) if "$ref" in str(below)]
    return here.union(*(paths(below, defs, path if name is None else (*path, name)) for name, below in inside))


@pytest.fixture(scope="module")
def schema():
    return json.loads(SCHEMA.read_text())


def check(found: dict, schema: dict) -> None:
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(found, allow_nan=False)))


def test_the_published_schema_is_what_the_code_makes(schema):
    assert SCHEMA.read_text() == written(), ANEW
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_says_what_it_is(schema):
    for part in (schema, *schema["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            of = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
            bare = part.get("properties", {}).keys() == {"mean", "p50", "p90", "p99"}
            assert bare or "description" in field or "description" in of, name
    assert "](" not in SCHEMA.read_text(), "a link leads nowhere from there"


def test_the_table_of_the_page_has_every_field_of_the_schema_and_no_other(schema):
    rows, *_ = TABLE.findall(PAGE.read_text())
    named = re.findall(r"^\| `([^`]+)` \|", rows, re.MULTILINE)
    assert len(named) == len(rows.splitlines()) - 2
    assert sorted(named) == sorted(paths(schema, schema["$defs"])), ANEW
    assert rows == table(), ANEW


def test_a_report_may_have_fields_to_come_and_lacks_none(schema, tmp_path):
    found = report.build(begun(tmp_path))
    check(found, schema)
    found["run"]["to_come"] = found["to_come"] = {"any": 1}
    check(found, schema)
    for part, name in ((found, "rows"), (found["run"], "status"), (found["rows"], "in")):
        value = part.pop(name)
        with pytest.raises(jsonschema.ValidationError, match=f"'{name}' is a required property"):
            check(found, schema)
        part[name] = value
    found["rows"]["in"] = "many"
    with pytest.raises(jsonschema.ValidationError, match="'many' is not of type 'integer'"):
        check(found, schema)


def test_the_page_says_which_metrics_have_another_name():
    rows = PAGE.read_text().split("| field | metric |")[1].split("\n\n")[0]
    named = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", rows, re.MULTILINE))
    plain = {path.removeprefix("tasks.NAME."): path.removeprefix("tasks.NAME.").replace(".", "_") for path in fields()}
    others = {path for path, name in plain.items() if name in metrics.NAMES or "_per_" in name}
    assert named == {path: metrics.named(plain[path])[0] for path in others}


def test_the_page_says_what_is_told_while_a_run_goes_on():
    rows = PAGE.read_text().split("| metric | meaning |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert rows == [f"| `{metrics.named(plain)[0]}` | {meaning} |" for plain, meaning in metrics.HELPS.items()]


def begun(folder: Path) -> Path:
    """Begin a run, with the facts that all have, and leave it there."""
    ledger = Ledger(folder)
    ledger.begin({
        "device": "cpu", "vllm": "0.32.0", "model": "tiny", "fingerprint": "61", "engine": {"max_num_seqs": 8}, "policy": "auto",
        "feed": "continuous", "sla": {"sentiment": 60.0}, "ageing": 0.0, "max_wait_s": None,
    })  # fmt: skip
    ledger.close()
    return folder


if __name__ == "__main__":
    SCHEMA.write_text(written())
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text(), count=1))
