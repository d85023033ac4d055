"""Runs by command: begun, stopped, listed, and taken away in every form."""

import io
import json

import pandas as pd
import pytest

from tests.serving.inside import command_runner


@pytest.fixture
def brain(tmp_path, monkeypatch, capsys):
    return command_runner(tmp_path / "data", monkeypatch, capsys)


def test_history_by_range_limit_and_form(brain, tmp_path):
    dry = brain("optimize", "run", "--strategy", "emergency_scale_up", "--dry-run", "--json")
    assert json.loads(dry.out)["run"] is None
    names = []
    brain("optimize", "settings", "--set", "cool_down_s=0")
    for _ in range(2):
        begun = brain("optimize", "run", "--strategy", "emergency_scale_up", "--json")
        names.append(json.loads(begun.out)["run"]["run_id"])
        stopped = brain("optimize", "stop")
        assert stopped.status == 0 and "rolled back" in stopped.out
    table = brain("optimize", "history").out
    assert table.index(names[1]) < table.index(names[0])  # newest first
    newest = json.loads(brain("optimize", "history", "--limit", "1", "--json").out)
    assert [row["run_id"] for row in newest] == names[1:]
    assert json.loads(brain("optimize", "history", "--range", "2001-01", "--json").out) == []
    rows = pd.read_csv(io.StringIO(brain("optimize", "history", "--format", "csv").out))
    assert list(rows["run_id"]) == names[::-1]
    whole = json.loads(brain("optimize", "history", "--range", "24h", "--format", "json").out)
    assert [run["run_id"] for run in whole["runs"]] == names[::-1]
    assert whole["configuration"]["cool_down_s"] == 0
    out = tmp_path / "runs.parquet"
    assert brain("optimize", "history", "--out", str(out)).status == 0
    assert list(pd.read_parquet(out)["run_id"]) == names[::-1]
    odd = tmp_path / "runs.txt"
    brain("optimize", "history", "--format", "csv", "--out", str(odd))
    assert names[0] in odd.read_text()


@pytest.mark.parametrize(("words", "code"), [
    (("--format", "parquet"), "no_file"), (("--out", "x.txt"), "unknown_form"),
    (("--range", "soon"), "not_a_range"), (("--limit", "0"), "invalid")])
def test_what_cannot_be_listed_is_named(brain, words, code):
    done = brain("optimize", "history", "--json", *words)
    assert (done.status, json.loads(done.out)["error"]["code"]) == (1, code)
