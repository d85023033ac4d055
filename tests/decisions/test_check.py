"""The day's checklist: one verdict, and what is missing is never well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.check import (
    ESSENTIAL,
    EXIT_STATUS,
    ITEMS,
    SURE_FROM_REQUESTS,
    LatencyRow,
    Observed,
    decide_check,
    describe_target,
    judge_latency,
)
from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS, with_overrides

WELL = {"availability_pct": Observed(100.0), "error_pct": Observed(0.1)}
VALUES = st.dictionaries(
    st.sampled_from([metric for _, metric, _ in ITEMS]),
    st.one_of(st.none(), st.floats(0, 100)).map(Observed))


def row(p95_ms, timed=100):
    return LatencyRow("/v1/ask", 100, 0, timed, p95_ms, p95_ms, p95_ms)


@pytest.mark.parametrize(("seen", "verdict", "status"), [
    (WELL, "ok", 0),
    (WELL | {"cpu_pct": Observed(70.0)}, "ok", 0),  # on the level is not past it
    (WELL | {"cpu_pct": Observed(70.1)}, "warning", 1),
    (WELL | {"cpu_pct": Observed(85.1)}, "critical", 2),
    (WELL | {"cpu_pct": Observed(85.1), "disk_pct": Observed(86.0)}, "critical", 2),
    ({}, "unknown", 3),
    ({"error_pct": Observed(0.1)}, "unknown", 3),  # availability is essential
    ({"availability_pct": Observed(100.0)}, "unknown", 3),
    ({"error_pct": Observed(2.0)}, "warning", 1),  # a known warning is worse than not to know
    ({"cpu_pct": Observed(99.0)}, "critical", 2),
    (WELL | {"pods_running": Observed(2.0)}, "warning", 1),
])
def test_the_verdict_is_the_worst_known(seen, verdict, status):
    found = decide_check(seen, TARGETS)
    assert (found.verdict, found.exit_status) == (verdict, status)
    assert found.reasons


def test_every_metric_of_the_table_is_on_the_list_or_said_by_another():
    listed = {metric for _, metric, _ in ITEMS}
    assert set(TARGETS) - listed == {"success_pct"}  # 100 - error_pct
    assert [line.metric for line in decide_check({}, TARGETS).lines] == [
        metric for _, metric, _ in ITEMS]


def test_what_nobody_tells_is_unknown_and_says_so():
    lines = {line.metric: line for line in decide_check(WELL, TARGETS).lines}
    assert (lines["disk_pct"].verdict, lines["disk_pct"].note) == ("unknown", "nobody tells")
    assert lines["disk_pct"].value is None


def test_throughput_counts_only_while_demand_is_unmet():
    seen = WELL | {"throughput_per_s": Observed(3.0)}
    assert decide_check(seen, TARGETS).verdict == "ok"
    assert decide_check(seen, TARGETS, demand_unmet=True).verdict == "warning"  # below 800


def test_a_changed_target_changes_the_verdict():
    stricter = with_overrides([{"metric": "error_pct", "target": 0.02, "warning": 0.05}])
    assert decide_check(WELL, stricter).verdict == "warning"


def test_a_value_that_cannot_be_is_named():
    with pytest.raises(InputError) as error:
        decide_check({"cpu_pct": Observed(101.0)}, TARGETS)
    assert error.value.field == "cpu_pct"


@given(VALUES, st.booleans())
def test_one_rule_for_all_inputs(seen, demand_unmet):
    found = decide_check(seen, TARGETS, demand_unmet)
    verdicts = {line.verdict for line in found.lines}
    worst = max(verdicts - {"unknown"}, key=EXIT_STATUS.__getitem__, default="unknown")
    blind = any(line.metric in ESSENTIAL and line.verdict == "unknown" for line in found.lines)
    assert found.verdict == ("unknown" if worst == "ok" and blind else worst)
    for line in found.lines:
        assert (line.value is None) == (line.verdict == "unknown")


@pytest.mark.parametrize(("given_row", "verdict", "note"), [
    (row(1_000.0), "ok", ""), (row(1_000.1), "warning", ""),
    (row(None, 0), "unknown", "no request has a latency"),
    (row(2_000.0, 1), "warning", "only 1 request"),
    (row(200.0, SURE_FROM_REQUESTS - 1), "ok", "only 19 requests"),
])
def test_latency_warns_past_its_level(given_row, verdict, note):
    (found,) = judge_latency([given_row], 1_000)
    assert (found.verdict, found.note) == (verdict, note)


@pytest.mark.parametrize(("metric", "told"), [
    ("cpu_pct", "≤ 70 %, warns above 70, critical above 85"),
    ("throughput_per_s", "≥ 1000 per s, warns below 800"),
    ("pods_running", "3 to 10 pods")])
def test_levels_in_words(metric, told):
    assert describe_target(TARGETS[metric]) == told
