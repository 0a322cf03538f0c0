"""The inspection: what an unknown pile of files holds, and the command that would run it."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice
from statistics import median
from typing import Any

from pipelines.corpus import language, opening, profile, rating, reader
from pipelines.corpus.profile import Column
from pipelines.corpus.reading import FILE, OUTER, Reading, look_up
from pipelines.corpus.reject import Reason, Reject, told
from pipelines.corpus.row import QUERIES, REVIEWS
from pipelines.corpus.sources import Found, Source
from pipelines.errors import CorpusError
from pipelines.events import Emit
from pipelines.events import Reading as Read

SCHEMA = 1
LOOKED_AT = 2000  # records that columns are told by
FILES, LISTED = 20, 5  # at most: files that records are taken of; and of what is listed
KEYED = 5  # objects in another, by names, that are more likely records
REPEATED = 0.5  # of a column's values are distinct, at most, where it may be of restaurants
SHARD = re.compile(r"(^|/)part-|\d{4,}")
LENGTHS = (50, 100, 200, 500, 1000, 2000, 5000)  # characters: the upper ends of the histogram's bins


def inspect(inputs: Sequence[str], found: Found, reading: Reading, limit: int | None, *, emit: Emit) -> dict[str, Any]:
    """Return what the files hold, read as `reading` says and as they look where it does not.

    `docs/input.md` describes every field. Raises CorpusError for a file that cannot be read.
    """
    if any(opening.is_stream(source.path) for source in found.sources):
        raise CorpusError("what comes through a pipe is read once, and an inspection reads twice: write it to a file")
    rejects: list[Reject] = []
    sample = list(islice(_sample(found.sources, rejects), LOOKED_AT))
    if not sample:
        why = f": {told(rejects[0])}" if rejects else ": the files are empty"
        raise CorpusError(f"no records in {', '.join(inputs)}{why}")
    _refuse_keyed(sample)
    names = {*sample[0][1]}
    if {*QUERIES.required} <= names and REVIEWS.text not in {*names, *reading.columns}:
        reading = replace(reading, layout=QUERIES)
    said = reading.restaurant or reading.restaurant_from
    columns, reading = _guessed(sample, reading, found.sources)
    missing = [ours for ours, theirs in reading.required.items() if not _is_there(theirs, columns, found.sources)]
    rows = _rows(found, reading, limit, emit) if not missing else {}
    return {
        "schema": SCHEMA,
        "files": {"count": len(found.sources), "formats": dict(Counter(map(_format, found.sources)))},
        "passed_over": {"files": len(found.passed_over), "first": found.passed_over[:FILES]},
        "records_looked_at": len(sample),
        "rows_are": "reviews" if reading.layout is REVIEWS else "queries",
        "each": reading.each,
        "other_lists": [name for name in profile.lists(profile.columns(v for _, v in sample)) if name != reading.each],
        "assumed": None if said else _assumed(reading, columns),
        "date": next(iter(reading.keep), None),
        "columns": [_described(column, reading) for column in columns.values()],
        "missing": missing,
        "command": _command(inputs, reading) if rows.get("usable") else None,
        **rows,
    }


def _refuse_keyed(sample: Sequence[tuple[Source, dict[str, Any]]]) -> None:
    """Raise CorpusError for one object that has the records by some names of theirs."""
    if len(sample) > 1:
        return
    source, record = sample[0]
    for name, value in [("", record), *record.items()]:
        kinds = {type(one) for one in value.values()} if isinstance(value, dict) else set()
        if len(kinds) == 1 and len(value) >= KEYED and (name or kinds <= {dict, list}):
            of = f" in {name!r}" if name else ""
            raise CorpusError(
                f"{source.shown} is one object{of} with {len(value):,} others by names of theirs: write them as a "
                "list, pandas with orient='records', others with jq '[.[]]'"
            )


def _assumed(reading: Reading, columns: Mapping[str, Column]) -> dict[str, Any] | None:
    """Return what is taken for the restaurants where no column looks like one, and which may be."""
    taken = reading.restaurant or reading.restaurant_from
    if not taken:
        return None
    mostly = max((column.filled for column in columns.values()), default=0) * profile.MOSTLY
    few = [name for name, column in columns.items() if column.filled >= mostly and 0 < column.distinct <= REPEATED]
    return {"restaurant": taken, "perhaps": few[:LISTED]}


def _sample(sources: Sequence[Source], rejects: list[Reject]) -> Iterator[tuple[Source, dict[str, Any]]]:
    """Yield records of the first files, of each as many as of the others; add those that are none to the rejects."""
    some = sources[:FILES]
    for source in some:
        for _, values in islice(reader.open_records(source), LOOKED_AT // len(some) or 1):
            if isinstance(values, Reject):
                rejects.append(values)
            else:
                yield source, {**source.partitions, **values}


def _guessed(
    sample: Sequence[tuple[Source, dict[str, Any]]], reading: Reading, sources: Sequence[Source]
) -> tuple[dict[str, Column], Reading]:
    """Return the columns of some records, and how their rows are read: as somebody says, and else as it looks."""
    files = len(sources)
    each = reading.each or _list_of_reviews(profile.columns(values for _, values in sample), len(sample))
    reading = replace(reading, each=each)
    rows, inner = _elements(sample, reading)
    columns, outer = profile.columns(rows), set[str]()
    if reading.each is not None:
        # What encloses a list is called by two names, of which one will do.
        columns = {name: column for name, column in columns.items() if _tells(name, reading.each, inner)}
        outer = columns.keys() - inner
    looks = profile.alike(columns, len(rows), outer)
    unit = reading.layout.unit
    if reading.restaurant or reading.restaurant_from:
        looks.pop(unit, None)
    guess = looks.get(unit)
    if files > 1 and guess is not None and guess not in outer and columns[guess].last in profile.WEAK:
        del looks[unit]  # where each file is of a restaurant, these are names of diners, or titles
    named = {ours: theirs for ours, theirs in looks.items() if ours in reading.layout.names and ours != theirs}
    reading = replace(reading, columns={**named, **reading.columns})
    reading = replace(reading, keep=_dates(looks.get("date"), sample, reading))
    if unit in {*looks, *reading.columns, reading.layout.id} or reading.unit(sample[0][0]):
        return columns, reading
    if files > 1:
        shards = any(SHARD.search(source.name) for source in sources)  # which are called after nobody
        return columns, reading if shards else replace(reading, restaurant_from=FILE)
    return columns, replace(reading, restaurant=opening.stem(sample[0][0].name))


def _elements(
    sample: Sequence[tuple[Source, dict[str, Any]]], reading: Reading
) -> tuple[list[dict[str, Any]], set[str]]:
    """Return what the rows of some records are made of, and the names of what only lists in them have."""
    found = chain.from_iterable(reading.elements((0, values), source) for source, values in sample)
    rows = [values for *_, values in found if not isinstance(values, Reject)]
    if reading.each is None:
        return rows, set()
    within = (element for row in rows if isinstance(element := row[reading.each], dict))
    return rows, set(profile.columns(within))


def _dates(name: str | None, sample: Sequence[tuple[Source, dict[str, Any]]], reading: Reading) -> list[str]:
    """Return the column of dates that is to be kept, if one is free and in each file: others would be refused."""
    if name is None or name in reading.names.values():
        return []
    lack = {source.shown for source, _ in sample}
    for source, values in sample:
        if any(_has(element, name) for *_, element in reading.elements((0, values), source)):
            lack.discard(source.shown)
    return [] if lack else [name]


def _has(element: dict[str, Any] | Reject, name: str) -> bool:
    return not isinstance(element, Reject) and look_up(element, name) is not None


def _tells(name: str, each: str, inner: Collection[str]) -> bool:
    """Say whether a name of an element is one that is needed: not the list itself, nor a second name of the same."""
    bare = name.removeprefix(OUTER)
    return bare.partition(".")[0] != each.partition(".")[0] and (bare == name or bare in inner)


def _list_of_reviews(columns: Mapping[str, Column], records: int) -> str | None:
    """Return the column whose lists hold what looks more like reviews than what encloses them, if most have one."""
    best, chosen = _looks_like_reviews(columns), None
    for name in profile.lists(columns):
        if columns[name].filled < records / 2:
            continue
        elements = chain.from_iterable(value for value in columns[name].values if isinstance(value, list))
        score = _looks_like_reviews(profile.columns(element for element in elements if isinstance(element, dict)))
        if score > best:
            best, chosen = score, name
    return chosen


def _looks_like_reviews(columns: Mapping[str, Column]) -> float:
    rows = max((column.filled for column in columns.values()), default=0)
    return max((profile.likeness("text", column, rows) for column in columns.values() if column.filled), default=0.0)


def _is_there(name: str, columns: Mapping[str, Column], sources: Sequence[Source]) -> bool:
    return name in columns or any(other.startswith(f"{name}.") for other in columns) or name in sources[0].partitions


def _rows(found: Found, reading: Reading, limit: int | None, emit: Emit) -> dict[str, Any]:
    """Return what is known of the rows when all of them have been read."""
    reader.check(found.sources, reading, limit)
    rows, unrated = 0, 0
    seen: set[int] = set()
    reasons, langs, units, lengths = Counter[str](), Counter[str](), Counter[str](), Counter[int]()
    ratings: Counter[float] = Counter()
    rejects: list[Reject] = []
    for chunk in reader.read(found.sources, reading, limit, emit):
        rows += len(chunk)
        emit(Read(rows))
        for row in chunk:
            if isinstance(row, Reject):
                reasons[row.reason] += 1
                rejects += [row] if len(rejects) < LISTED else []
                continue
            if hash(row.id) in seen:
                reasons[Reason.DUPLICATE_ID] += 1
                continue
            seen.add(hash(row.id))
            langs[language.spoken(reading.lang or row.lang, row.text)] += 1
            units[row.unit] += 1
            lengths[next((end for end in LENGTHS if len(row.text) <= end), 0)] += 1
            if row.rating is None:
                unrated += 1
            else:
                ratings[row.rating] += 1
    scale = reading.scale or rating.judge(ratings)
    sizes = sorted(units.values()) or [0]
    return {
        "rows": rows,
        "usable": rows - sum(reasons.values()),
        "rejects_by_reason": dict(reasons.most_common()),
        "rejects": [asdict(reject) for reject in rejects],
        "languages": dict(langs.most_common()),
        "characters": {str(end) if end else f"more than {LENGTHS[-1]}": lengths[end] for end in (*LENGTHS, 0)},
        "ratings": {
            "scale": str(scale) if scale else None,
            "rows_with": sum(ratings.values()),
            "rows_without": unrated,
            "counts": dict(sorted(ratings.most_common(LISTED * 2))),
        },
        "restaurants": {
            "count": len(units),
            "reviews": {"least": sizes[0], "median": median(sizes), "most": sizes[-1]},
            "largest": dict(units.most_common(LISTED)),
        },
    }


def _format(source: Source) -> str:
    with reader.readable(source), opening.opened(source.path) as stream:
        return str(opening.kind(source.shown, stream.head)) if stream.head else "empty"


def _described(column: Column, reading: Reading) -> dict[str, Any]:
    called = [*reading.names.items(), *(("date", name) for name in reading.keep)]
    looks_like = next((ours for ours, theirs in called if theirs == column.name), None)
    return {
        "name": column.name,
        "types": dict(column.types.most_common()),
        "filled": column.filled,
        "example": column.example,
        "is": looks_like,
    }


def _command(inputs: Sequence[str], reading: Reading) -> str:
    """Return the command that runs a task on the files."""
    words = ["reviewbatch", "run", "sentiment" if reading.layout is REVIEWS else "query-expansion"]
    for given in inputs:
        words += ["-i", given]
    words += ["-o", "out"]
    if reading.each:
        words += ["--each", reading.each]
    if reading.restaurant:
        words += ["--restaurant", reading.restaurant]
    if reading.restaurant_from:
        words += ["--restaurant-from", reading.restaurant_from]
    for ours, theirs in reading.columns.items():
        words += ["--column", f"{ours}={theirs}"]
    for name in reading.keep:
        words += ["--keep", name]
    if reading.lang:
        words += ["--lang", reading.lang]
    if reading.scale:
        words += ["--rating-scale", str(reading.scale)]
    return shlex.join(words)
