import bz2
import csv
import gzip
import io
import json
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.corpus import reader
from pipelines.corpus.reading import Reading
from pipelines.corpus.row import NOTHING, Reject, Row
from pipelines.corpus.sources import Source
from pipelines.corpus.text import readable
from pipelines.errors import CorpusError

PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


def read(folder, name, data, **how):
    (folder / name).write_bytes(data)
    files, reading = [Source(str(folder / name))], Reading(**how)
    reader.check(files, reading)
    return [row for chunk in reader.read(files, reading) for row in chunk]


# What is written is read


TEXT = st.text(max_size=20) | st.sampled_from(
    ["nan", "None", "\u200b", "<br>", '"', "a\\nb", "=1,2", "\r\n", "\ufeff", "한국 🙂"]
)
SPELT = TEXT | st.sampled_from(["\ud83d", "a\udce9"])  # which JSON can spell, and nothing else
IDS = st.text(st.characters(exclude_characters="\ufeff", codec="utf-8"), min_size=1, max_size=5)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | SPELT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SPELT, inner, max_size=3),
    max_leaves=5,
)


def rows(texts, ids, **others):
    columns = {"restaurant_id": st.just("x"), "review_id": ids, "text": texts, **others}
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=8)


def is_id(value):
    return type(value) is int or (isinstance(value, str) and value != "" and is_unicode(value))


def is_unicode(text):
    return not any("\ud800" <= character <= "\udfff" for character in text)


def is_text(value):
    if not isinstance(value, str) or not is_unicode(value):
        return False
    said = readable(value).strip()
    return bool(said) and said.casefold() not in NOTHING


def as_written(found, written, numbers=None):
    """Hold that every row that was written is there in its place, and that those of use are as they were written."""
    assert len(found) == len(written)
    for number, row, one in zip(numbers or range(1, len(found) + 1), found, written, strict=True):
        assert row.row == number
        assert isinstance(row, Row) == (is_id(one["review_id"]) and is_text(one["text"])), (row, one)
        if isinstance(row, Row):
            assert (row.id, row.unit, row.text) == (str(one["review_id"]), "x", readable(one["text"]))
        elif row.id is not None:
            assert row.id == str(one["review_id"])


def spelt(row, *, ascii_, indent=None):
    """Write an object, with what is no Unicode as JSON spells it."""
    text = json.dumps(row, ensure_ascii=ascii_, indent=indent)
    return text if is_unicode(text) else json.dumps(row, indent=indent)


# Where no row has an id they are given some.
ANY = rows(TEXT | VALUES, IDS | NUMBERS | st.none() | st.booleans() | SPELT, more=VALUES).filter(
    lambda written: any(row["review_id"] for row in written)
)


@settings(max_examples=40)
@given(written=ANY, ascii_=st.booleans(), packed=st.sampled_from([*PACK]), gap=st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_json_lines(folder, written, ascii_, packed, gap):
    each = [spelt(row, ascii_=ascii_) for row in written]
    found = read(folder, "a.jsonl" + packed, PACK[packed](gap.join(each).encode()))
    as_written(found, written, range(1, 99, gap.count("\n"))[: len(written)])


@settings(max_examples=40)
@given(
    written=ANY,
    ascii_=st.booleans(),
    indent=st.none() | st.integers(0, 2),
    way=st.sampled_from(["array", "arrays", "behind", "trailing"]),
)
def test_json_of_any_form(folder, written, ascii_, indent, way):
    each = [spelt(row, ascii_=ascii_, indent=indent) for row in written]
    text = {
        "array": "[" + ",".join(each) + "]",
        "arrays": "\n".join(f"[{one}]" for one in each),
        "behind": "\n".join(each),
        "trailing": "[" + "".join(f"{one},\n" for one in each) + "]",
    }[way]
    as_written(read(folder, "a.json", text.encode()), written)


@settings(max_examples=40)
@given(
    # Behind a backslash a quotation mark may be Spark's.
    written=rows(TEXT.filter(lambda text: "\\" not in text), IDS.filter(lambda id_: "\\" not in id_)),
    mark=st.sampled_from(",;\t|"),
    # Python leaves a carriage return unquoted where lines end with line feeds, and then nobody can read it.
    how=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
    begin=st.sampled_from(["", "\ufeff"]),
    again=st.booleans(),
)
def test_csv(folder, written, mark, how, begin, again):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, written[0], delimiter=mark, quoting=how[0], lineterminator=how[1])
    writer.writeheader()
    writer.writerows(written)
    data = begin + file.getvalue()
    as_written(read(folder, "a.tsv", data.encode()), written)
    if again:  # as by cat
        as_written(read(folder, "a.csv", (data + data).encode()), written * 2)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
@settings(max_examples=20)
@given(
    texts=st.lists(st.sampled_from(["fine", "맛있어요", "BAD", "goodBAD"]), min_size=1),
    bad=st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\xbd"]),
)
def test_bytes_that_are_no_utf8_cost_their_row_alone(folder, suffix, texts, bad):
    written = [{"review_id": f"r{n}", "restaurant_id": "x", "text": text} for n, text in enumerate(texts)]
    each = [json.dumps(row, ensure_ascii=False) for row in written]
    text = {
        ".jsonl": "\n".join(each),
        ".json": f"[{','.join(each)}]",
        ".csv": "\n".join(
            ["review_id,restaurant_id,text", *(f"{row['review_id']},x,{row['text']}" for row in written)]
        ),
    }[suffix]
    found = read(folder, f"bad{suffix}", text.encode().replace(b"BAD", bad))
    assert [row.text if isinstance(row, Row) else str(row.reason) for row in found] == [
        "invalid-utf8" if "BAD" in one else one for one in texts
    ]


@settings(max_examples=30)
@given(
    written=st.one_of(rows(TEXT | st.none(), ids) for ids in (IDS, NUMBERS)),
    kind=st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()]),
    packed=st.sampled_from(["none", "snappy", "zstd"]),
    group=st.integers(1, 8),
)
def test_parquet(folder, written, kind, packed, group):
    table = pa.Table.from_pylist(written)
    texts = pa.array([row["text"] for row in written], pa.string()).cast(kind)
    file = io.BytesIO()
    pq.write_table(
        table.set_column(table.schema.get_field_index("text"), "text", texts),
        file,
        compression=packed,
        row_group_size=group,
    )
    as_written(read(folder, "a.parquet", file.getvalue()), written)


PLACES = st.lists(
    st.fixed_dictionaries(
        {"name": st.just("x"), "city": st.none() | st.just("c")},
        optional={"reviews": st.none() | st.lists(st.fixed_dictionaries({"review_id": IDS, "text": TEXT | st.none()}), max_size=4)},
    ),
    min_size=1, max_size=5,
).filter(lambda places: any(place.get("reviews") for place in places))  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@settings(max_examples=20)
@given(places=PLACES, deep=st.booleans())
def test_places_with_their_reviews(folder, suffix, places, deep):
    records = [{"name": place["name"], "at": place} for place in places] if deep else places
    if suffix == ".parquet":
        reviews = pa.list_(pa.struct([("review_id", pa.string()), ("text", pa.string())]))
        place = [("name", pa.string()), ("city", pa.string()), ("reviews", reviews)]
        schema = pa.schema([("name", pa.string()), ("at", pa.struct(place))] if deep else place)
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(records, schema), file)
        data = file.getvalue()
    else:
        data = (json.dumps(records) if suffix == ".json" else "\n".join(map(json.dumps, records))).encode()
    found = read(
        folder, "places" + suffix, data, each="at.reviews" if deep else "reviews", columns={"restaurant_id": "name"}
    )
    if suffix != ".parquet" and not deep:  # where a place has no list at all, and not none
        lacking = [n for n, place in enumerate(places, start=1) if "reviews" not in place]
        assert [row.row for row in found if isinstance(row, Reject) and row.reason == "not-a-list"] == lacking
        found = [row for row in found if not (isinstance(row, Reject) and row.reason == "not-a-list")]
    numbers = [n for n, place in enumerate(places, start=1) for _ in place.get("reviews") or ()]
    as_written(found, [*chain.from_iterable(place.get("reviews") or () for place in places)], numbers)


# Whatever lies in a file, it is read or refused in one line


SUFFIXES = [
    f"{kind}{packed}" for kind in ("", ".parquet", ".csv", ".tsv", ".json", ".jsonl", ".txt") for packed in PACK
]
HOWS = [{}, {"restaurant": "x"}, {"each": "reviews", "restaurant": "x"}, {"columns": {"text": "reviews.text"}}]


def holds(folder, name, data, how):
    """Hold that a file is read, or refused in one line that can be printed."""
    try:
        found = read(folder, name, data, **how)
    except CorpusError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, message
        message.encode()
        return
    for row in found:
        assert isinstance(row, Row | Reject)
        (row.detail if isinstance(row, Reject) else row.text).encode()
        assert row.row >= 1
        assert row.id is None or (row.id and row.id.encode())


BEGINNINGS = [
    b"",
    b"{",
    b"[",
    b'[{"',
    b'{"text":',
    b"PAR1",
    b"\xef\xbb\xbf",
    b"text,",
    b'text\n"',
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xfe",
    b"PK\x03\x04",
]


@settings(max_examples=200)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    rest=st.binary(max_size=40),
    suffix=st.sampled_from(SUFFIXES),
    packs=st.booleans(),
    how=st.sampled_from(HOWS),
)
@example(beginning=b'{"text": "t"}\n', rest=b"\xff", suffix="", packs=False, how={})
@example(beginning=b"t\xe9xt,a\n", rest=b"b,c\n", suffix=".csv", packs=False, how={})
@example(beginning=b'{"a\\nb": "t"}', rest=b"", suffix=".json", packs=False, how={})
@example(beginning=b"PAR1", rest=b"\0" * 8 + b"PAR1", suffix=".parquet", packs=False, how={})
def test_garbage(folder, beginning, rest, suffix, packs, how):
    data = beginning + rest
    if packs:
        data = next(PACK[packed] for packed in (".gz", ".bz2", ".zst", "") if suffix.endswith(packed))(data)
    holds(folder, f"garbage{suffix}", data, how)


WRITTEN = [
    {
        "review_id": f"r{n}",
        "restaurant_id": "x",
        "text": text,
        "rating": n,
        "deadline": "2026-01-01",
        "reviews": [{"text": "a"}, {"text": text}],
    }
    for n, text in enumerate(["Fine.", 'say "wow", ok', "a\nb", "맛있어요 🙂", None])
]


def whole():
    table, parquet = io.StringIO(newline=""), [io.BytesIO(), io.BytesIO()]
    writer = csv.DictWriter(table, WRITTEN[0])
    writer.writeheader()
    writer.writerows(WRITTEN)
    pq.write_table(pa.Table.from_pylist(WRITTEN), parquet[0])
    pq.write_table(pa.Table.from_pylist(WRITTEN), parquet[1], compression="none", use_dictionary=False)
    lines = "".join(json.dumps(row) + "\n" for row in WRITTEN).encode()
    found = {f".jsonl{packed}": pack(lines) for packed, pack in PACK.items()}
    found |= {f".csv{packed}": pack(table.getvalue().encode()) for packed, pack in PACK.items()}
    found |= {".json": json.dumps(WRITTEN, ensure_ascii=False, indent=1).encode(), "": json.dumps(WRITTEN).encode()}
    return found | {".parquet": parquet[0].getvalue(), ".pq": parquet[1].getvalue()}


WHOLE = whole()


@settings(max_examples=200)
@given(suffix=st.sampled_from([*WHOLE]), how=st.sampled_from(HOWS), data=st.data())
def test_good_files_with_something_wrong(folder, suffix, how, data):
    file = bytearray(WHOLE[suffix])
    for _ in range(data.draw(st.integers(1, 3), label="times")):
        at, to = sorted(data.draw(st.integers(0, len(file)), label="place") for _ in range(2))
        what = data.draw(st.sampled_from(["flip", "set", "cut", "out", "doubled"]), label="what")
        if what in {"flip", "set"} and at < len(file):
            file[at] = file[at] ^ (1 << to % 8) if what == "flip" else to % 256
        elif what == "cut":
            del file[at:]
        elif what == "out":
            del file[at:to]
        else:
            file[at:at] = file[at:to]
    holds(folder, f"wrong{suffix}", bytes(file), how)


@pytest.mark.parametrize("suffix", WHOLE)
def test_good_files_with_nothing_wrong(folder, suffix):
    as_written(read(folder, f"good{suffix}", WHOLE[suffix]), WRITTEN)
