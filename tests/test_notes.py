"""Marks on time charts: notes of people, deploys, price changes."""

import datetime as dt
from decimal import Decimal

import pytest

from brain.decisions.prices import Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Deploy, Request
from brain.jobs import demo
from brain.notes import MOST_DEPLOYS
from brain.settings import load

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def engine(tmp_path):
    opened = Engine.open(load({}, data_dir=tmp_path), clock=lambda: NOW)
    yield opened
    opened.close()


def deploy(engine, *, hours_ago=1.0, workspace="default", number=0, **fields):
    engine.record("deploys", [Deploy(
        event_id=f"d{number}", at_utc=NOW - dt.timedelta(hours=hours_ago),
        workspace_id=workspace, component="gateway", **fields)])
    engine.settle()


def told(engine, start=NOW - DAY, end=NOW, workspaces=()):
    return [(row["kind"], row["text"]) for row in engine.annotations(start, end, workspaces)]


def price(model, **fields):
    return Price(**{"price_id": 0, "provider": "openai", "model": model, "origin": "contract",
                    "source": "test", "valid_from_utc": NOW - dt.timedelta(hours=2),
                    "valid_to_utc": NOW + 900 * DAY, "input_usd_per_mtok": Decimal("2.50"),
                    **fields})


def ask(engine, *models):
    engine.record("requests", [Request(
        event_id=f"r-{model}", at_utc=NOW - dt.timedelta(minutes=5), workspace_id="acme",
        provider="openai", model=model, input_tokens=5) for model in models])
    engine.settle()


def test_all_sorts_stand_in_order_of_time(engine):
    ask(engine, "house-model")
    engine.add_price(price("house-model"))
    deploy(engine, version="1.2", note="faster")
    engine.annotate(NOW - dt.timedelta(minutes=30), "incident", "queue full")
    assert told(engine) == [
        ("price", "New contract price of house-model: input 2.50 USD per million tokens"),
        ("deploy", "gateway 1.2: faster"), ("incident", "queue full")]
    assert [row["origin"] for row in engine.annotations(NOW - DAY, NOW)] == [
        "price", "event", "note"]
    assert told(engine, NOW - 3 * DAY, NOW - 2 * DAY) == []


def test_prices_of_models_that_nobody_asks_are_left_out_and_many_told_as_one(engine):
    ask(engine, *(f"m{n}" for n in range(5)))
    for n in range(5):
        engine.add_price(price(f"m{n}"))
    engine.add_price(price("unasked"))
    withdrawn, _ = engine.add_price(price("m1", valid_from_utc=NOW - dt.timedelta(hours=1)))
    engine.withdraw_price(withdrawn.price_id)
    assert told(engine) == [("price", "New prices of m0, m1, m2 and 2 more")]


def test_a_deploy_of_one_workspace_concerns_it_alone(engine):
    deploy(engine, workspace="acme", version="9")
    deploy(engine, number=1)
    assert told(engine, workspaces=["acme"]) == [("deploy", "gateway 9"), ("deploy", "gateway")]
    assert told(engine, workspaces=["zenith"]) == [("deploy", "gateway")]


def test_of_many_deploys_the_latest_are_told(engine):
    engine.record("deploys", [Deploy(event_id=f"d{n}", at_utc=NOW - dt.timedelta(minutes=n + 1),
                                     component=f"c{n}") for n in range(MOST_DEPLOYS + 5)])
    engine.settle()
    found = told(engine)
    assert len(found) == MOST_DEPLOYS
    assert found[-1] == ("deploy", "c0")


def test_a_demonstration_deploy_is_told_once(engine):
    demo.write(engine, events=1_000, days=7)
    rows = engine.annotations(NOW - 7 * DAY, NOW)
    deploys = [row for row in rows if row["kind"] == "deploy"]
    assert deploys
    assert all(row["is_demo"] for row in deploys)
    assert len({row["at_utc"] for row in deploys}) == len(deploys)
    engine.remove_demo()
    assert told(engine, NOW - 7 * DAY) == []


def test_a_note_is_changed_and_changed_back(engine):
    number = engine.annotate(NOW, "note", "a")
    before = engine.change_annotation(number, "ada", text=" b ", kind="incident",
                                      end_utc=NOW + DAY)
    (row,) = engine.annotations(NOW - DAY, NOW + DAY)
    assert (row["text"], row["kind"], row["end_utc"]) == ("b", "incident", NOW + DAY)
    engine.change_annotation(**{name: before[name] for name in (
        "annotation_id", "at_utc", "end_utc", "kind", "text")})
    (row,) = engine.annotations(NOW - DAY, NOW + DAY)
    assert (row["text"], row["kind"], row["end_utc"]) == ("a", "note", None)
    entries = engine.state.rows("audit", order="audit_id")
    assert [each["action"] for each in entries] == ["annotation changed"] * 2
    assert entries[0]["person"] == "ada"


@pytest.mark.parametrize(("changes", "field"), [
    ({"text": "  "}, "text"), ({"text": "x" * 2_001}, "text"), ({"kind": "party"}, "kind"),
    ({"end_utc": NOW - DAY}, "end_utc")])
def test_a_change_that_cannot_be_is_refused(engine, changes, field):
    number = engine.annotate(NOW, "note", "a")
    with pytest.raises(InputError) as error:
        engine.change_annotation(number, **changes)
    assert error.value.field == field
    assert told(engine, NOW, NOW + DAY) == [("note", "a")]
    with pytest.raises(LookupError):
        engine.change_annotation("none", text="b")
