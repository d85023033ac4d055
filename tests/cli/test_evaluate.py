"""``brain evaluate``, ``brain prompts`` and ``brain plans``: decisions by line, stores by verb."""

import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from brain.cli import evaluate, prompts
from brain.cli.machine import answer_lines
from brain.cli.main import main

FORMS = {command.name: command.form for command in (*evaluate.COMMANDS, *prompts.COMMANDS)
         if command.form}


def answer(name: str, *lines: Any, **options: Any) -> list[Any]:
    out = io.BytesIO()
    form = FORMS[name]
    answer_lines(form, form.prepare(Namespace(**options)),
                 io.BytesIO("\n".join(map(json.dumps, lines)).encode()), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_items_are_graded_and_summed_up() -> None:
    first, second, fault, last = answer(
        "evaluate", {"id": "a", "input": "2 + 2?", "expected": 4, "answer": "It is 4.",
                     "latency_ms": 120, "cost_usd": "0.002"},
        {"input": "Capital?", "expected": ["Paris"], "answer": "Rome", "cost_usd": "0.001"},
        {"input": "?", "grader": "bleu", "answer": "x"}, summary=True)
    assert (first["id"], first["score"], first["passed"]) == ("a", 1.0, True)
    assert first["reasons"][0]["code"] == "within_tolerance"
    assert (second["id"], second["score"]) == ("2", 0.0)
    assert (fault["error"]["code"], fault["error"]["field"]) == ("unknown_grader", "grader")
    assert last["summary"] == {
        "items": 2, "graded": 2, "failed": 0, "passed": 1, "mean_score": 0.5,
        "p95_latency_ms": 120.0, "cost_usd": "0.003", "usd_per_item": "0.0015"}


def test_two_candidates_are_compared_and_gated() -> None:
    good, bad = ([{"score": score, "latency_ms": 100} for score in scores]
                 for scores in ([1] * 9 + [0], [0] * 9 + [1]))
    found, = answer("evaluate compare", {"candidate": good, "baseline": bad,
                                         "gate": {"most_p95_latency_ms": 200}})
    assert (found["verdict"], found["gate"]) == ("better", "pass")
    # Wilson's interval of 9 in 10, as statsmodels has it
    assert found["win_rate"]["lower_ratio"] == pytest.approx(0.5958, abs=1e-4)
    assert found["win_rate"]["p"] == pytest.approx(22 / 1024)  # 2 (C(10,9) + C(10,10)) / 2^10
    assert {each["code"] for each in found["reasons"]} == {"pairing_better", "latency_held"}
    tied, wrong = answer("evaluate compare", {"candidate": good, "baseline": good},
                         {"candidate": good, "baseline": bad[:5]})
    assert (tied["win_rate"], tied["unknown"]["code"]) == (None, "all_tied")
    assert wrong["error"]["field"] == "baseline"


def test_prompts_are_rendered_and_plans_ordered() -> None:
    found, fault = answer("prompts render", {
        "system": "Speak {{tone}}.", "schema": {"properties": {"tone": {"default": "calmly"}}}},
        {"system": "{{who}}"})
    assert (found["system"], fault["error"]["field"]) == ("Speak calmly.", "inputs.who")
    found, fault = answer(
        "plans check", {"steps": [{"key": "b", "needs": ["a"]}, {"key": "a"}]},
        {"steps": [{"key": "b", "needs": ["a"]}, {"key": "a", "needs": ["b"]}]})
    assert found["waves"] == [["a"], ["b"]]
    assert fault["error"]["code"] == "cycle" and "b → a → b" in fault["error"]["message"]


def test_the_stores_are_reached_by_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str) -> Any:
        status = main([*words, "--json"])
        return status, json.loads(capsys.readouterr().out)
    (tmp_path / "p.json").write_text('{"system": "Answer."}')
    (tmp_path / "set.jsonl").write_text('{"input": "2 + 2?", "expected": 4}\n')
    assert run("prompts", "add", "math", str(tmp_path / "p.json"))[1]["version"] == 1
    status, fault = run("prompts", "activate", "math", "7")
    assert (status, fault["error"]["code"]) == (1, "not_found")
    assert run("evaluate", "add", "sums", str(tmp_path / "set.jsonl"))[1]["items"] == 1
    _, report = run("evaluate", "run", "sums", "--prompt", "math")
    assert report["run"]["state"] == "done"
    assert report["candidate"]["items"] == 1
    assert report["grades"]["candidate"][0]["reasons"][0]["code"]
