import time

from pipelines.output.metrics import text

REPORT = {
    "schema": 1,
    "run": {
        "number": 3, "status": "done", "model": 'a"b', "policy": "prefill", "engine": {"max_num_seqs": 8}, "plan_s": 1.5,
        "finished": "2026", "max_wait_s": None, "predicted": {"low_s": 1.0},
    },
    "rows": {"in": 3, "rejects_by_reason": {"no-text": 1}},
    "tasks": {"sentiment": {"labels": {"positive": 2}, "requests": 2, "ttft_s": {"mean": 0.5, "p50": 0.4, "p90": 1.0, "p99": None}, "jobs": {"count": 1}}},
}  # fmt: skip


def test_every_figure_has_a_name_a_type_and_its_labels(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1.5e9)
    lines = text(REPORT).splitlines()
    assert [line for line in lines if not line.startswith("# HELP ")] == [
        "# TYPE reviewbatch_run_info gauge",
        'reviewbatch_run_info{status="done",model="a\\"b",policy="prefill"} 1.0',
        "# TYPE reviewbatch_run_running gauge",
        "reviewbatch_run_running 0.0",
        "# TYPE reviewbatch_metrics_written_timestamp_seconds gauge",
        "reviewbatch_metrics_written_timestamp_seconds 1500000000.0",
        "# TYPE reviewbatch_run_plan_seconds gauge",
        "reviewbatch_run_plan_seconds 1.5",
        "# TYPE reviewbatch_run_predicted_low_seconds gauge",
        "reviewbatch_run_predicted_low_seconds 1.0",
        "# TYPE reviewbatch_rows_in gauge",
        "reviewbatch_rows_in 3",
        "# TYPE reviewbatch_rows_rejects_by_reason gauge",
        'reviewbatch_rows_rejects_by_reason{reason="no-text"} 1',
        "# TYPE reviewbatch_labels gauge",
        'reviewbatch_labels{task="sentiment",label="positive"} 2',
        "# TYPE reviewbatch_requests gauge",
        'reviewbatch_requests{task="sentiment"} 2',
        "# TYPE reviewbatch_ttft_seconds gauge",
        'reviewbatch_ttft_seconds{task="sentiment",statistic="mean"} 0.5',
        'reviewbatch_ttft_seconds{task="sentiment",statistic="p50"} 0.4',
        'reviewbatch_ttft_seconds{task="sentiment",statistic="p90"} 1.0',
        "# TYPE reviewbatch_jobs gauge",
        'reviewbatch_jobs{task="sentiment"} 1',
    ]
    assert "# HELP reviewbatch_run_plan_seconds reading and tokenising the corpus" in lines
    assert len([line for line in lines if line.startswith("# HELP ")]) == 11


def test_a_label_is_one_line_and_does_nothing():
    run = {"status": "done", "model": 'a\n\x1b[31m\u202e"b\\'}
    assert 'model="a\\n\\\\x1b[31m\\\\u202e\\"b\\\\"' in text({"run": run, "rows": {}, "tasks": {}})


def test_names_end_as_prometheus_has_it():
    jobs = {"count": 3, "goodput_per_min": 30.0, "sla_attainment": 0.5}
    task = {"jobs": jobs, "reviews_per_s": 2.5, "reviews_total": 7, "to_come": 1}
    written = text(
        {"run": {"status": "done", "engine_up": 1e9, "sla": {"mine": 60.0}}, "rows": {}, "tasks": {"mine": task}}
    )
    assert [line for line in written.splitlines() if not line.startswith("#")][3:] == [
        "reviewbatch_run_engine_up_timestamp_seconds 1000000000.0",
        'reviewbatch_run_sla_seconds{task="mine"} 60.0',
        'reviewbatch_jobs{task="mine"} 3',
        'reviewbatch_jobs_goodput_per_second{task="mine"} 0.5',
        'reviewbatch_jobs_sla_attainment_ratio{task="mine"} 0.5',
        'reviewbatch_reviews_per_second{task="mine"} 2.5',
        'reviewbatch_reviews_of_restaurants{task="mine"} 7',
        'reviewbatch_to_come{task="mine"} 1',
    ]
    assert "# HELP reviewbatch_to_come to come\n" in written  # which no description has yet
