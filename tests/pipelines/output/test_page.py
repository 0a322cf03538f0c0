"""The page, and the curves on it."""

import re
from html.parser import HTMLParser

import pytest

from pipelines.ledger.ledger import Ledger
from pipelines.output import page, report, times


class Reader(HTMLParser):
    """Collects a page's text, and holds that every element that opens also closes."""

    VOID = frozenset({"meta", "line", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


REPORT = {
    "run": {"number": 2, "status": "done", "started": "2026", "model": "<b>&", "device": "cpu", "policy": "fifo", "makespan_s": 12.34,
            "predicted": {"makespan_s": 11.0}},
    "rows": {"in": 5, "answered": 4, "rejected": 1234, "waiting": 0, "rejects_by_reason": {"no-text": 1}},
    "tasks": {},
}  # fmt: skip


def test_the_page_says_what_the_report_does_and_is_well_formed():
    html = page.render(REPORT, {"jobs complete": [(0.0, 0.0), (5.0, 2.0), (10.0, 3.0)], "nothing": [(0.0, 0.0)]})
    reader = Reader()
    reader.feed(html)
    assert not reader.open
    for expected in (
        "reviewbatch, run 2: done",
        "nothing by <b>& on cpu, policy fifo, started 2026",
        "12.3",
        "1,234",
        "no-text",
        "jobs complete",
        "10 s",
    ):
        assert expected in reader.text, expected
    assert "nothing" not in reader.text
    assert not re.findall(r"https?://|src=|href=", html), "it needs something else"


def test_a_curve_is_a_running_total_of_few_points(monkeypatch):
    assert times._by_then([(2.0, 5), (1.0, 3)]) == [(0.0, 0.0), (1.0, 3.0), (2.0, 8.0)]
    assert times._by_then([]) == [(0.0, 0.0)]
    many = times._by_then((float(n), 1) for n in range(10_000))
    assert len(many) <= times.POINTS + 1
    assert many[-1] == (9999.0, 10_000.0)


def test_a_run_without_an_answer_has_a_page(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin({})
    report.write(tmp_path)
    ledger.close()
    assert "reviewbatch, run 1: running" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("value", "said"), [(0.123456, "0.123"), (1234.5, "1,234"), (5, "5"), (None, ""), ("<", "&lt;")]
)
def test_figures_have_three_digits(value, said):
    assert page._said(value) == said
