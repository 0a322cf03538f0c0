import io
import json
import tracemalloc

import pytest

from pipelines.corpus.formats import json_records
from pipelines.corpus.reject import Reject


class Trickle:
    """Bytes that come a few at a time, as those of a pipe do."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        self._stream, self._most, self.reads = io.BytesIO(data), most, 0

    def read(self, size):
        self.reads += 1
        return self._stream.read(min(size, self._most))


def told(records):
    """Tell rejects by their reasons."""
    return [(number, str(found.reason) if isinstance(found, Reject) else found) for number, found in records]


def lines(data: bytes, **how):
    return told(json_records.lines(Trickle(data, **how), "f"))


def values(data: bytes, **how):
    return told(json_records.values(Trickle(data, **how), "f"))


def details(records):
    return [found.detail for _, found in records if isinstance(found, Reject)]


A, B, C = ({"t": name} for name in "abc")
BROKEN = "malformed-json"


@pytest.mark.parametrize(
    "data",
    [
        b'{"t":"a"}\n{"t":"b"}\n',
        b'{"t":"a"}\n{"t":"b"}',
        b'{"t":"a"}\r\n{"t":"b"}\r\n',
        b'\xef\xbb\xbf{"t":"a"}\n\xef\xbb\xbf{"t":"b"}\n',
        b' {"t": "a" } \n\t{"t" :"b"}',
    ],
)
@pytest.mark.parametrize("most", [1, 2, 7, 1 << 30])
def test_every_line_is_a_record(data, most):
    assert lines(data, most=most) == [(1, A), (2, B)]


def test_a_line_without_anything_has_a_number_and_is_no_record():
    assert lines(b'\n{"t":"a"}\n\r\n \n{"t":"b"}\n\n') == [(2, A), (5, B)]


@pytest.mark.parametrize("most", [1, 5, 1 << 30])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"t":"a', BROKEN), (b'{"t":"a"},', BROKEN), (b'{"t":"a"}{"t":"a"}', BROKEN), (b"{'t':'a'}", BROKEN),
        (b'{"t":"a",}', BROKEN), (b"[]", BROKEN), (b"null", BROKEN), (b"nul", BROKEN), (b"\0", BROKEN),
        (b'{"t":"\xff"}', "invalid-utf8"), (b'{"t":"\xed\xa0\xbd"}', "invalid-utf8"), (b"\xff", "invalid-utf8"),
    ],
)  # fmt: skip
def test_a_broken_line_costs_itself(line, reason, most):
    assert lines(b'{"t":"a"}\n' + line + b'\n{"t":"b"}', most=most) == [(1, A), (2, reason), (3, B)]


def test_what_strict_json_forbids_and_writers_write():
    assert values(b'[{"t": "a\nb\tc", "n": -Infinity}]') == [(1, {"t": "a\nb\tc", "n": float("-inf")})]
    ((_, found),) = lines(b'{"n": NaN, "t": "a\tb\x01"}')
    assert found["n"] != found["n"]
    assert found["t"] == "a\tb\x01"


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"{'t': 'a'}", "json.dumps"),
        (b"[{'t': 'a'}]", "json.dumps"),
        (b'{"t": "a"},', "without its brackets"),
        (b'{"t" "a"}', "delimiter: line 1 column 6"),
    ],
)
def test_the_likely_cause_is_told_in_one_line(data, cause):
    (detail,) = details(json_records.lines(Trickle(data), "f"))
    assert cause in detail
    assert len(detail.splitlines()) == 1


@pytest.mark.parametrize("most", [1, 2, 3, 11, 1 << 30])
@pytest.mark.parametrize(
    "data",
    [
        b'[{"t":"a"},{"t":"b"}]',
        b'[{"t":"a"},{"t":"b"},]',
        b'[\n  {\n    "t": "a"\n  },\n  {\n    "t": "b"\n  }\n]\n',
        b'{\n  "t": "a"\n}\n{\n  "t": "b"\n}',
        b'{\n"t": "a"\n},\n{\n"t": "b"\n},\n',
        b'{"t":"a"}{"t":"b"}',
        b'{"t":"a"} , {"t":"b"}',
        b'[{"t":"a"}]\n[{"t":"b"}]',
        b'[[{"t":"a"}],[{"t":"b"}]]',
        b'\xef\xbb\xbf[{"t":"a"}]\n\xef\xbb\xbf[{"t":"b"}]',
        b'{"t":"\\u0061"' + b" " * 99 + b"}" + b"\n" * 99 + b'{"t":"b"}',
    ],
)
def test_objects_in_arrays_or_behind_each_other_are_records(data, most):
    assert values(data, most=most) == [(1, A), (2, B)]


@pytest.mark.parametrize("most", [1, 2, 1 << 30])
@pytest.mark.parametrize("nothing", [b"", b"[]", b"[,]", b"]", b" \n", b"[[],[]]", b"\xef\xbb\xbf"])
def test_arrays_without_anything_have_no_records(nothing, most):
    assert values(nothing, most=most) == []


@pytest.mark.parametrize("most", [1, 2, 3, 1 << 30])
@pytest.mark.parametrize(
    ("data", "good"),
    [
        (b"[", []), (b"[\n", []), (b'[{"t":"a"}', [A]), (b'[{"t":"a"},', [A]), (b'[{"t":"a"},{"t":"b"}\n', [A, B]), (b'[[{"t":"a"}]', [A]),
        (b'[{"t":"a"}]\n[{"t":"b"}', [A, B]), (b'{"t":"a"}[', [A]),
    ],
)  # fmt: skip
def test_an_array_that_is_never_closed_is_told(data, good, most):
    assert values(data, most=most) == [*enumerate(good, start=1), (len(good) + 1, BROKEN)]
    assert details(json_records.values(Trickle(data), "f")) == ["an array is never closed: is the file whole?"]


@pytest.mark.parametrize("most", [1, 2, 7, 1 << 30])
@pytest.mark.parametrize(
    "rest",
    [
        b'{"t" "b"}', b'{"t": "b",}', b'{"t": "b', b'{"t": "b"', b'{"t": ', b"{", b"nul", b"{'t': 'b'}", b"\x01", b"\xff",
        b'{"t": "\\x"}', b'{"t": ' + b"1" * 5000 + b"}", b'{"t": ' + b"[" * 100_000, b"{]}",
    ],
)  # fmt: skip
def test_behind_a_broken_element_is_one_reject_and_those_before_it_stay(rest, most):
    if len(rest) > 999:
        most = max(most, 1000)
    assert values(b'[{"t":"a"},' + rest, most=most) == [(1, A), (2, BROKEN)]
    if not rest.endswith(b"["):
        behind = b',{"t":"b"},{"t":"c"}' * 9 + b"]"
        assert values(b'[{"t":"a"},' + rest + behind, most=most)[:2] == [(1, A), (2, BROKEN)]


def test_nothing_is_read_behind_a_broken_element():
    data = b'[{"t":"a"},{"t" "b"},{"t":"c"}' + b',{"t":"c"}' * 99 + b"]"
    *_, (number, reject) = records = list(json_records.values(Trickle(data), "f"))
    assert (len(records), number, reject.row, reject.source) == (2, 2, 2, "f")
    assert "nothing behind it was read" in reject.detail


@pytest.mark.parametrize("most", [1, 2, 3, 1 << 30])
def test_bytes_that_are_no_utf8_are_left_for_their_own_row_to_be_judged(most):
    (_, bad), (_, good) = values(b'[{"t":"\xc3("},{"t":"b"}]', most=most)
    assert bad["t"].encode(errors="surrogateescape") == b"\xc3("
    assert good == B


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_a_character_may_be_cut_anywhere(most):
    text = "맛 🙂 é"
    data = json.dumps([{"t": text}, A], ensure_ascii=False).encode()
    assert values(data, most=most) == [(1, {"t": text}), (2, A)]
    assert values(json.dumps([{"t": text}]).encode(), most=most) == [(1, {"t": text})]


@pytest.mark.parametrize("most", [1, 2, 3, 1 << 30])
@pytest.mark.parametrize(
    ("element", "kind"), [(b'"a"', "str"), (b"null", "NoneType"), (b"true", "bool"), (b"-Infinity", "float")]
)
def test_an_element_that_is_no_object_costs_itself(element, kind, most):
    data = b'[{"t":"a"},' + element + b',{"t":"b"}]'
    assert values(data, most=most) == [(1, A), (2, BROKEN), (3, B)]
    assert details(json_records.values(Trickle(data), "f")) == [f"expected an object, found {kind}"]


def test_records_come_before_the_end_of_what_they_are_read_from():
    class Endless:
        def read(self, size):
            return b'{"t":"a"}\n' * (size // 10 + 1)

    for read in (json_records.values, json_records.lines):
        assert next(iter(read(Endless(), "f"))) == (1, A)


def test_a_long_record_is_not_begun_anew_with_every_block(monkeypatch):
    monkeypatch.setattr(json_records, "BLOCK", 1 << 10)
    long = Trickle(json.dumps([{"t": "x" * (1 << 20)}]).encode())
    ((_, found),) = json_records.values(long, "f")
    assert len(found["t"]) == 1 << 20
    assert long.reads < 20


def test_what_goes_on_for_too_long_is_broken(monkeypatch):
    monkeypatch.setattr(json_records, "LONGEST", 1 << 12)
    monkeypatch.setattr(json_records, "BLOCK", 1 << 10)
    endless = Trickle(b'[{"t":"a"},{"t":"' + b"x" * (1 << 20))
    assert told(json_records.values(endless, "f")) == [(1, A), (2, BROKEN)]
    assert endless.reads < 9


def test_a_line_that_goes_on_for_too_long_costs_itself_and_no_memory(monkeypatch):
    monkeypatch.setattr(json_records, "LONGEST", 1 << 12)
    monkeypatch.setattr(json_records, "BLOCK", 1 << 10)
    for end in (b"", b"\n", b'\n{"t":"a"}'):
        endless = Trickle(b'{"t":"a"}\n' + b" " * (1 << 20) + end)
        tracemalloc.start()
        found = told(json_records.lines(endless, "f"))
        assert found == [(1, A), (2, BROKEN), (3, A)][: 3 if end.endswith(b"}") else 2]
        assert tracemalloc.get_traced_memory()[1] < 1 << 17
        tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [
        b'{"t":"a"}', b'{"t":"a"}\n', b'\n\n{"t":"a"}\n',
        b'  \n \n{"t":"a"}\n', b'\xef\xbb\xbf{"t":"a"}\n', b'{"t":"a"}\n{"t":"b', b'{"t":"a"}\n  x',
        b'{"t":"a\n{"t":"b"}\n', b"{'t':'a'}\n{'t':'b'}", b'{"t":"a"},\n{"t":"b"},\n', b'{"t":"\xff"}\n', b"{}", b"{}\n{}",
    ],
)  # fmt: skip
def test_an_object_a_line_is_known_by_the_first_one_or_the_second(head):
    assert json_records.is_lines(head)


@pytest.mark.parametrize(
    "head",
    [
        b"", b" \n", b"[]", b'[{"t":"a"}]\n', b'[\n{"t":"a"},\n{"t":"b"}\n]', b'{\n  "t": "a"\n}\n', b'{\n"t": "a"\n}',
        b'{"t":"a"}{"t":"b"}', b'{"t":"a"}, {"t":"b"}', b'\xef\xbb\xbf[\n{"t":"a"}]', b'{"t":\n"a"}', b"{\n  {\n",
        b'{\n"t": [\n{}\n]\n}\n{\n"t": "b"\n}',
    ],
)  # fmt: skip
def test_whatever_else_is_read_as_values(head):
    assert not json_records.is_lines(head)


def test_nesting_without_end_in_the_first_line_is_no_error():
    json_records.is_lines(b'{"t":' * 100_000)


def test_a_first_line_may_be_longer_than_what_is_looked_at():
    assert json_records.is_lines(b'{"t":"' + b"x" * (1 << 16))


def test_the_first_lines_may_be_broken():
    assert json_records.is_lines(b'{"t":"a\nx\n{"t":"b"}\n{"t":"c"}\n')
