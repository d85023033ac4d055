"""What a router learns from: graders, task success, stars; and what can be compared of it."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.evaluation.asking import Candidate
from brain.events import Feedback, Outcome, Request
from brain.gateway.providers import ProviderConfig
from brain.models.judged import Judged
from brain.settings import load

NOW = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    opened = Engine.open(load({}, data_dir=str(tmp_path_factory.mktemp("judged"))), lambda: NOW)
    opened.keep_query_text("default", True)
    yield opened
    opened.close()


def test_task_success_counts_before_stars(engine):
    at = NOW - dt.timedelta(hours=1)
    engine.record("requests", [Request(
        event_id=name, at_utc=at, provider="house", model="small", query_text=f"prompt {name}",
        input_tokens=1, output_tokens=1) for name in ("solved", "rated", "unjudged")])
    engine.record("feedback", [
        Feedback(event_id="f1", at_utc=at, request_id="solved", stars=2),
        Feedback(event_id="f2", at_utc=at, request_id="rated", stars=2)])
    engine.record("outcomes", [Outcome(event_id="f1:success", at_utc=at, metric="task_success",
                                       unit_id="ann", value=1.0)])
    engine.settle()
    found = engine.models.judged()
    assert found.sources == {"task success": 1, "stars": 1}
    scores = dict(zip(found.prompts, found.scores[:, 0].tolist(), strict=True))
    assert scores == {"prompt solved": 1.0, "prompt rated": 0.25}  # two stars: (2 - 1) / 4
    assert found.comparable() is None


def test_grades_of_named_models_on_golden_questions(engine):
    for name in ("alpha", "beta"):
        engine.gateway.set_provider(ProviderConfig(
            name, "simulated", models=(Model(
                f"model-{name}", name, input_usd_per_mtok=Decimal(1),
                output_usd_per_mtok=Decimal(2), quality=80, latency_ms=10),),
            options={"profile": {"latency_ms": 0, "tokens": 4}}))
    evaluation = engine.studio.evaluation
    evaluation.sets.add("sums", [{
        "id": f"n{number}", "input": f"What is {number} and {number}?", "expected": "no"}
        for number in range(60)])
    evaluation.run_now("sums", Candidate("alpha", "model-alpha"), Candidate("beta", "model-beta"))
    found = engine.models.judged()
    assert found.sources["grader"] == 120
    data = found.comparable()
    assert data.models == ("model-alpha", "model-beta")
    assert len(data.prompts) == 60 and data.prompts[0].startswith("What is ")
    assert not np.isnan(data.costs).any() and (data.costs > 0).all()
    # a run that leaves the model to the engine says nothing of any model
    before = found.sources["grader"]
    evaluation.run_now("sums", Candidate())
    assert engine.models.judged().sources["grader"] == before


def test_models_judged_least_are_left_out_of_a_comparison():
    scores = np.ones((60, 3))
    scores[10:, 2] = np.nan
    judged = Judged(tuple(map(str, range(60))), ("a", "b", "c"), scores, np.ones((60, 3)))
    assert judged.comparable().models == ("a", "b")
    costs = np.ones((60, 3))
    costs[20:, 0] = np.nan  # of 60 prompts only 20 have a cost for a
    assert Judged(judged.prompts, judged.models, scores, costs).comparable() is None
