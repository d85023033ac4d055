"""What needs attention."""

import datetime as dt
from dataclasses import replace

from brain.decisions.attention import Finding, Situation, Unusual, list_findings

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
CALM = Situation(now=NOW, requests=10, unpriced_requests=0, unpriced_models=0, waiting_events=0,
                 waiting_hours=0, faults=(), statuses={"cpu_pct": "ok", "disk_pct": "unknown"},
                 values={"cpu_pct": 40.0, "disk_pct": None}, demo_until_utc=None)


def codes(seen: Situation) -> list[str]:
    return [finding.code for finding in list_findings(seen)]


def test_calm_has_no_findings() -> None:
    assert list_findings(CALM) == ()


def test_missed_target_says_value_side_and_level() -> None:
    seen = replace(CALM, statuses={"cpu_pct": "critical", "cache_hit_pct": "warning"},
                   values={"cpu_pct": 91.25, "cache_hit_pct": 60.0})
    assert [finding.text for finding in list_findings(seen)] == [
        "CPU use is 91.25 %, above the critical level of 85 %.",
        "Cache hit ratio is 60 %, below the warning level of 65 %."]


def test_most_urgent_comes_first() -> None:
    seen = replace(CALM, requests=0, unpriced_requests=3, unpriced_models=2,
                   faults=("requests: 1 row is missing",), demo_until_utc=NOW - dt.timedelta(1))
    found = list_findings(seen)
    assert [each.urgency for each in found] == ["critical", "warning", "unknown", "unknown"]
    assert found[0] == Finding("critical", "store_fault", "The stores do not hold all that was "
                               "accepted: requests: 1 row is missing.", "data")


def test_waiting_counts_only_from_a_threshold() -> None:
    assert codes(replace(CALM, waiting_events=9_999, waiting_hours=23)) == []
    assert codes(replace(CALM, waiting_events=10_000)) == ["data_waiting"]
    assert codes(replace(CALM, waiting_hours=24)) == ["data_waiting"]


def test_demonstration_is_stale_after_two_hours() -> None:
    assert codes(replace(CALM, demo_until_utc=NOW - dt.timedelta(minutes=119))) == []
    assert codes(replace(CALM, demo_until_utc=NOW - dt.timedelta(hours=2))) == ["demo_stale"]


def test_silent_source_gives_its_reason() -> None:
    seen = replace(CALM, silent_sources=(("Redis", "Redis at a:1 cannot be reached."),))
    assert [each.text for each in list_findings(seen)] == [
        "Redis: Redis at a:1 cannot be reached."]


def unusual(series: str, minutes_ago: int, score: float = 0.6) -> Unusual:
    at_utc = NOW - dt.timedelta(minutes=minutes_ago)
    return Unusual(f"{series}@{minutes_ago}", series, at_utc, score,
                   "3.1× the usual for a Tuesday 14:00")


def test_an_anomaly_of_the_last_hour_is_told_in_words_with_its_page() -> None:
    found = list_findings(replace(CALM, unusual=(unusual("cost_usd", 30),)))
    assert found == (Finding(
        "warning", "anomaly", "Spend was unusual at 23:30 UTC: 3.1× the usual for a Tuesday "
        "14:00.", "costs", "cost_usd@30"),)
    assert codes(replace(CALM, unusual=(unusual("cost_usd", 61),))) == []


def test_the_latest_of_each_series_and_the_highest_scores_are_told() -> None:
    seen = replace(CALM, unusual=(
        unusual("requests", 40), unusual("requests", 10), unusual("cpu_pct@web-1", 5, 0.9),
        unusual("cost_usd", 5, 0.5), unusual("error_pct", 5, 0.7)))
    assert [each.anomaly_id for each in list_findings(seen)] == [
        "cpu_pct@web-1@5", "error_pct@5", "requests@10"]
    assert list_findings(seen)[0].text.startswith("CPU use of web-1 was unusual")
