import csv
import io

import pytest

from pipelines.corpus.formats import csv_records
from pipelines.corpus.reject import Reject


def records(data: bytes | str, head: int = 1 << 16):
    data = data.encode() if isinstance(data, str) else data
    return list(csv_records.records(io.BytesIO(data), "f.csv", data[:head]))


def read(data: bytes | str):
    """Tell rejects by their reasons, and rows by their values."""
    return [str(row.reason) if isinstance(row, Reject) else tuple(row.values()) for _, row in records(data)]


BROKEN = "malformed-csv"


def test_fields_are_by_the_names_in_the_first_line():
    assert records("id,text\na,Fine.\nb,Bad.\n") == [
        (1, {"id": "a", "text": "Fine."}),
        (2, {"id": "b", "text": "Bad."}),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them_and_the_last_need_not(end):
    assert read(end.join(["id,text", "a,b", "c,d"])) == [("a", "b"), ("c", "d")]
    assert read(end.join(["id,text", "a,b", "c,d", ""])) == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_fields_are_cut_at_what_the_first_line_has_most_of(mark):
    others = "".join(other for other in ",;\t|" if other != mark)
    assert read(f"id{mark}text{mark}n\na{mark}x{others}y{mark}1\n") == [("a", f"x{others}y", "1")]
    assert csv_records.delimiter(f'"{others * 9}"{mark}b'.encode()) == mark


@pytest.mark.parametrize(
    ("head", "mark"),
    [
        (b"text", ","), (b"", ","), (b"a;b\n1,2,3;4", ";"), (b"a;b,c;d", ";"), (b"a;b,c", ","), (b"\xef\xbb\xbfa|b", "|"),
        (b"\n\r\na;b", ";"), (b'"a,b,c";"d"', ";"), (b"a\xff\xff;b", ";"),
    ],
)  # fmt: skip
def test_only_the_first_line_tells_where_fields_are_cut(head, mark):
    assert csv_records.delimiter(head) == mark


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('"a\nb"', "a\nb"), ('"a\r\nb"', "a\r\nb"), ('"a,b"', "a,b"), ('"a ""b"" c"', 'a "b" c'), ('"""a"""', '"a"'), ('""""', '"'),
        ('5" pizza', '5" pizza'), ("C:\\new", "C:\\new"), (" a ", " a "), ('""', None), ("", None), ("맛있어요 🙂", "맛있어요 🙂"),
        ('"\n\n"', "\n\n"), ("a\x0b\x1c\u2028b", "a\x0b\x1c\u2028b"), ("a\0b", "a\0b"), ('"ends so\\\\""x"', 'ends so\\\\"x'),
    ],
)  # fmt: skip
def test_fields_may_be_quoted(field, text):
    assert read(f"id,text,n\n1,{field},2\n3,b,4\n") == [("1", text, "2"), ("3", "b", "4")]


def test_a_byte_order_mark_is_no_part_of_a_name_also_before_a_quotation_mark():
    assert records('\ufeff"id","text"\na,b\n') == records("\ufeffid,text\na,b\n") == [(1, {"id": "a", "text": "b"})]


@pytest.mark.parametrize("header", ["id,text", '"id","text"', "\ufeffid,text", '\ufeff"id","text"'])
def test_a_header_that_stands_there_again_is_no_row(header):
    assert records(f"{header}\na,b\n{header}\nc,d\n")[1:] == [(2, {"id": "c", "text": "d"})]


def test_lines_without_anything_are_no_rows():
    assert records("\n,\nid,text\n\na,b\n,\n  ,\n") == [
        (1, {"id": "a", "text": "b"}),
        (2, {"id": "  ", "text": None}),
    ]
    assert records("") == records("\n\n") == records("id,text\n") == []


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("a,b,c", BROKEN), ("a,b,,c", BROKEN), ("a,b,", ("a", "b")), ("a,b,,,", ("a", "b")), ("a", ("a", None)), ("a,", ("a", None)),
        (",b", (None, "b")),
    ],
)  # fmt: skip
def test_a_row_with_more_fields_than_the_header_is_rejected_and_one_with_fewer_is_not(line, row):
    assert read(f"id,text\n{line}\nc,d\n") == [row, ("c", "d")]


def test_a_reject_says_how_many_fields_there_are():
    ((number, reject),) = records("id,text\na,b,c,d\n")
    assert (number, reject.row, reject.source) == (1, 1, "f.csv")
    assert reject.detail == "4 fields, and the header has 2"


@pytest.mark.parametrize(
    "rows",
    ['a,"b\nc,d\ne,f\n', '5" pizza,"b\nc,d\n', 'a,"b ""c"" d\ne,f\n', 'a,"b\n\n\n', 'a,"b\n', 'a,"b'],
)
def test_a_quotation_mark_that_is_never_closed_is_told(rows):
    good, (number, reject) = records(f"id,text\ny,z\n{rows}")
    assert good == (1, {"id": "y", "text": "z"})
    assert (number, reject.reason) == (2, BROKEN)
    assert reject.detail == "a quotation mark in line 3 is never closed: is the file whole?"


def test_a_last_line_may_be_without_an_end():
    assert read('id,text\na,"b"') == [("a", "b")]
    assert read('id,text\na,"b\nc"') == [("a", "b\nc")]


def spark(*rows, mark=","):
    """Write rows as Spark does: with quotation marks where there is something to be quoted, and backslashes in them."""

    def field(value):
        if value and not any(character in value for character in f'"{mark}\n'):
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "".join(mark.join(map(field, row)) + "\n" for row in rows)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "text", ['say "wow" ok', 'say "wow"', '"wow"', '"', '12" wide\nand good', 'a "b"\\ c', 'a, b; "c"']
)
def test_spark_has_a_backslash_before_a_quotation_mark(text, mark):
    rows = [("a", text, "x"), ("", text, ""), ("c", "plain", ""), ("d", text, "")]
    assert read(spark(("id", "text", "n"), *rows, mark=mark)) == [tuple(field or None for field in row) for row in rows]


def test_what_spark_never_closes_is_told_too():
    assert read('id,text\na,"say \\"wow\nb,c\n') == [BROKEN]


@pytest.mark.parametrize("text", ['\\"', 'say \\"hi\\"', 'a\\", b', '"a\\"', 'C:\\ and "D:\\"', "\\", "a\\nb"])
def test_a_backslash_elsewhere_is_one(text):
    file = io.StringIO()
    csv.writer(file).writerows([("id", "text", "n"), ("a", text, ""), ("b", 'and "so" on', "x")])
    assert read(file.getvalue()) == [("a", text, None), ("b", 'and "so" on', "x")]


def test_bytes_that_are_no_utf8_are_left_for_their_own_row_to_be_judged():
    (_, bad), (_, good) = records(b"id,text\na,\xff\nb,c\n")
    assert bad["text"].encode(errors="surrogateescape") == b"\xff"
    assert good["text"] == "c"


def test_a_field_may_be_long():
    assert len(read('id,text\na,"' + "x" * 1_000_000 + '"\n')[0][1]) == 1_000_000


def test_a_quoted_field_may_end_with_a_backslash():
    file = io.StringIO()
    csv.writer(file).writerows([("id", "text"), ("a", "b, c\\"), ("d", "e"), ("f", "g, h")])
    assert read(file.getvalue()) == [("a", "b, c\\"), ("d", "e"), ("f", "g, h")]


def test_spark_leaves_a_backslash_alone_outside_of_quotation_marks():
    assert read(spark(("id", "text"), ("a", 'say "wow" ok'), ("b", "C:\\new"))) == [
        ("a", 'say "wow" ok'),
        ("b", "C:\\new"),
    ]


def test_a_quotation_mark_that_another_row_closes_is_told():
    assert read('id,text\na,"never closed\nb,"good"\nc,fine\n')[0] == BROKEN


def test_a_name_in_the_header_may_have_a_line_break():
    assert read('"id\nof it";text\na;b\n') == [("a", "b")]


def test_the_first_line_may_end_with_a_carriage_return():
    assert read("id;text\ra;b, c, d\r") == [("a", "b, c, d")]


def test_a_field_that_is_too_long_costs_its_row():
    before = csv.field_size_limit(1000)
    try:
        assert read('id,text\na,"' + "x" * 2000 + '"\n') == [BROKEN]
    finally:
        csv.field_size_limit(before)


def test_a_line_that_goes_on_for_too_long_ends_the_file(monkeypatch):
    monkeypatch.setattr(csv_records, "LONGEST", 1000)
    assert read("id,text\na,b\n" + "x" * 5000 + "\nc,d\n") == [("a", "b"), BROKEN]


def test_a_row_of_too_many_lines_ends_the_file(monkeypatch):
    monkeypatch.setattr(csv_records, "MOST", 1000)
    assert read('id,text\na,b\nc,"' + "x\n" * 900 + '"\nd,"' + "x\n" * 2000) == [("a", "b"), ("c", "x\n" * 900), BROKEN]


def test_a_header_can_be_refused():
    seen = []
    head = b"text,text\na,b\n"
    list(csv_records.records(io.BytesIO(head), "t.csv", head, seen.append))
    assert seen == [["text", "text"]]
