"""Targets and reports over HTTP."""

import httpx
import pytest


def put(http: httpx.Client, metric, body, **headers):
    return http.put(f"/api/v1/targets/{metric}", json=body, headers=headers)


def warning(http, metric="memory_pct"):
    rows = {row["metric"]: row for row in http.get("/api/v1/targets").json()}
    return rows[metric]["warning"]


def test_a_target_is_changed_and_reset(console, http):
    answer = put(http, "memory_pct", {"warning": 60, "critical": "none"})
    assert (answer.status_code, answer.json()["warning"], answer.json()["critical"]) == (
        200, 60, None)
    assert answer.json()["changed_by"] == "HTTP API"
    assert warning(http) == 60
    assert put(http, "memory_pct", {"reset": True}).json()["is_changed"] is False
    assert warning(http) == 75
    actions = [each["action"] for each in console.call("target_changes", metric="memory_pct")]
    assert actions == ["target reset", "target changed"]


@pytest.mark.parametrize(("metric", "body", "code"), [
    ("memory_pct", {"warning": 95}, "wrong_order"), ("nope", {"warning": 5}, "unknown_metric"),
    ("memory_pct", {}, "nothing_to_change"), ("memory_pct", [], "not_json"),
    ("memory_pct", {"person": "eve", "warning": 1}, "invalid"),
    ("memory_pct", {"reset": "yes"}, "invalid")])
def test_what_cannot_be_is_refused(http, metric, body, code):
    answer = put(http, metric, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert warning(http) == 75


def test_health_and_reports(http):
    told = http.get("/api/v1/monitoring/health").json()
    assert told["check"]["verdict"] in {"ok", "warning", "critical", "unknown"}
    assert told["check"]["reasons"]
    for form, kind in (("html", "text/html"), ("txt", "text/plain"), ("json", "application/json")):
        answer = http.get("/api/v1/monitoring/report", params={"form": form})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert "endpoint" in answer.text.lower()
    for wrong in ({"form": "pdf"}, {"name": "weekly"}, {"range": "soon"}, {"range": "9d"}):
        assert http.get("/api/v1/monitoring/report", params=wrong).status_code == 400


def test_a_key_is_asked_for(keyed):
    with keyed.client() as stranger:
        for path in ("targets", "monitoring/health", "monitoring/report"):
            assert stranger.get(f"/api/v1/{path}").status_code == 401
        assert put(stranger, "cpu_pct", {"warning": 5}).status_code == 401
    with keyed.client("sesame") as friend:
        assert friend.get("/api/v1/targets").status_code == 200
        assert put(friend, "cpu_pct", {"warning": 5},
                   origin="http://evil.example").status_code == 403
