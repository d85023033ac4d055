"""Operations › Scaling: why the count is so, the editor, bounds, sizes, and applying."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from brain import running, settings
from brain.engine import Engine
from brain.events import MetricSample, Request
from tests.pages.conftest import NOW, OpenPage
from tests.pages.test_admin import frame_with, press
from tests.services.kubernetes import TOKEN
from tests.services.kubernetes_scaling import ScalingServer, running_scaling_server

SCALING = "operations/scaling.py"


def words(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(each.value for part in (app.text, app.caption, app.markdown, app.warning,
                                             app.info, app.success, app.error) for each in part)


def labels(app: AppTest) -> set[str]:
    return {each.label for each in app.button}


@pytest.fixture
def api() -> Iterator[ScalingServer]:
    with running_scaling_server() as server:
        server.deploy("brain-api", 3)
        yield server


@pytest.fixture
def clustered(api: ScalingServer, tmp_path: Path,
              monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that a cluster is connected to."""
    opened = Engine.open(settings.load({}, data_dir=tmp_path, kubernetes_url=api.url,
                                       kubernetes_token=TOKEN, kubernetes_allow_changes="true"),
                         clock=lambda: NOW)
    monkeypatch.setattr(running, "engine", lambda _settings=None: opened)
    st.cache_data.clear()
    yield opened
    st.cache_data.clear()
    opened.close()


def test_an_empty_console_says_what_is_missing(engine: Engine, open_page: OpenPage) -> None:
    told = words(open_page(SCALING))
    assert "No requests in this range" in told
    assert "Nothing is logged in this range" in told
    assert "there is nothing to size a pod by" in told
    assert "No cluster is connected" in told


def test_the_count_is_explained_in_everyday_words(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(SCALING)
    told = words(app)
    assert "this is reckoned for 3 pods. Together they get 0 requests per second" in told
    assert "It waits before it takes pods away" in told  # the controller's first look
    assert "So it stays at 3 pods." in told
    cards = {each.label: each.value for each in app.metric}
    assert cards["Pods now"] == "3"
    assert cards["Cost per hour"] == "0.1500 USD"  # 3 pods of 0.05 USD
    asks = frame_with(app, "asks")
    assert list(asks["metric"]) == ["CPU", "requests per second and pod", "memory"]
    assert list(asks["goal"]) == ["70 %", "100", "80 %"]


def test_past_load_is_replayed_beside_oracle_and_static(filled: Engine,
                                                        open_page: OpenPage) -> None:
    app = open_page(SCALING)
    table = frame_with(app, "objective_minutes")
    assert list(table["policy"]) == [
        "This policy, as stored", *(f"HPA at {pct} % CPU" for pct in (40, 50, 60, 70, 80, 90)),
        "Always the most ever needed", "Oracle: knows the future"]
    #  one request in a quarter hour at most: 1/900 per second; 10 * 140 / 2 * 900 = 630,000
    assert "Traffic is multiplied by 500,000" in words(app)
    assert "Left out, for a replay does not know them: memory" in words(app)
    stored = table[table["policy"] == "This policy, as stored"].iloc[0]
    assert stored["against"] == 0


def test_an_edit_is_tried_before_it_is_stored(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(SCALING)
    text = next(each for each in app.text_area if each.label.startswith("Horizontal"))
    text.set_value(text.value.replace("maxReplicas: 10", "maxReplicas: 20"))
    app = press(app, "Try on past load")
    assert "This policy, as edited" in list(frame_with(app, "objective_minutes")["policy"])
    assert "edited and not stored" in words(app)
    assert any("+  " in each.value and "maxReplicas: 20" in each.value for each in app.code)
    assert filled.scaling.plans()["standard"].policy.max_replicas == 10
    app = press(app, "Save")
    assert filled.scaling.plans()["standard"].policy.max_replicas == 20
    app = press(app, "Undo the last change")
    assert filled.scaling.plans()["standard"].policy.max_replicas == 10
    assert list(frame_with(app, "action")["action"]) == ["scaling policy undone",
                                                         "scaling policy changed"]


@pytest.mark.parametrize(("old", "new", "said"), [
    ("maxReplicas: 10", "maxReplicas: 2", "MinReplicas 3 is more than maxReplicas 2"),
    ("maxReplicas: 10", "maxReplicas: [", "This is no YAML"),
    ("maxReplicas: 10", "maxReplicas: 10\n  surprise: 1", "surprise")])
def test_an_edit_that_cannot_be_used_says_why(engine: Engine, open_page: OpenPage, old: str,
                                              new: str, said: str) -> None:
    app = open_page(SCALING)
    text = next(each for each in app.text_area if each.label.startswith("Horizontal"))
    text.set_value(text.value.replace(old, new))
    app = press(app, "Save")
    assert said in words(app)
    assert engine.scaling.book.history("policy") == []


def test_risks_of_a_policy_are_told(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(SCALING)
    app.selectbox(key="policy").set_value("busy").run()
    assert "not proportional to replicas" in words(app)  # its target on a p95


def test_the_log_shows_changes_with_their_reasons(filled: Engine, open_page: OpenPage) -> None:
    log = [{"decision_id": str(number), "policy": "standard", "load_rps": 400.0, "wanted": count,
            "at_utc": NOW - dt.timedelta(minutes=10 - number), "replicas": count,
            "cluster_replicas": None, "reasons_json": '[["ScaleUpLimit", "Faster than allowed."]]'}
           for number, count in enumerate([3, 3, 5])]
    filled.state.insert("scaling_decisions", *log)
    table = frame_with(open_page(SCALING), "before")
    assert table[["before", "replicas", "why"]].to_numpy().tolist() == [
        [3, 5, "Faster than allowed."]]


def test_a_cap_and_a_schedule_are_set_and_taken_back(filled: Engine, open_page: OpenPage) -> None:
    filled.scaling.book.put("cap", "production", {"environment": "production", "cap_usd": "10"},
                            NOW, "ada")
    filled.scaling.book.put("schedule", "mine", {"workload": "brain-api", "cron": "0 7 * * *",
                                                 "min_replicas": 4}, NOW, "ada")
    app = open_page(SCALING)
    told = words(app)
    assert "brain-api: at least 4" in told
    assert "10 USD are left" in told
    assert "brain-api" in list(frame_with(app, "cron")["workload"])
    press(app, "Remove")  # the schedule's, the first of both
    assert "mine" not in filled.scaling.schedules()


def test_a_right_size_is_shown_with_its_saving(engine: Engine, open_page: OpenPage) -> None:
    engine.record("metric_samples", [
        MetricSample(event_id=f"{metric}-{n}", at_utc=NOW - dt.timedelta(minutes=5 * n + 10),
                     metric=metric, instance="web-1", value=20.0, source="host")
        for n in range(40) for metric in ("cpu_pct", "memory_pct")])
    engine.settle()
    app = open_page(SCALING)
    row = frame_with(app, "saving").iloc[0]
    #  20 % of 500 m and of 1,024 MiB are less than the least of 250 m and 256 MiB:
    #  0.05 USD * (1 - (250/500 + 256/1024) / 2) * 730 h = 22.8125 USD
    assert (row["cpu"], row["memory"]) == (250, 256)
    assert row["saving"] == pytest.approx(22.8125)
    assert "may only recommend these" in words(app)


def test_the_cluster_is_tried_confirmed_changed_and_put_back(
        clustered: Engine, api: ScalingServer, open_page: OpenPage) -> None:
    app = open_page(SCALING)
    next(each for each in app.number_input if each.label == "Pods of brain-api").set_value(5)
    app = press(app, "Try this count")
    assert "accepted" in words(app)
    assert any("+replicas: 5" in each.value for each in app.code)
    apply = next(each for each in app.button if each.label == "Apply")
    assert apply.disabled
    assert api.deployments["brain-api"]["spec"]["replicas"] == 3
    next(each for each in app.checkbox if each.label != "With a forecast of load").check().run()
    api.steps = [[5]]
    app = press(app, "Apply")
    assert api.deployments["brain-api"]["spec"]["replicas"] == 5
    assert list(frame_with(app, "how")["how"]) == ["made"]
    app.session_state["table_cluster changes"] = {
        "selection": {"rows": [0], "columns": [], "cells": []}}
    app = press(app.run(), "Take back")
    assert api.deployments["brain-api"]["spec"]["replicas"] == 3
    kinds = {each["kind"] for each in clustered.annotations(NOW - dt.timedelta(hours=1),
                                                            NOW + dt.timedelta(hours=1))}
    assert kinds == {"scaling"}


def test_a_refused_trial_is_told(clustered: Engine, api: ScalingServer,
                                 open_page: OpenPage) -> None:
    api.refuse = {"POST": 403}
    app = press(open_page(SCALING), "Try the autoscaler")
    assert ("Kubernetes does not let this account patch the autoscaler brain-api in brain-ai: "
            "not for this account.") in words(app)
    assert "Apply" not in labels(app)


def test_load_of_the_last_minute_is_per_pod(engine: Engine, open_page: OpenPage) -> None:
    engine.record("requests", [Request(
        event_id=f"r{number}", at_utc=NOW - dt.timedelta(seconds=20), workspace_id="acme",
        provider="openai", model="gpt-4o", status="ok", latency_ms=100.0, input_tokens=1,
        output_tokens=1, source="api") for number in range(900)])
    engine.settle()
    cards = {each.label: each.value for each in open_page(SCALING).metric}
    assert cards["Load"] == "15.00 per s"  # 900 in 60 s
    assert cards["Load per pod"] == "5.00 per s"


def test_a_search_on_too_short_a_range_says_what_it_needs(filled: Engine,
                                                          open_page: OpenPage) -> None:
    app = press(open_page(SCALING), "Find parameters")
    assert "a search needs at least two days" in words(app)
