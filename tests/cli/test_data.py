"""``brain data``, ``brain prices`` and ``brain demo``: the same through a server and without."""

import datetime as dt
from decimal import Decimal

import pytest

from analytics import spans
from brain.engine import Engine
from brain.settings import load
from tests.serving.console import Console
from tests.serving.inside import command_runner

AT = "2023-11-16T12:00:00Z"
TOKENS = {"model": "house-model", "input_tokens": 2_000_000, "output_tokens": 1_000_000}


@pytest.fixture(scope="module", params=["through a server", "without"])
def stores(request, tmp_path_factory):
    """A console with two requests of a model whose price is not in the lists; stopped or not."""
    console = Console(tmp_path_factory.mktemp("stores"), BRAIN_DEMO_EVENTS="1000",
                      BRAIN_DEMO_DAYS="7", BRAIN_HOST_INTERVAL_S="3600")
    console.start()
    sent = console.send(*({"event_id": f"d{n}", "at_utc": AT, **TOKENS} for n in range(2)))
    assert sent.json()["accepted"] == 2
    console.call("settle")
    if request.param == "without":
        console.stop()
    yield console
    console.stop()


@pytest.fixture
def run(stores, monkeypatch, capsys):
    return command_runner(stores.data, monkeypatch, capsys)


def read_costs(folder):
    """Cost of the day and its unpriced requests, from stores that nobody holds open."""
    engine = Engine.open(load({}, data_dir=folder))
    try:
        day = spans.parse_range("2023-11-16", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        rows = engine.query("usage/totals", **spans.query_params(day), workspaces=[], models=[],
                            agents=[], regions=[], devices=[])
        return rows["cost_usd"][0], rows["unpriced_requests"][0]
    finally:
        engine.close()


def test_status(run):
    shown = run("data", "status")
    assert shown.status == 0
    assert "events: requests" in shown.out
    told = run("data", "status", "--json")
    assert told.json["events"]["requests"] == 2
    assert told.json["faults"] == []


def test_verify_settle_and_rebuild(run):
    assert run("data", "verify").out == "all that was accepted is there\n"
    assert run("data", "verify", "--json").json == {"faults": []}
    assert run("data", "settle").status == 0
    assert run("data", "settle", "--json").json["waiting"]["events"] == 0
    assert run("data", "rebuild", "--start", "2023-11-16", "--end", "2023-11-17").out == (
        "1 hours rebuilt\n")
    assert run("data", "rebuild", "--start", "2023-11-17T00:00:00+01:00",
               "--end", "2023-11-18", "--json").json == {"hours": 0}


@pytest.mark.parametrize(("words", "status", "said"), [
    (("data", "rebuild", "--start", "soon"), 1, "start must be a time"),
    (("data", "rebuild", "--start", "2024-01-02", "--end", "2024-01-01"), 1, "before end"),
    (("data", "rebuild", "--end", "0001-01-01"), 1, "within 2000 and 2200"),
    (("data", "rebuild", "2024-01-01"), 2, "unrecognized"),
    (("data", "explode"), 2, "there is no verb"),
    (("prices", "add", "--model", "m"), 1, "at least one amount"),
    (("prices", "add", "--model", "m", "--input", "-1"), 1, "must not be negative"),
    (("prices", "add", "--model", "m", "--input", "cheap"), 1, "decimal"),
    (("prices", "add", "--model", "m", "--input", "0.1234567"), 1, "at most 6 decimals"),
    (("prices", "add", "--input", "1"), 2, "--model"),
    (("prices", "withdraw", "99999999"), 1, "there is no price 99999999"),
    (("prices", "withdraw", "x"), 2, "price_id"),
    (("demo", "write", "--events", "5"), 1, ">= 1000"),
    (("demo", "write", "--events", "many"), 2, "--events"),
])
def test_a_wrong_argument_is_named(run, words, status, said):
    done = run(*words)
    assert done.status == status
    assert said in done.err
    assert done.out == ""
    if status == 1:
        told = run(*words, "--json")
        assert told.status == 1
        assert said in told.json["error"]["message"]


def test_prices_list_shows_the_lists(run):
    shown = run("prices", "list", "--model", "gpt-4o-mini")
    assert shown.out.splitlines()[0].split()[:3] == ["id", "provider", "model"]
    assert run("prices", "list", "--model", "no such model").out == "Nothing to show.\n"


def test_the_demonstration_is_written_and_removed(run):
    before = run("data", "status", "--json").json
    assert before["demo"] is False
    assert run("demo", "write", "--events", "1000", "--json").json["events"] > 100
    assert run("data", "status", "--json").json["demo"] is True
    again = run("demo", "write")
    assert (again.status, "remove it first" in again.err) == (1, True)
    assert run("demo", "remove").out.endswith("demonstration events removed\n")
    after = run("data", "status", "--json").json
    assert (after["demo"], after["events"]) == (False, before["events"])
    assert run("data", "verify").status == 0


def test_a_contract_price_changes_the_costs(stores, run):
    def costs():
        return None if stores.running else read_costs(stores.data)

    assert costs() in {None, (Decimal(0), 2)}
    added = run("prices", "add", "--model", "house-model", "--input", "0.5", "--output", "1.5",
                "--start", "2023-11-16", "--end", "2023-11-17", "--json")
    number = added.json["price"]["price_id"]
    # 2 requests x (2 Mtok x 0.5 USD + 1 Mtok x 1.5 USD) = 5 USD
    assert costs() in {None, (Decimal(5), 0)}
    assert str(number) in run("prices", "list", "--model", "house-model").out
    assert run("prices", "withdraw", str(number)).out == f"price {number} withdrawn\n"
    assert costs() in {None, (Decimal(0), 2)}
    (row,) = run("prices", "list", "--model", "house-model", "--json").json
    assert (row["withdrawn"], row["origin"], row["output_usd_per_mtok"]) == (
        True, "contract", "1.5")
    assert run("prices", "withdraw", str(number), "--restore").out == f"price {number} restored\n"
    stores.stop()
    assert costs() == (Decimal(5), 0)
