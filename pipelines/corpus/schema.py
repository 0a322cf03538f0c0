"""The schema of a Parquet file: which columns are read of it, and whether they can hold what they should."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from pipelines.corpus.reading import KEEP, OUTER, SHOWN, Reading, parts
from pipelines.corpus.sources import Source
from pipelines.errors import ColumnError, CorpusError

NOTES = ("lang", "category", "city", "rating")  # they may be there by chance, and hold anything
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType) and "uuid" in kind.extension_name


_IDS = "text, whole numbers or UUIDs", (*_NUMBERS, pa.types.is_fixed_size_binary, _is_uuid, pa.types.is_struct)
# What a column may hold besides text.
EXPECTED: Mapping[str, tuple[str, Sequence[Callable[[pa.DataType], bool]]]] = {
    "review_id": _IDS,
    "restaurant_id": _IDS,
    "query_id": _IDS,
    "rating": ("numbers", _NUMBERS),
    "deadline": ("timestamps or ISO 8601 text", (pa.types.is_timestamp, pa.types.is_date)),
}


def check(source: Source, reading: Reading, schema: pa.Schema) -> set[str]:
    """Return the columns that are to be read. Raises CorpusError when one is there twice, or holds something else."""
    columns: set[str] = set()
    for ours, theirs in {**reading.names, **reading.kept, **({"": reading.each} if reading.each else {})}.items():
        top = _top(theirs, schema)
        if top is None:
            if ours in reading.required and reading.each is None and theirs not in source.partitions:
                refuse(source, reading.required, [theirs], schema.names)
            continue
        _refuse_twins(source, [top], schema.names)
        if _may_be_read(source, reading, schema, ours=ours, theirs=theirs):
            columns.add(top)
    return columns


def refuse_twins(source: Source, reading: Reading, present: Sequence[str]) -> None:
    """Raise CorpusError when one of the columns to be read is there twice: nobody knows which is meant."""
    _refuse_twins(source, (*reading.names.values(), *reading.keep), present)


def _refuse_twins(source: Source, names: Iterable[str], present: Sequence[str]) -> None:
    if twice := [name for name in names if present.count(name) > 1]:
        raise CorpusError(f"{source.shown} has more than one column {twice[0]!r}")


def refuse(source: Source, required: Mapping[str, str], missing: Iterable[str], present: Iterable[str]) -> None:
    """Raise ColumnError that names a column which is not there, those that are, and what can be done about it."""
    shown = [
        name if name.isprintable() else repr(name)[1:-1] for name in map(str, present) if not name.startswith(OUTER)
    ]
    for ours, theirs in required.items():
        if theirs in missing:
            more = " and so on" if len(shown) > SHOWN else ""
            how = "Keep one of these" if ours.startswith(KEEP) else f"Name it with --column {ours}=THEIRS"
            if ours == "restaurant_id":
                how += ", or say --restaurant NAME, or --restaurant-from file"
            raise ColumnError(
                f"{source.shown} has no column {theirs!r}; it has: {', '.join(shown[:SHOWN]) or 'none'}{more}. {how}"
            )


def _may_be_read(source: Source, reading: Reading, schema: pa.Schema, *, ours: str, theirs: str) -> bool:
    """Say whether a column holds what it should. Raises CorpusError when it must, and does not."""
    kind = _kind(schema, theirs)
    if not ours or ours in reading.kept or kind is None:  # a list, or what only its elements have: judged row by row
        return True
    expected, others = EXPECTED.get(ours, ("text", ()))
    fits = _is_text(kind) or pa.types.is_null(kind) or any(is_kind(kind) for is_kind in others)
    if ours in NOTES and ours not in reading.columns:
        return fits or any(is_kind(kind) for is_kind in _NUMBERS)
    if not fits and reading.each is None:
        raise CorpusError(f"column {theirs!r} of {source.shown} holds {kind}, not {expected}")
    return True


def _top(name: str, schema: pa.Schema) -> str | None:
    """Return the column that a name leads into."""
    candidates = (name, name.removeprefix(OUTER), parts(name)[0].removeprefix(OUTER))
    return next((candidate for candidate in candidates if candidate in schema.names), None)


def _kind(schema: pa.Schema, name: str) -> pa.DataType | None:
    """Return what a column, or what a name leads to in it, holds."""
    names = [name] if name in schema.names else parts(name)
    if names[0] not in schema.names:
        return None
    kind = schema.field(names[0]).type
    for part in names[1:]:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return None
        kind = kind.field(part).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    # Older writers leave strings without their annotation, as bytes.
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                              pa.types.is_binary, pa.types.is_large_binary))  # fmt: skip
