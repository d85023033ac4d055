"""Unit costs, with the arithmetic beside each number."""

from decimal import Decimal

import pandas as pd

from analytics import costs, usage


def usage_of(**given: object) -> usage.Usage:
    counts = {name: 0 for name in usage.COUNTS if name != "latency_count"}
    return usage.Usage(**{**counts, "cost_usd": Decimal(0), "mean_latency_ms": None, **given})


def test_unit_costs_are_over_what_has_a_price() -> None:
    found = costs.unit_costs(usage_of(
        requests=12, unpriced_requests=2, input_tokens=1_500, output_tokens=1_000,
        unpriced_tokens=500, cost_usd=Decimal("0.05")))
    assert found.per_request_usd == Decimal("0.005")  # 0.05 USD / (12 - 2)
    assert found.per_1k_tokens_usd == Decimal("0.025")  # 0.05 USD * 1000 / (2500 - 500)


def test_without_a_priced_request_there_is_no_unit_cost() -> None:
    found = costs.unit_costs(usage_of(requests=2, unpriced_requests=2, input_tokens=9,
                                      unpriced_tokens=9))
    assert found == costs.UnitCosts(None, None)
    assert costs.unit_costs(usage_of()) == costs.UnitCosts(None, None)


def test_azure_day_costs_what_the_contract_says() -> None:
    # 22,361,870 * 0.5 / 10^6 + 4,088,665 * 1.5 / 10^6 = 11.180935 + 6.1329975
    found = costs.unit_costs(usage_of(requests=19_366, input_tokens=22_361_870,
                                      output_tokens=4_088_665, cost_usd=Decimal("17.3139325")))
    assert round(found.per_request_usd or 0, 9) == Decimal("0.000894038")  # 17.3139325 / 19366
    assert round(found.per_1k_tokens_usd or 0, 9) == Decimal("0.000654578")  # 0.00065457778


def test_buckets_add_up_exactly() -> None:
    rows = pd.DataFrame({
        "bucket_start_utc": [1, 1, 2], "name": ["a", "b", "a"], "requests": [1, 2, 3],
        "unpriced_requests": [0, 1, 0], "unpriced_tokens": [0, 7, 0],
        "cost_usd": [Decimal("0.1"), Decimal("0.2"), Decimal("0.000000000001")]})
    found = costs.by_bucket(rows)
    assert list(found["cost_usd"]) == [Decimal("0.3"), Decimal("0.000000000001")]
    assert list(found["requests"]) == [3, 3]


def test_rows_without_a_price_have_no_unit_cost() -> None:
    rows = pd.DataFrame({
        "name": ["a", "b"], "requests": [4, 2], "unpriced_requests": [0, 2],
        "tokens": [2_000, 50], "unpriced_tokens": [0, 50],
        "cost_usd": [Decimal("0.02"), Decimal(0)]})
    found = costs.unit_costs_by_name(rows)
    assert list(found["usd_per_request"]) == [Decimal("0.005"), None]  # 0.02 / 4
    assert list(found["usd_per_1k_tokens"]) == [Decimal("0.01"), None]  # 0.02 / 2


def test_what_has_no_price_is_not_free() -> None:
    rows = pd.DataFrame({
        "name": ["priced", "free", "unpriced"], "requests": [1, 1, 2],
        "unpriced_requests": [0, 0, 2], "tokens": [10, 10, 50], "unpriced_tokens": [0, 0, 50],
        "cost_usd": [Decimal("0.1"), Decimal(0), Decimal(0)]})
    assert list(costs.unit_costs_by_name(rows)["cost_usd"]) == [Decimal("0.1"), Decimal(0), None]
