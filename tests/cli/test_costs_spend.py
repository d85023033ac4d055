"""``brain costs`` and ``brain prices`` on real stores, and the known answers of the price form."""

import io
import json
from argparse import Namespace

import pytest

from brain.cli import costs
from brain.cli.machine import answer_lines
from brain.cli.main import main

FORMS = {command.verb: command.form for command in costs.COMMANDS if command.form}
AT = {"provider": "openai", "at_utc": "2026-11-01T00:00:00Z"}


def ask(verb, *given):
    out = io.BytesIO()
    text = b"".join(json.dumps(each).encode() + b"\n" for each in given)
    answer_lines(FORMS[verb], FORMS[verb].prepare(Namespace()), io.BytesIO(text), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_known_answers_are_not_a_thousandfold_off():
    found = ask("price", *({**AT, "model": model, **tokens} for model, tokens in (
        ("gpt-4-turbo-preview", {"input_tokens": 1_000, "output_tokens": 1_000}),
        ("gpt-3.5-turbo", {"input_tokens": 1_000, "output_tokens": 1_000}),
        ("text-embedding-3-small", {"input_tokens": 1_000_000}))))
    # 0.01 + 0.03; 0.0005 + 0.0015; 1,000 x 0.00002
    assert [each["total_usd"] for each in found] == ["0.04", "0.002", "0.02"]


def test_a_batch_costs_half_and_an_unknown_context_the_plain_price():
    plain, batch, unknown = ask("price", *(
        {**AT, "model": "gpt-5", "total_input_tokens": 1_000, "cache_read_tokens": 200,
         "output_tokens": 500, "price_context": context} for context in ("", "Batch", "moon")))
    # 800 x 1.25 + 200 x 0.125 + 500 x 10 = 6,025 USD per million; the batch 3,012.5
    assert [each["total_usd"] for each in (plain, batch, unknown)] == [
        "0.006025", "0.0030125", "0.006025"]
    assert {row["context"] for row in batch["price_rows"]} == {"batch"}
    assert [reason["code"] for reason in unknown["reasons"]] == ["priced", "standard_price"]


def test_own_rows_with_tier_context_and_discount():
    rows = [{"origin": "list", "input_usd_per_mtok": 1},
            {"origin": "list", "input_usd_per_mtok": 2, "tier_from_tokens": 200_001},
            {"origin": "list", "input_usd_per_mtok": "0.5", "context": "batch"},
            {"model": "", "discount_pct": 20}]
    found = ask("price", *({"model": "m", "at_utc": 1.7e9, "prices": rows, **more} for more in (
        {"input_tokens": 200_000}, {"input_tokens": 250_000},
        {"input_tokens": 250_000, "price_context": "batch"})))
    # 0.2 x 1 x 0.8; 0.25 x 2 x 0.8; 0.25 x 0.5 x 0.8
    assert [each["total_usd"] for each in found] == ["0.16", "0.4", "0.1"]
    assert found[0]["price_rows"][-1]["discount_pct"] == "20"


def test_cached_tokens_beyond_their_total_are_refused():
    (found,) = ask("price", {**AT, "model": "gpt-5", "total_input_tokens": 10,
                             "cache_read_tokens": 6, "cache_write_tokens": 5})
    assert found["error"]["code"] == "cache_exceeds_total"
    assert "11 cached tokens" in found["error"]["message"]


def test_drivers_add_up_and_name_the_largest():
    before = [{"name": "a", "quantity": 100, "cost_usd": "10"}]
    after = [{"name": "a", "quantity": 90, "cost_usd": "18"},
             {"name": "b", "quantity": 60, "cost_usd": "30"}]
    found, wrong = ask("drivers", {"before": before, "after": after},
                       {"before": [{**before[0], "cost_usd": "1e99"}], "after": []})
    assert [found["total"][name] for name in ("volume_usd", "mix_usd", "price_usd",
                                              "change_usd")] == ["5", "24", "9", "38"]
    assert found["reasons"][0]["code"] == "mostly_mix"
    assert wrong["error"]["field"] == "before[0].cost_usd"


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """A command on an own data folder: its exit status and JSON answer."""
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path))

    def run(*words):
        status = main([*words, "--json"])
        out = capsys.readouterr().out
        return status, json.loads(out) if out else None
    return run


def test_a_list_is_imported_taken_back_and_priced_with(run, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"m": {"litellm_provider": "house",
                                        "input_cost_per_token": 1e-06}}))
    assert run("prices", "import", str(prices))[1]["appended"] == 1
    assert run("prices", "import", str(prices))[1]["version"] is None
    assert [row["action"] for row in run("prices", "versions")[1]] == [
        "list imported", "built-in list taken over"]
    assert run("prices", "take-back", "2") == (0, {"prices": 1})
    status, done = run("costs", "reprice", "--range", "7d", "--base", "version:2",
                       "--other", "current")
    assert (status, done["difference_usd"], done["rows"]) == (0, "0", [])
    assert run("costs", "breakdown", "--by", "Model", "--by", "Day")[1]["rows"] == []
    assert run("costs", "changes")[1]["total"]["change_usd"] == "0"
    prices.write_text("[]")
    assert run("prices", "import", str(prices))[0] == 1
