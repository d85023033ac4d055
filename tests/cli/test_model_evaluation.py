"""The command that evaluates routing on a file: columns by name or told, costs, faults."""

import json

import numpy as np
import pandas as pd
import pytest

from brain.cli.main import main
from brain.models.files import Columns, read_routing_data
from tests.datasets import dataset


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    hard = rng.random(240) < 0.5
    return pd.DataFrame({
        "prompt": [f"{'integrate' if each else 'name'} item {n} of {n * 31 % 57}"
                   for n, each in enumerate(hard)],
        "eval_name": [f"s{n % 6}" for n in range(240)],
        "a/small": (~hard).astype(float), "b-large": 1.0 - (rng.random(240) < 0.1),
        "a/small|total_cost": 0.001, "b-large|total_cost": 0.02})


def test_columns_of_a_router_bench_are_understood(table, tmp_path, capsys):
    path = tmp_path / "bench.parquet"
    table.to_parquet(path)
    assert main(["models", "evaluate", "--data", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["models"]["a/small"]["cost_usd"] == pytest.approx(0.001)
    assert {each["split"] for each in found["summary"]} == {"prompt", "subject"}
    router = next(each for each in found["splits"][0]["policies"] if each["policy"] == "router")
    assert router["saving_at_95"] > 0.3
    assert router["points"][0].keys() == {"cost_usd", "quality"}
    assert main(["models", "evaluate", "--data", str(path), "--split", "prompt",
                 "--flat-cost"]) == 0
    shown = capsys.readouterr().out
    assert "saving at 95 %" in shown
    assert "mean cost" in shown


def test_columns_and_prices_as_told(table, tmp_path):
    path = tmp_path / "bench.csv"
    table.rename(columns={"prompt": "ask"}).drop(
        columns=["a/small|total_cost", "b-large|total_cost"]).to_csv(path, index=False)
    data, reasons = read_routing_data(path, Columns(
        "ask", scores={"s": "a/small", "l": "b-large"}, prices={"s": (1, 2), "l": (10, 20)}))
    # n characters: n/4 tokens of input and n/2 of output, (n/4 × 1 + n/2 × 2)/10^6
    assert data.costs[0] == pytest.approx([len(data.prompts[0]) * 1.25e-6,
                                           len(data.prompts[0]) * 12.5e-6])
    assert [each.code for each in reasons] == ["models", "cost_priced", "cost_priced"]
    shares, why = read_routing_data(path, Columns(
        "ask", scores={"s": "a/small", "l": "b-large"}))
    assert (shares.costs[0].tolist(), why[-1].code) == ([0, 1], "cost_calls")


@pytest.mark.parametrize(("change", "words", "message"), [
    ({}, ["--prompt", "nope"], "no column nope"),
    ({"a/small": 2.0}, ["--score", "s=a/small", "--score", "l=b-large"], "outside 0 to 1"),
    ({"eval_name": "same"}, ["--split", "subject"], "at least two subjects"),
    ({"a/small|total_cost": -1.0}, [], "below 0"), ({}, ["--splits", "0"], "--splits"),
    ({}, ["--price", "s=x"], "--price s")])
def test_says_what_cannot_be_used(table, tmp_path, capsys, change, words, message):
    path = tmp_path / "bench.parquet"
    table.assign(**change).to_parquet(path)
    assert main(["models", "evaluate", "--data", str(path), *words]) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_file_that_is_none(tmp_path, capsys):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    assert main(["models", "evaluate", "--data", str(tmp_path / "x.parquet")]) == 1
    assert main(["models", "evaluate", "--data", str(tmp_path / "none.parquet")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_real_routing_data_is_understood():
    data, reasons = read_routing_data(dataset("ROUTING_DATA"), Columns())
    assert len(data.models) >= 2
    assert data.scores.shape == data.costs.shape == (len(data.prompts), len(data.models))
    assert reasons
