"""Optimization over HTTP: plan, run, stop, way back, history as files, configuration."""

import io
import json
from collections.abc import Iterator

import httpx
import pandas as pd
import pytest

from tests.api.conftest import OPERATOR, VIEWER
from tests.serving.console import Console

BASE = "/api/v1/optimization"


def post(http: httpx.Client, path: str, **body):
    return http.post(f"{BASE}/{path}", json=body)


@pytest.fixture(scope="module")
def console(own_console: Console) -> Console:
    """What other tests send would be reasons to act."""
    return own_console


@pytest.fixture(scope="module")
def http(console: Console) -> Iterator[httpx.Client]:
    """A client of ``console`` that sends no key."""
    with console.client() as client:
        yield client


@pytest.fixture(scope="module")
def stopped(http: httpx.Client) -> str:
    """A run that was begun and stopped again, over HTTP."""
    begun = post(http, "run", only="emergency_scale_up")
    assert begun.status_code == 200, begun.text
    run = begun.json()["run"]
    assert (run["strategy"], run["person"]) == ("emergency_scale_up", "HTTP API")
    again = post(http, "run", only="emergency_scale_up")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "busy")
    ended = post(http, "stop").json()["run"]
    assert (ended["run_id"], ended["rolled_back"], ended["step"]) == (
        run["run_id"], True, "finished")
    return str(run["run_id"])


def test_a_plan_tells_what_would_be_done(http):
    plan = http.get(f"{BASE}/plan").json()["plan"]
    assert plan["strategy"] is None and plan["reasons"]
    chosen = http.get(f"{BASE}/plan", params={"only": "efficiency"}).json()["plan"]
    assert any(each["strategy"] == "efficiency" for each in chosen["strategies"])
    dry = post(http, "run", only="emergency_scale_up", dry_run=True).json()
    assert dry["run"] is None and dry["plan"]["actions"][0]["kind"] == "scale_up"
    assert http.get(f"{BASE}/plan", params={"only": "magic"}).status_code == 400


def test_the_run_was_taken_back(console, http, stopped):
    before = console.call("knobs")["worker_slots"]
    rows = http.get(f"{BASE}/runs", params={"limit": 1000}).json()
    row = next(each for each in rows if each["run_id"] == stopped)
    assert row["rolled_back"] and f"replicas {before} → {2 * before}" in row["actions"]
    assert post(http, f"runs/{stopped}/rollback").status_code == 409
    assert post(http, "runs/nobody/rollback").status_code == 404
    assert post(http, "stop").status_code == 404


def test_history_is_taken_away_in_every_form(http, stopped):
    def fetch(form, **asked):
        answer = http.get(f"{BASE}/runs", params={"form": form, **asked})
        assert answer.status_code == 200
        assert f"optimizations.{form}" in answer.headers["content-disposition"]
        return answer
    told = json.loads(fetch("json", range="1h").content)
    assert stopped in {run["run_id"] for run in told["runs"]}
    assert told["runs"][0]["steps"] and told["configuration"]["interval_min"] and told["records"]
    assert told["runs"][0]["started_at_utc"].endswith("+00:00") and "system_health" in told
    for form, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        rows = read(io.BytesIO(fetch(form).content))
        assert stopped in set(rows["run_id"]) and {"expected_gain", "gain_low"} <= set(rows)
    for wrong in ({"form": "xml"}, {"range": "soon"}, {"limit": "0"}, {"limit": "x"}):
        assert http.get(f"{BASE}/runs", params=wrong).status_code == 400


@pytest.mark.parametrize(("body", "code"), [
    ({"interval_min": 0}, "out_of_range"), ({"actuator": "magic"}, "unknown_actuator"),
    ({"emergency_cpu_pct": 1}, "wrong_order"), ({}, "nothing_to_change"), ([], "not_json")])
def test_a_configuration_that_breaks_a_rule_is_refused(http, body, code):
    answer = http.put(f"{BASE}/configuration", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_the_configuration_is_changed_and_told(http):
    before = http.get(f"{BASE}/configuration").json()
    changed = http.put(f"{BASE}/configuration", json={"cool_down_s": 1})
    assert changed.json() == before | {"cool_down_s": 1}
    assert http.put(f"{BASE}/configuration", json={"cool_down_s": before["cool_down_s"]}).json() \
        == before


def test_a_key_is_asked_for(keyed):
    with keyed.client() as stranger:
        for path in ("plan", "runs", "configuration"):
            assert stranger.get(f"{BASE}/{path}").status_code == 401
        assert post(stranger, "run").status_code == post(stranger, "stop").status_code == 401
        assert stranger.put(f"{BASE}/configuration", json={"queue_low": 1}).status_code == 401


@pytest.mark.parametrize(("key", "see", "run", "configure"), [
    (VIEWER, 200, 403, 403), (OPERATOR, 200, 200, 403), ("sesame", 200, 200, 200)])
def test_a_viewer_sees_an_operator_runs_an_admin_configures(keyed, key, see, run, configure):
    with keyed.client(key) as http:
        assert http.get(f"{BASE}/runs").status_code == see
        begun = post(http, "run", only="emergency_scale_up", person="eve")
        assert begun.status_code == run
        if run == 200 and (there := begun.json()["run"]):
            assert there["person"] == ("key ci" if key == OPERATOR else "HTTP API")
            assert post(http, "stop").status_code == 200
        elif run == 403:
            assert begun.json()["error"]["code"] == "forbidden"
            assert post(http, "stop").status_code == 403
        answer = http.put(f"{BASE}/configuration", json={"queue_low": 7})
        assert answer.status_code == configure
