"""The Admin pages: files in and out again, prices, stores, settings."""

import datetime as dt
import threading
from decimal import Decimal

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from tests.pages.conftest import NOW, OpenPage

TRACE = (b"TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
         b"2026-03-04 18:15:46.6805900,374,44\r\n2026-03-04 18:15:50.9951690,396,109")
IMPORT, PRICES = "admin/import_data.py", "admin/prices.py"


def press(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label == label).click().run()


def choose(app: AppTest, label: str, value: str) -> AppTest:
    return next(each for each in app.selectbox if each.label == label).set_value(value).run()


def offer(open_page: OpenPage, model: str, **amounts: str) -> AppTest:
    """The price book after a contract price of openai was typed in and sent."""
    app = open_page(PRICES)
    inputs = {each.label: each for each in app.text_input}
    inputs["Provider"].set_value("openai")
    inputs["Model"].set_value(model)
    for name, amount in amounts.items():
        inputs[f"{name}, USD per million tokens"].set_value(amount)
    return press(app, "Add this price")


def pick(app: AppTest, table: str, row: int) -> AppTest:
    """The page after a row of a table was chosen."""
    app.session_state[f"table_{table}"] = {"selection": {"rows": [row], "columns": [],
                                                         "cells": []}}
    return app.run()


def told(app: AppTest) -> str:
    """All running text of the page; AppTest cannot press a button inside a dialog."""
    assert not app.exception
    return "\n".join(each.value for each in app.markdown)


def frame_with(app: AppTest, column: str) -> pd.DataFrame:
    return next(each.value for each in app.dataframe if column in each.value.columns)


def bring_in(app: AppTest, content: bytes, name: str = "trace.csv") -> AppTest:
    """The page after an upload and its import."""
    app.file_uploader[0].upload(name, content, "text/csv").run()
    app = press(app, "Import this file")
    for thread in threading.enumerate():
        if thread.name == "import":
            thread.join(240)
    return app.run()


def test_outcome_is_only_for_the_session_that_imported(
        engine: Engine, open_page: OpenPage) -> None:
    app = bring_in(open_page(IMPORT), TRACE)
    assert any(each.label == "Import another file" for each in app.button)
    other = open_page(IMPORT)
    assert not any(each.label == "Import another file" for each in other.button)
    assert other.file_uploader


def test_file_is_looked_at_before_anything_is_kept(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(IMPORT)
    app.file_uploader[0].upload("trace.csv", TRACE, "text/csv").run()
    assert not app.exception
    assert any("Azure LLM inference trace" in each.value for each in app.markdown)
    assert list(frame_with(app, "input_tokens")["input_tokens"]) == [374, 396]
    assert any("names no model" in each.value for each in app.caption)
    assert engine.status().events["requests"] == 0


def test_file_comes_in_and_goes_out_again(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(IMPORT)
    app.file_uploader[0].upload("trace.csv", TRACE, "text/csv").run()
    app = choose(choose(app, "Model", "gpt-3.5-turbo"), "Format", "azure-trace")
    app = bring_in(app, TRACE)
    assert "2 read, 2 kept, 0 repeated, 0 rejected" in app.success[0].value
    assert any("input tokens 770" in each.value for each in app.caption)  # 374 + 396
    assert list(frame_with(app, "rows_kept")["rows_kept"]) == [2]
    assert engine.status().events["requests"] == 2
    assert not list((engine.settings.data_dir / "imports").glob("upload-*"))
    app = bring_in(press(app, "Import another file"), TRACE)
    assert "2 read, 0 kept, 2 repeated" in app.success[0].value
    app = press(pick(app, "imports", 1), "Undo this import")  # newest first: the second is ours
    assert "the 2 events that came with this file leave the stores" in told(app)


def test_bad_rows_are_listed_with_reasons(engine: Engine, open_page: OpenPage) -> None:
    broken = TRACE + b"\r\n2026-03-04 18:15:51.0,-5,1\r\n"
    app = bring_in(open_page(IMPORT), broken)
    assert "3 read, 2 kept, 0 repeated, 1 rejected" in app.warning[0].value
    assert list(frame_with(app, "why")["line"]) == [4]
    assert engine.status().events["requests"] == 2


def test_file_that_cannot_be_read_is_refused_with_a_reason(
        engine: Engine, open_page: OpenPage) -> None:
    app = open_page(IMPORT)
    app.file_uploader[0].upload("trace.csv", b"Sub,ContextTokens\n1,2\n", "text/csv").run()
    assert "an Azure trace begins with the line" in app.error[0].value.lower().replace(
        "an azure trace", "an Azure trace")
    assert next(each for each in app.button if each.label == "Import this file").disabled


def test_columns_of_a_plain_file_can_be_named(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(IMPORT)
    app.file_uploader[0].upload("log.csv", b"when,ins\n2026-03-04T10:00:00Z,12\n", "text/csv").run()
    assert any("at_utc" in each.value for each in app.error)
    assert any(each.label == "Which column is which field" for each in app.expander)


def test_contract_price_is_added_and_costs_follow(filled: Engine, open_page: OpenPage) -> None:
    app = offer(open_page, "house-model", Input="3", Output="4.000001")
    assert not app.error
    added = filled.prices.rows()[-1]
    assert (added.provider, added.model, added.origin) == ("openai", "house-model", "contract")
    assert added.output_usd_per_mtok == Decimal("4.000001")
    totals = filled.query("usage/breakdown", dimension="model", **_last_day())
    cost = totals[totals["name"] == "house-model"]["cost_usd"].iloc[0]
    assert cost == Decimal("0.0050000005")  # 1,000 * 3 + 500 * 4.000001, in millionths


@pytest.mark.parametrize(("amount", "sentence"), [
    ("-1", "must not be negative"), ("1,000", "is no number"), ("NaN", "finite"),
    ("0.0000001", "at most 6 decimals"), ("", "needs at least one amount")])
def test_price_that_cannot_be_used_is_refused(
        amount: str, sentence: str, filled: Engine, open_page: OpenPage) -> None:
    before = len(filled.prices.rows())
    app = offer(open_page, "house-model", Input=amount)
    assert sentence in app.error[0].value
    assert len(filled.prices.rows()) == before


def test_price_of_another_unit_is_asked_about(filled: Engine, open_page: OpenPage) -> None:
    before = len(filled.prices.rows())
    app = offer(open_page, "gpt-4o", Input="0.001")
    assert "is it per million tokens?" in app.warning[0].value
    assert len(filled.prices.rows()) == before
    press(app, "It is right, add it")
    assert len(filled.prices.rows()) == before + 1


def test_withdrawing_a_price_is_asked_about_first(filled: Engine, open_page: OpenPage) -> None:
    app = pick(open_page(PRICES), "price book", 0)  # gpt-4o comes first
    number = filled.prices.history("openai", "gpt-4o")[0].price_id
    app = press(pick(app, "price history", 0), "Withdraw this price")
    assert f"price {number} of gpt-4o holds no longer" in told(app)
    filled.withdraw_price(number)
    app = pick(pick(open_page(PRICES), "price book", 0), "price history", 0)
    assert frame_with(app, "state")["state"].iloc[0] == "withdrawn"
    assert f"price {number} of gpt-4o holds again" in told(press(app, "Let it hold again"))


def test_seen_models_are_listed_with_and_without_price(
        filled: Engine, open_page: OpenPage) -> None:
    frame = frame_with(open_page(PRICES), "input_usd_per_mtok")
    found = dict(zip(frame["model"], frame["origin"], strict=True))
    assert found == {"gpt-4o": "contract", "house-model": "no price"}


def test_stores_are_complete_and_totals_can_be_made_anew(
        filled: Engine, open_page: OpenPage) -> None:
    app = open_page("admin/data.py")
    shown = {each.label: each.value for each in app.metric}
    assert shown["Completeness"] == "Complete" and shown["Waiting"] == "0"
    assert shown["Events"] == "120"  # 72 requests and 48 samples
    app = press(app, "Count again")
    assert "All that was accepted is there." in app.success[0].value


def test_annotation_is_removed_and_put_back(filled: Engine, open_page: OpenPage) -> None:
    filled.annotate(NOW - dt.timedelta(hours=1), "deploy", "gateway 1.2")
    app = open_page("admin/data.py")
    assert list(frame_with(app, "text")["text"]) == ["gateway 1.2"]
    app = press(pick(app, "annotations", 0), "Remove this annotation")
    assert not list(filled.annotations(NOW - dt.timedelta(days=1), NOW))
    app = press(app, "Put it back")
    (back,) = filled.annotations(NOW - dt.timedelta(days=1), NOW)
    assert (back["kind"], back["text"]) == ("deploy", "gateway 1.2")


def test_annotation_is_changed_and_changed_back(filled: Engine, open_page: OpenPage) -> None:
    filled.annotate(NOW - dt.timedelta(hours=1), "deploy", "gateway 1.2")
    app = pick(open_page("admin/data.py"), "annotations", 0)
    next(each for each in app.text_input if each.value == "gateway 1.2").set_value("gateway 1.3")
    app = press(app, "Change")
    (row,) = filled.annotations(NOW - dt.timedelta(days=1), NOW)
    assert (row["text"], row["at_utc"]) == ("gateway 1.3", NOW - dt.timedelta(hours=1))
    press(app, "Take the change back")
    (row,) = filled.annotations(NOW - dt.timedelta(days=1), NOW)
    assert row["text"] == "gateway 1.2"


def test_making_totals_anew_is_asked_about_first(filled: Engine, open_page: OpenPage) -> None:
    app = press(open_page("admin/data.py"), "Make the totals of this range anew")
    assert "are computed from the events" in told(app)


def test_secrets_are_never_shown(engine: Engine, open_page: OpenPage,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    from brain import settings
    secret = settings.load(server_api_key="hush-hush", redis_url="redis://:geheim@r/0",
                           state_url="postgresql://me:geheim@db/brain")
    monkeypatch.setattr(engine, "settings", secret)
    frame = frame_with(open_page("admin/settings.py"), "variable")
    assert "hush" not in frame.to_csv() and "geheim" not in frame.to_csv()
    values = dict(zip(frame["key"], frame["value"], strict=True))
    assert values["server.api_key"] == "set (not shown)"
    assert values["state.url"] == "postgresql://(not shown)@db/brain"


def test_settings_are_found_by_a_word(engine: Engine, open_page: OpenPage) -> None:
    frame = frame_with(open_page("admin/settings.py", find="sketch"), "variable")
    assert list(frame["key"]) == ["rollup.sketch_size"]


def _last_day() -> dict[str, object]:
    from analytics import spans
    return {**spans.query_params(spans.parse_range("24h", NOW)), "workspaces": [], "models": [],
            "agents": [], "regions": [], "devices": []}
