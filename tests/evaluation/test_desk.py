"""Evaluations end to end over a stand-in for the gateway: grades, win rate, gate, cut-offs."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics.evaluation import WinRate
from brain.decisions.evaluation import Gate
from brain.decisions.reasons import InputError
from brain.evaluation.asking import Candidate
from brain.evaluation.golden import read_lines
from brain.gateway.question import Answer
from tests.gateway.studios import open_studio

SUMS = [{"id": f"sum-{n}", "input": f"{n} + {n}?", "expected": 2 * n} for n in range(1, 13)]


class Models:
    """Answers sums: "good" is right, "bad" is off by one, "down" fails, "judge" gives 4 of 5."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.hold: threading.Event | None = None
        self.usd = Decimal("0.01")

    def __call__(self, **fields: Any) -> Answer:
        self.asked.append(fields)
        if self.hold is not None:
            self.hold.wait(120)
        model = fields["model"]
        if model == "down":
            return Answer("r", "", "error", "no_provider", cost_usd=Decimal(0))
        if model == "judge":
            return Answer("r", '{"score": 4, "reason": "fine"}', cost_usd=Decimal("0.5"))
        right = 2 * int(fields["text"].split()[0])
        off = 1 if model == "bad" or "carelessly" in fields["system"] else 0
        return Answer("r", f"It is {right + off}.", model=model, latency_ms=100.0 + off,
                      cost_usd=self.usd)


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def engine(tmp_path: Path, models: Models) -> Iterator[Any]:
    with open_studio(tmp_path, evaluation_judge_model="judge") as opened:
        opened.studio.evaluation._ask = models
        opened.studio.evaluation.sets.add("sums", SUMS)
        yield opened


def test_two_routes_are_graded_compared_and_gated(engine: Any, models: Models) -> None:
    found = engine.studio.evaluation.run_now(
        "sums", Candidate(model="good"), Candidate(model="bad"),
        gate=Gate("sums", "better", most_p95_latency_ms=100, most_usd_per_item=Decimal("0.01")))
    assert (found.run.state, found.run.done, found.run.total) == ("done", 24, 24)
    assert (found.candidate.mean_score, found.candidate.passed) == (1.0, 12)
    assert found.candidate.cost_usd == Decimal("0.12")
    assert found.baseline is not None and found.baseline.mean_score == 0.0
    assert found.pairing is not None and isinstance(found.pairing.win_rate, WinRate)
    assert (found.pairing.win_rate.wins, found.pairing.verdict) == (12, "better")
    assert found.gate is not None and found.gate.verdict == "pass"
    assert all(each["use_cache"] is False and each["workspace_id"] == "evaluation"
               for each in models.asked)


def test_a_route_that_fails_scores_nothing_but_is_not_left_out(engine: Any) -> None:
    found = engine.studio.evaluation.run_now("sums", Candidate(model="down"),
                                             Candidate(model="good"))
    assert (found.candidate.failed, found.candidate.mean_score) == (12, 0.0)
    assert found.pairing is not None and found.pairing.verdict == "worse"
    reasons = json.loads(found.grades["candidate"][0]["reasons_json"])
    assert reasons == [["error", "no_provider"]]


def test_a_version_goes_live_only_through_its_gate(engine: Any) -> None:
    prompts, evaluation = engine.studio.prompts, engine.studio.evaluation
    prompts.add("math", "Answer carelessly.")
    prompts.add("math", "Answer exactly.")
    prompts.add("math", "Answer carelessly, in few words.")
    prompts.configure("math", gate=Gate("sums", "better", model="any"))
    with pytest.raises(InputError, match="was not evaluated"):
        prompts.activate("math", 2)
    run = evaluation.wait(evaluation.start_gate("math", 2).run_id)
    assert run.state == "done"
    assert prompts.activate("math", 2).active_version == 2
    evaluation.wait(evaluation.start_gate("math", 3).run_id)
    with pytest.raises(InputError, match="Worse: wins 0 of 12"):
        prompts.activate("math", 3)
    evaluation.sets.add("sums", SUMS[:-1])  # the set changed: what was shown counts no more
    decided = prompts.gate_decision("math", 1)
    assert decided is not None and decided.reasons[0].code == "not_evaluated"


def test_a_judge_grades_by_the_same_engine_at_a_cost_of_its_own(
        engine: Any, models: Models) -> None:
    engine.studio.evaluation.sets.add("judged", [
        {"input": "1 + 1?", "grader": {"kind": "judge", "instruction": "Is it right?"}}])
    found = engine.studio.evaluation.run_now("judged", Candidate(model="good"))
    assert found.candidate.mean_score == 0.75  # 4 of 5
    assert found.candidate.cost_usd == Decimal("0.01")
    assert found.pairing is None and found.gate is None
    assert "It is 2." in models.asked[-1]["text"]


def test_money_stops_a_run_and_it_goes_on(engine: Any, models: Models) -> None:
    models.usd = Decimal(1)
    evaluation = engine.studio.evaluation
    found = evaluation.run_now("sums", Candidate(model="good"), most_usd=Decimal(2))
    assert found.run.state == "stopped" and 2 <= found.run.done < 12  # four are asked at once
    engine.state.update("evaluation_runs", "run_id", found.run.run_id, most_usd="100")
    evaluation.resume(found.run.run_id)
    assert evaluation.wait(found.run.run_id).state == "done"
    assert len(models.asked) == 12  # nothing was asked twice


def test_a_cancelled_run_keeps_its_grades(engine: Any, models: Models) -> None:
    models.hold = threading.Event()
    evaluation = engine.studio.evaluation
    run = evaluation.start("sums", Candidate(model="good"))
    assert evaluation.cancel(run.run_id)
    models.hold.set()
    done = evaluation.wait(run.run_id)
    assert done.state == "cancelled" and done.done <= 4
    assert evaluation.cancel(run.run_id) is False


def test_a_run_of_a_process_that_died_is_told_as_interrupted(engine: Any) -> None:
    evaluation = engine.studio.evaluation
    run = evaluation.run_now("sums", Candidate(model="good")).run
    engine.state.update("evaluation_runs", "run_id", run.run_id, state="running", owner="gone")
    assert evaluation.run(run.run_id).state == "interrupted"


def test_sets_have_versions_and_refuse_faults(engine: Any) -> None:
    sets = engine.studio.evaluation.sets
    assert sets.add("sums", SUMS).version == 1  # nothing differs
    assert sets.add("sums", SUMS[:3]).version == 2
    assert [len(sets.items("sums", number)) for number in (1, 2, 0)] == [12, 3, 3]
    with pytest.raises(InputError, match="line 2"):
        sets.add("sums", [SUMS[0], {"input": "?"}])
    with pytest.raises(InputError, match="line 2 is no JSON"):
        read_lines('{"a": 1}\n{"a":')
    assert sets.get("sums").version == 2
    with pytest.raises(LookupError):
        engine.studio.evaluation.start("none", Candidate())
    with pytest.raises(InputError, match="no prompt"):
        engine.studio.evaluation.start("sums", Candidate(prompt="none"))
