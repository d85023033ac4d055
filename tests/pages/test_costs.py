"""Costs shows exact amounts that add up, and what has no price."""

import datetime as dt
from decimal import Decimal

from streamlit.testing.v1 import AppTest

from brain.decisions.prices import Price
from brain.engine import Engine
from brain.events import Request
from tests.pages.conftest import NOW, OpenPage

PAGE = "finance/costs.py"


def cards(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def test_total_is_the_sum_of_its_parts(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert cards(app) == {
        "Total cost": "0.0940 USD",  # 47 * 0.002
        "Cost per request": "0.0020 USD",  # 0.094 / 47
        "Cost per 1,000 tokens": "0.0013 USD",  # 0.094 / 70.5 = 0.001333
        "Cost per active user": "0.0188 USD",  # 0.094 / 5
        "Cost per positive answer": "unknown", "Saved by the cache": "0.00 USD",
        "Input": "0.0470 USD", "Output": "0.0470 USD",  # 47 x 1,000 x 1 and 47 x 500 x 2
        "Unpriced requests": "1"}
    assert app.metric[0].delta == "+95.8 %"  # 0.094 against 0.048
    for column in ("cost_usd",):
        for each in app.dataframe:
            if column in each.value.columns:
                assert round(each.value[column].sum(), 12) == 0.094


def test_models_without_a_price_are_listed_and_lead_to_the_form(
        filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    frame = next(each.value for each in app.dataframe if "unpriced_tokens" in each.value.columns)
    assert list(zip(frame["model"], frame["unpriced_requests"], frame["unpriced_tokens"],
                    strict=True)) == [("house-model", 1, 1_500)]
    assert "Add a price for house-model" in [each.proto.label for each in app.get("page_link")]


def test_amounts_are_exact_to_the_last_digit(engine: Engine, open_page: OpenPage) -> None:
    engine.add_price(Price(
        0, "", "gpt-3.5-turbo", "contract", "test", input_usd_per_mtok=Decimal("0.5"),
        output_usd_per_mtok=Decimal("1.5")))
    # the totals of the Azure conversation trace: 11.180935 + 6.1329975 USD
    engine.record("requests", [Request(
        event_id="all", at_utc=NOW - dt.timedelta(hours=2), model="gpt-3.5-turbo",
        input_tokens=22_361_870, output_tokens=4_088_665)])
    engine.settle()
    app = open_page(PAGE)
    assert cards(app)["Total cost"] == "17.31 USD"
    assert "exactly 17.3139325 USD" in [each.value for each in app.caption]
    assert "Exactly 17.3139325 USD" in app.metric[0].help


def test_nothing_spent_says_what_to_do_next(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "nothing was spent" in app.info[0].value
    assert not app.metric


def test_two_dimensions_are_crossed_and_add_up(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    app.selectbox(key="by").select("User")
    app.selectbox(key="across").select("Hour").run()
    assert not app.exception
    frame = next(each.value for each in app.dataframe if {"first_name", "second_name"}
                 <= set(each.value.columns))
    assert len(frame) == 48  # a request each half hour, of five users by turns
    assert round(float(frame["cost_usd"].sum()), 12) == 0.094


def test_drivers_go_from_before_to_now(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert any(each.value == "Why it changed, USD" for each in app.subheader)
    frame = next(each.value for each in app.dataframe if "volume_usd" in each.value.columns)
    (row,) = frame.to_dict("records")
    # 24 x 0.002 before; 47 for 24 requests of the same tokens: all volume, all of it requests
    assert (row["before_usd"], row["after_usd"], row["mix_usd"], row["price_usd"]) == (
        0.048, 0.094, 0, 0)
    assert row["volume_usd"] == row["requests_usd"] == 0.046


def test_a_range_is_repriced_after_a_confirmation(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert not filled.costs.repricings()
    next(each for each in app.button if each.label == "Re-price this range").click().run()
    next(each for each in app.button if each.label == "Re-price").click().run()
    (kept,) = filled.costs.repricings()
    assert (kept["base"], kept["other"], kept["base_usd"]) == ("billed", "today", Decimal("0.094"))
    assert cards(app)["Difference"] == "± 0"


def test_days_are_shown_in_long_ranges(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, range="7d")
    assert any(each.value == "Cost per day (UTC) by model" for each in app.subheader)
    frame = next(each.value for each in app.dataframe
                 if "bucket_start_utc" in each.value.columns)
    assert round(sum(frame["cost_usd"]), 12) == 0.142  # (47 + 24) * 0.002
