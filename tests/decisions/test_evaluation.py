"""Golden sets are read or refused by line; a gate asks for objectives, then the win rate."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from analytics.evaluation import Pairing, compare_scores
from brain.decisions.evaluation import (
    Gate,
    ItemResult,
    decide_gate,
    read_golden_set,
    summarize_results,
)
from brain.decisions.grading import Exact
from brain.decisions.reasons import InputError


def test_a_set_is_read() -> None:
    items = read_golden_set([{"input": "2 + 2?", "expected": 4},
                             {"id": "x", "inputs": {"city": "Rome"}, "expected": "Italy"}])
    assert [each.item_id for each in items] == ["1", "x"]
    assert items[1].grader == Exact(("Italy",))


@pytest.mark.parametrize(("lines", "field"), [
    ([], "items"), ([{"input": "a"}], "items[0].grader"), ([{"expected": 1}], "items[0].input"),
    ([{"input": "a", "expected": "b", "wight": 1}], "items[0].wight"), (["a"], "items[0]"),
    ([{"id": "x", "input": "a", "expected": "b"}] * 2, "items[1].id"),
    ([{"input": "a", "expected": "b", "tags": "t"}], "items[0].tags")])
def test_a_faulty_set_is_refused_by_line_and_field(lines: list[Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        read_golden_set(lines)
    assert refused.value.field == field


def results(*scores: float | None, ms: float = 100, usd: str | None = "0.01") -> list[ItemResult]:
    return [ItemResult(str(n), score, ms, None if usd is None else Decimal(usd))
            for n, score in enumerate(scores)]


def test_a_summary_adds_up() -> None:
    found = summarize_results([*results(1.0, 0.4, None), ItemResult("f", 0.0, failed=True)])
    assert (found.items, found.graded, found.failed, found.passed) == (4, 3, 1, 1)
    assert found.mean_score == pytest.approx(1.4 / 3)
    assert (found.cost_usd, found.usd_per_item) == (Decimal("0.03"), Decimal("0.0075"))
    assert summarize_results(results(1.0, usd=None)).cost_usd is None


def pairing(wins: int, losses: int) -> Pairing:
    return compare_scores([1.0] * wins + [0.0] * losses, [0.0] * wins + [1.0] * losses,
                          np.random.default_rng(1))


GOOD = summarize_results(results(*[1.0] * 10))


@pytest.mark.parametrize(("gate", "summary", "compared", "verdict", "code"), [
    (Gate("g"), GOOD, pairing(9, 1), "pass", "pairing_better"),
    (Gate("g"), GOOD, pairing(1, 9), "fail", "pairing_worse"),
    (Gate("g"), GOOD, pairing(5, 5), "cannot_tell", "pairing_cannot_tell"),
    (Gate("g"), GOOD, None, "pass", "first"),
    (Gate("g", "better"), GOOD, compare_scores([1.0] * 9, [1.0] * 9, np.random.default_rng(1)),
     "fail", "pairing_not_worse"),
    (Gate("g", most_p95_latency_ms=99), GOOD, pairing(9, 1), "fail", "latency_broken"),
    (Gate("g", most_usd_per_item=Decimal("0.009")), GOOD, pairing(9, 1), "fail", "cost_broken"),
    (Gate("g", most_usd_per_item=Decimal("0.01"), most_p95_latency_ms=100), GOOD, pairing(9, 1),
     "pass", "pairing_better"),
    (Gate("g", least_mean_score=0.9), summarize_results(results(*[0.8] * 10)), None, "fail",
     "mean_score_broken"),
    (Gate("g", most_usd_per_item=Decimal(1)), summarize_results(results(1.0, usd=None)), None,
     "cannot_tell", "cost_unknown"),
    (Gate("g"), summarize_results(results(1.0, None)), pairing(9, 1), "cannot_tell", "ungraded"),
    (Gate("g"), summarize_results([]), None, "cannot_tell", "no_items")])
def test_the_gate(gate: Gate, summary: Any, compared: Pairing | None, verdict: str,
                  code: str) -> None:
    found = decide_gate(gate, summary, compared)
    assert (found.verdict, found.reasons[0].code) == (verdict, code)
