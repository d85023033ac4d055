"""`brain experiments` on stored experiments: list, show, create, act, samples, import."""

import json

import pytest

from brain.cli.main import main
from tests.datasets import dataset

DEFINITION = {"key": "mine", "name": "Mine", "primary": {"key": "paid", "kind": "proportion"},
              "variants": [{"key": "a"}, {"key": "b"}]}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """What a command line prints as JSON, or its text with ``plain``, and its exit status."""
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path / "var"))

    def call(*words, plain=False):
        status = main(["experiments", *words, *(() if plain else ("--json",))])
        out = capsys.readouterr().out
        return status, out if plain else json.loads(out)
    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(DEFINITION))
    return str(path)


def test_from_draft_to_decision(run, file):
    assert run("create", file)[1]["state"] == "draft"
    assert run("act", "mine", "start")[1]["state"] == "running"
    assert run("act", "mine", "ramp", "--traffic", "0.2")[1]["traffic_ratio"] == 0.2
    assert run("act", "mine", "undo")[1]["traffic_ratio"] == 1.0
    assert run("list", "--state", "running")[1][0]["key"] == "mine"
    status, told = run("act", "mine", "decide", "--variant", "b")
    assert (status, told["error"]["field"]) == (1, "reason")
    done = run("act", "mine", "decide", "--variant", "b", "--reason", "it pays")[1]
    assert (done["state"], done["decided_variant"]) == ("decided", "b")
    assert "decided" in run("list", plain=True)[1]


def test_faults_are_told(run, file, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("[1]")
    for words, code in ((("create", str(broken)), "not_json"),
                        (("show", "gone"), "not_found"), (("act", "gone", "start"), "not_found"),
                        (("show", "gone", "--out", "report.doc"), "unknown_form"),
                        (("import", str(broken)), "missing_column")):
        status, told = run(*words)
        assert (status, told["error"]["code"]) == (1, code), words


def test_a_draft_is_written_anew(run, file):
    run("create", file)
    status, told = run("create", file)
    assert (status, told["error"]["code"]) == (1, "key_taken")
    assert run("create", file, "--change")[1]["key"] == "mine"
    assert run("act", "mine", "remove")[1]["removed"] is True


def test_samples_import_and_report(run, tmp_path):
    assert [each["key"] for each in run("samples")[1]] == ["search-ui-v2", "response-format"]
    told = run("import", str(dataset("EXPERIMENT_SERIES")), plain=True)[1]
    assert "the sequential reading" in told
    key = run("list", "--state", "stopped")[1][0]["key"]
    assert "metric-1" in run("show", key, plain=True)[1]
    for name, start in (("r.html", "<!doctype html>"), ("r.csv", "experiment,role"),
                        ("r.pdf", "%PDF-")):
        path = tmp_path / name
        run("show", key, "--out", str(path))
        assert path.read_bytes().startswith(start.encode())
