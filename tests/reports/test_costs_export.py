"""FOCUS and plain exports: the columns of the standard, exact sums, list beside contract."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Request
from brain.reports import focus
from brain.reports.costs_export import PLAIN, export
from brain.settings import load

FORMULA = "=cmd|' /C calc'!A0"
# FinOps FOCUS 1.2, "Feature level: Mandatory", written down from the standard.
FOCUS_1_2 = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName")


def utc(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A list price of 2 and 8 USD per million, from 11 October on a contract of 1 and 4.

    On the 10th and the 11th each a request of 1,000,000 input and 500,000 output tokens:
    2 + 4 = 6 USD by the list, then 1 + 2 = 3 USD by contract.
    """
    folder: Path = tmp_path_factory.mktemp("export")
    opened = Engine.open(load({}, data_dir=folder), clock=lambda: utc(2026, 11, 3))
    opened.costs.take_over_prices([Price(0, "house", "m", "list", "leaflet 2026", ALWAYS_FROM,
                                         ALWAYS_TO, 0, Decimal(2), None, None, Decimal(8), None)])
    opened.costs.add_price(Price(0, "house", "m", "contract", "test", utc(2026, 10, 11), ALWAYS_TO,
                                 0, Decimal(1), None, None, Decimal(4), None))
    opened.costs.add_price(Price(0, "house", "flat", "contract", "test", ALWAYS_FROM, ALWAYS_TO, 0,
                                 None, None, None, None, Decimal("0.005")))
    opened.record("requests", [
        Request(at_utc=at, workspace_id=workspace, provider="house", model=model, source="api",
                agent_id="helper", feature="search", region="eu", input_tokens=tokens,
                output_tokens=tokens // 2, cached=cached)
        for at, workspace, model, tokens, cached in (
            (utc(2026, 10, 10, 12), "a", "m", 1_000_000, False),
            (utc(2026, 10, 11, 12), FORMULA, "m", 1_000_000, False),
            (utc(2026, 10, 11, 13), "a", "m", 9_000_000, True),   # from the cache: no charge
            (utc(2026, 10, 31, 23, 59, 59), "a", "flat", 0, False),
            (utc(2026, 10, 20), "a", "no-price", 10, False),
            (utc(2026, 11, 1), "a", "m", 1_000_000, False))])
    opened.settle()
    yield opened
    opened.close()


def rows_of(engine: Engine, form: str = "focus") -> list[dict[str, str]]:
    done = export(engine, "2026-10-01", "2026-11-01", form)
    return list(csv.DictReader(io.StringIO(done.content.decode())))


def test_the_columns_are_those_of_the_standard(engine: Engine) -> None:
    columns = list(rows_of(engine)[0])
    assert len(FOCUS_1_2) == 21
    assert set(FOCUS_1_2) <= set(columns)
    assert {"ServiceProviderName", "HostProviderName"} <= set(columns)  # 1.3
    assert tuple(columns) == focus.COLUMNS
    own = [each for each in columns if each not in {*FOCUS_1_2, *focus.RENAMED, *focus.FURTHER}]
    assert all(each.startswith("x_") for each in own)


def test_list_and_contract_stand_side_by_side(engine: Engine) -> None:
    found = {(row["ChargePeriodStart"], row["x_TokenClass"]): row for row in rows_of(engine)
             if row["ResourceId"] == "m"}
    assert len(found) == 4
    before, after = (found[f"2026-10-{day}T00:00:00Z", "input"] for day in (10, 11))
    assert (before["BilledCost"], before["ListCost"]) == ("2", "2")
    assert (after["BilledCost"], after["ListCost"]) == ("1", "2")
    assert (after["ContractedUnitPrice"], after["ListUnitPrice"]) == ("1", "2")
    assert (after["PricingQuantity"], after["PricingUnit"]) == ("1", "1000000 Tokens")
    assert (after["ConsumedQuantity"], after["ConsumedUnit"]) == ("1000000", "Tokens")
    assert before["ChargePeriodEnd"] == "2026-10-11T00:00:00Z"  # exclusive
    assert before["BillingPeriodEnd"] == "2026-11-01T00:00:00Z"
    assert after["SubAccountId"] == f"'{FORMULA}"                # no spreadsheet runs it
    assert json.loads(after["Tags"]) == {"agent": "helper", "feature": "search"}


def test_every_total_equals_its_parts(engine: Engine) -> None:
    done = export(engine, "2026-10-01", "2026-11-01")
    rows = rows_of(engine)
    assert done.billed_usd == Decimal("9.005")     # 6 + 3 + a request at 0.005
    assert done.list_usd == Decimal("12.005")
    for column, total in (("BilledCost", done.billed_usd), ("EffectiveCost", done.billed_usd),
                          ("ContractedCost", done.billed_usd), ("ListCost", done.list_usd)):
        assert sum(Decimal(row[column]) for row in rows) == total
    for row in rows:
        quantity = Decimal(row["PricingQuantity"])
        assert quantity * Decimal(row["ContractedUnitPrice"]) == Decimal(row["ContractedCost"])
        assert quantity * Decimal(row["ListUnitPrice"]) == Decimal(row["ListCost"])
        for column in set(FOCUS_1_2) - {"ChargeClass"}:
            assert row[column] != "", column
    from analytics import spans
    from analytics.spans import Span
    from brain.budgets.spending import NO_FILTERS
    shown = engine.query("usage/totals", **spans.query_params(
        Span(utc(2026, 10, 1), utc(2026, 11, 1))), **NO_FILTERS).iloc[0]
    assert shown["cost_usd"] == done.billed_usd    # as all pages show it
    assert (done.unpriced_requests, done.unpriced_tokens) == (1, 15)


def test_the_last_day_and_its_request_are_in_it(engine: Engine) -> None:
    (row,) = [row for row in rows_of(engine) if row["ResourceId"] == "flat"]
    assert (row["BilledCost"], row["PricingUnit"], row["ChargePeriodStart"]) == (
        "0.005", "Requests", "2026-10-31T00:00:00Z")


def test_plain_rows_keep_what_has_no_price(engine: Engine) -> None:
    rows = rows_of(engine, "plain")
    assert tuple(rows[0]) == PLAIN
    missing = [row for row in rows if row["model"] == "no-price"]
    assert [(row["quantity"], row["cost_usd"]) for row in missing] == [("10", ""), ("5", "")]


def test_parquet_holds_the_same(engine: Engine) -> None:
    for form in ("focus", "plain"):
        done = export(engine, "2026-10-01", "2026-11-01", form, "parquet")
        table = pq.read_table(io.BytesIO(done.content))
        assert table.num_rows == done.rows
        money = "BilledCost" if form == "focus" else "cost_usd"
        assert sum(each for each in table[money].to_pylist() if each is not None) == \
            Decimal("9.005")


@pytest.mark.parametrize(("start", "end", "field"), [
    ("2026-10-01", "2026-10-01", "start"), ("x", "2026-10-01", "start"),
    ("2026-10-01", "2029-10-01", "end"), ("2026-10-01", "", "end"),
    ("0001-01-01", "2026-10-01", "start")])
def test_what_is_no_span_is_refused(engine: Engine, start: str, end: str, field: str) -> None:
    with pytest.raises(InputError) as refused:
        export(engine, start, end)
    assert refused.value.field == field
