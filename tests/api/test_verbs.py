"""The engine's verbs over HTTP: every verb, every field, right and wrong."""

import pytest

from brain.api.verbs import VERBS

PRICE = {"model": "m", "input_usd_per_mtok": "0.5"}
BAD = {
    "rebuild": [({"start": "yesterday"}, "not_a_time", "start"), ({"end": 5}, "invalid", "end"),
                ({"start": "1999-12-31"}, "out_of_range", "start"),
                ({"start": "0001-01-01T00:00:00+23:59"}, "out_of_range", "start"),
                ({"end": "9999-12-31T23:59:59-23:59"}, "out_of_range", "end"),
                ({"start": "2026-01-02", "end": "2026-01-02"}, "empty_span", "start")],
    "write_demo": [({"events": each}, "invalid", "events")
                   for each in (999, 200_000_001, True, "5000", 5000.5, -1, [5000])],
    "totals": [({"range": "soon"}, "not_a_range", "range"), ({"range": 5}, "invalid", "range"),
               ({"workspaces": "a"}, "invalid", "workspaces"),
               ({"models": [1]}, "invalid", "models[0]")],
    "prices": [({"model": 5}, "invalid", "model"), ({"model": None}, "invalid", "model")],
    "add_price": [
        ({}, "invalid", "model"), ({"model": ""}, "missing", "model"),
        ({"model": 5}, "invalid", "model"), ({"model": "x" * 257}, "too_long", "model"),
        ({"model": "m"}, "no_amount", "input_usd_per_mtok"),
        (PRICE | {"provider": 5}, "invalid", "provider"),
        (PRICE | {"provider": "x" * 129}, "too_long", "provider"),
        (PRICE | {"source": ["s"]}, "invalid", "source"),
        (PRICE | {"origin": "list"}, "invalid", "origin"),
        (PRICE | {"price_id": 5}, "invalid", "price_id"),
        (PRICE | {"tier_from_tokens": -1}, "invalid", "tier_from_tokens"),
        (PRICE | {"tier_from_tokens": 1.5}, "invalid", "tier_from_tokens"),
        (PRICE | {"valid_from_utc": "soon"}, "not_a_time", "valid_from_utc"),
        (PRICE | {"valid_to_utc": "2300-01-01"}, "out_of_range", "valid_to_utc"),
        (PRICE | {"valid_from_utc": "2026-02-01", "valid_to_utc": "2026-01-01"}, "empty_span",
         "valid_from_utc"),
        *(({"model": "m", name: value}, code, name)
          for name in ("input_usd_per_mtok", "cache_read_usd_per_mtok", "cache_write_usd_per_mtok",
                       "output_usd_per_mtok", "request_usd")
          for value, code in ((-1, "negative"), ("NaN", "not_finite"), ("Infinity", "not_finite"),
                              ("1e999", "too_large"), ("0.0000000000001", "too_fine"),
                              ("cheap", "invalid"), ([1], "invalid"), (True, "invalid")))],
    "withdraw_price": [({}, "invalid", "price_id"), ({"price_id": True}, "invalid", "price_id"),
                       ({"price_id": "1"}, "invalid", "price_id"),
                       ({"price_id": 0}, "invalid", "price_id"),
                       ({"price_id": 2**70}, "invalid", "price_id"),
                       ({"price_id": 10**9}, "not_found", ""),
                       ({"price_id": 1, "withdrawn": "yes"}, "invalid", "withdrawn")],
    "undo_import": [({}, "invalid", "import_id"), ({"import_id": 5}, "invalid", "import_id"),
                    ({"import_id": "none"}, "unknown_import", "import_id")],
    "set_target": [({}, "invalid", "metric"),
                   ({"metric": "cpu_pct"}, "nothing_to_change", "target"),
                   ({"metric": "m", "target": 1}, "unknown_metric", "metric"),
                   ({"metric": "cpu_pct", "target": [1]}, "invalid", "target"),
                   ({"metric": "cpu_pct", "target": True}, "invalid", "target"),
                   ({"metric": "cpu_pct", "warning": "much"}, "not_a_number", "warning"),
                   ({"metric": "cpu_pct", "critical": "1e999"}, "not_finite", "critical"),
                   ({"metric": "cpu_pct", "warning": "9" * 33}, "invalid", "warning")],
    "reset_target": [({}, "invalid", "metric"), ({"metric": "m"}, "unknown_metric", "metric")],
    "undo_target": [({"metric": "m"}, "unknown_metric", "metric"),
                    ({"metric": "disk_pct"}, "not_found", "")],
    "target_changes": [({"metric": 5}, "invalid", "metric")],
    "report": [({"name": "weekly"}, "invalid", "name"), ({"range": "soon"}, "not_a_range", "range"),
               ({"name": "latency", "range": "3d"}, "too_long", "range")],
}
WRONG = [(verb, *case) for verb, cases in BAD.items() for case in cases]


@pytest.fixture(scope="module")
def owner(console):
    with console.client(console.owner["token"]) as client:
        yield client


@pytest.mark.parametrize(("verb", "arguments", "code", "field"), WRONG)
def test_a_wrong_argument_is_named_and_changes_nothing(owner, verb, arguments, code, field):
    answer = owner.post(f"/v1/engine/{verb}", json=arguments)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == (code, field), error["message"]
    assert error["message"]


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_takes_what_it_does_not_know(owner, verb):
    answer = owner.post(f"/v1/engine/{verb}", json={"nonsense": 1})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"


@pytest.mark.parametrize("body", ["[]", "5", "null", '"status"', "{", "not json", "[" * 100_000,
                                  '{"a":NaN}', '{"a":"\\ud800"}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(owner, body):
    answer = owner.post("/v1/engine/status", content=body,
                        headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] in {"not_json", "invalid"}


def test_an_unknown_verb_names_the_known(owner):
    answer = owner.post("/v1/engine/explode", json={})
    assert answer.status_code == 400
    assert "settle" in answer.json()["error"]["message"]


def test_a_verb_asks_for_json(owner):
    answer = owner.post("/v1/engine/status", content="{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def settles(console):
    """Whether nothing waits at last: the console's own jobs may record in between."""
    return any(console.call("settle") == {"waiting": {"batches": 0, "events": 0, "hours": 0}}
               for _ in range(20))


def test_each_verb_answers(console):
    assert console.call("status")["demo"] is False
    assert console.call("verify") == {"faults": []}
    assert settles(console)
    assert console.call("rebuild", start="2026-01-01", end="2026-01-02T00:00:00Z") == {"hours": 0}
    assert console.call("rebuild", start=None)["hours"] >= 0
    added = console.call("add_price", **PRICE)["price"]
    assert (added["model"], added["input_usd_per_mtok"], added["origin"]) == (
        "m", "0.5", "contract")
    listed = console.call("prices", model="m")
    assert added["price_id"] in {row["price_id"] for row in listed}
    console.call("withdraw_price", price_id=added["price_id"])
    (row,) = [row for row in console.call("prices") if row["price_id"] == added["price_id"]]
    assert row["withdrawn"] is True
    assert console.call("remove_demo") == {"events": 0}
    assert isinstance(console.call("imports"), list)


def test_an_amount_as_a_number_is_exact(console):
    added = console.call("add_price", model="exact", output_usd_per_mtok=0.1)["price"]
    assert added["output_usd_per_mtok"] == "0.1"
