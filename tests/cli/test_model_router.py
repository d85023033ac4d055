"""``brain models train``, ``routers``, ``activate``, ``rollback``."""

import datetime as dt

import numpy as np
import pytest

from brain.engine import Engine
from brain.events import Feedback, Request
from brain.settings import load
from tests.analytics.routing.test_router import PROMPTS, SCORES
from tests.serving.inside import command_runner


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return command_runner(tmp_path, monkeypatch, capsys)


def fill(folder):
    engine = Engine.open(load({}, data_dir=str(folder)))
    engine.keep_query_text("default", True)
    at = engine.clock() - dt.timedelta(hours=1)
    places = np.random.default_rng(2).integers(0, 2, len(PROMPTS)).tolist()
    engine.record("requests", [Request(
        event_id=f"r{number}", at_utc=at, provider="house", model=("small", "large")[place],
        query_text=prompt, input_tokens=9, output_tokens=9)
        for number, (prompt, place) in enumerate(zip(PROMPTS, places, strict=True))])
    engine.record("feedback", [Feedback(
        at_utc=at, request_id=f"r{number}", stars=5 if scores[place] else 1)
        for number, (scores, place) in enumerate(zip(SCORES, places, strict=True))])
    engine.settle()
    engine.close()


def test_without_scores_it_says_how_many_are_needed(run):
    done = run("models", "train")
    assert done.status == 1
    assert "at least 200 of two models are needed" in done.out


def test_trained_kept_activated_and_rolled_back(run, tmp_path):
    fill(tmp_path)
    tried = run("models", "train")
    assert tried.status == 0 and "A dry run: nothing was kept" in tried.out
    assert f"{len(PROMPTS):,} by stars" in tried.out
    assert run("models", "routers", "--json").json == []
    kept = run("models", "train", "--write", "--json").json
    assert (kept["passed"], kept["version"]["status"]) == (True, "ready")
    assert kept["gate"]["router_error"] < kept["gate"]["means_error"]
    assert run("models", "activate", "1").out == "Router version 1 is in force.\n"
    assert run("models", "rollback", "--json").json == {"active": 0}
    assert run("models", "rollback", "--json").json == {"active": 1}
    # the same data teach no more than the router in force knows: refused, and not kept
    again = run("models", "train", "--activate", "--json")
    assert (again.status, again.json["version"]) == (1, None)
    assert "ready" not in run("models", "routers").out
    assert run("models", "activate", "7").status == 1


def test_its_schema_names_what_it_takes_and_answers(run):
    told = run("models", "train", "--schema").json
    assert "activate" in str(told["input"]) and "gate" in str(told["output"])
