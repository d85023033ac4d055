"""OpenAI's usage export."""

import json

from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "openai_usage.json", "openai-usage", (11, 8, 3),
                        (18_216, 9_248, 996, 801, 0))
    assert [each.code for each in report.rejected] == ["cache_exceeds_total", "no_tokens",
                                                       "cost_only"]


def test_requests_of_a_bucket_are_spread_over_it(bring, engine):
    bring((FOLDER / "openai_usage.json").read_bytes())
    five = [row for row in rows(engine) if row["model"] == "gpt-4o-2024-08-06"]
    # 1,000 − 800 = 200 / 5 = 40; 800 / 5 = 160; 501 / 5 = 100, one left for the first
    assert [classes(row) for row in five] == [(40, 160, 0, 101, 0)] + [(40, 160, 0, 100, 0)] * 4
    assert [row["at_utc"].minute for row in five] == [0, 12, 24, 36, 48]  # 60 min / 5
    assert {(row["workspace_id"], row["api_key_id"], row["provider"]) for row in five} == {
        ("proj_abc", "key_1", "openai")}
    assert {row["endpoint"] for row in rows(engine)} == {"completions", "completions batch",
                                                         "embeddings"}


def page(result: dict, end: int = 1_767_315_600) -> str:
    return json.dumps({"object": "page", "data": [{
        "object": "bucket", "start_time": 1_767_312_000, "end_time": end, "results": [{
            "object": "organization.usage.completions.result", "num_model_requests": 3,
            "input_tokens": 10, "output_tokens": 2, **result}]}]})


def test_faults_are_named(bring):
    for result, code in (({"num_model_requests": 0}, "bad_count"),
                         ({"num_model_requests": 10**8}, "bad_count"),
                         ({"input_tokens": -1}, "negative"), ({"input_tokens": "x"},
                                                              "not_a_number"),
                         ({"output_tokens": 1.5}, "not_whole"),
                         ({"input_uncached_tokens": 11}, "uncached_mismatch")):
        report = bring(page(result))
        assert [each.code for each in report.rejected] == [code], result
        assert report.rows_kept == 0


def test_bucket_that_is_not_over_is_not_taken(bring):
    # NOW is 2026-03-01 12:00; half a bucket would keep the rest of it out later
    assert bring(page({}, end=1_772_370_000)).rejected[0].code == "still_open"


def test_many_requests_add_up(bring, engine):
    report = bring(page({"num_model_requests": 120_001, "input_tokens": 7_000_003,
                         "output_tokens": 11}))
    assert (report.rows_read, report.rows_kept) == (120_001, 120_001)
    assert report.totals["input_tokens"] == 7_000_003
    assert report.totals["output_tokens"] == 11
    last = max(row["at_utc"] for row in rows(engine))
    assert last.hour == 0 and last.minute == 59  # before the bucket's end
