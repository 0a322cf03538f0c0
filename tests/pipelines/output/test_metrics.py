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


def test_every_figure_has_a_name_a_type_and_its_labels():
    assert text(REPORT).splitlines() == [
        "# TYPE reviewbatch_run_info gauge",
        'reviewbatch_run_info{status="done",model="a\\"b",policy="prefill"} 1.0',
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
        "# TYPE reviewbatch_jobs_count gauge",
        'reviewbatch_jobs_count{task="sentiment"} 1',
    ]
