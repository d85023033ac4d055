"""``brain targets``, ``brain check`` and ``brain report``: through a server and without."""

import datetime as dt

import pytest

from tests.serving.console import Console
from tests.serving.inside import command_runner


@pytest.fixture(scope="module", params=["through a server", "without"])
def stores(request, tmp_path_factory):
    """A console with 30 quick requests of the last half hour; stopped or not."""
    console = Console(tmp_path_factory.mktemp("stores"), BRAIN_HOST_INTERVAL_S="3600",
                      BRAIN_REPORTS_DAILY="false")
    console.start()
    now = dt.datetime.now(dt.UTC)
    sent = console.send(*({
        "event_id": f"c{n}", "at_utc": (now - dt.timedelta(minutes=n)).isoformat(),
        "model": "gpt-4o", "endpoint": "/v1/ask", "agent_id": "helper", "latency_ms": 120,
        "input_tokens": 10} for n in range(30)))
    assert sent.json()["accepted"] == 30
    console.call("settle")
    if request.param == "without":
        console.stop()
    yield console
    console.stop()


@pytest.fixture
def run(stores, monkeypatch, capsys):
    return command_runner(stores.data, monkeypatch, capsys)


def verdicts(told):
    return {line["metric"]: line["verdict"] for line in told["check"]["lines"]}


def test_the_status_follows_the_targets(run, tmp_path):
    told = run("check", "--json", "--html", str(tmp_path / "check.html")).json
    seen = verdicts(told)
    assert (seen["error_pct"], seen["availability_pct"]) == ("ok", "ok")
    assert seen["replication_lag_ms"] == "unknown"
    assert "Daily check" in (tmp_path / "check.html").read_text()
    assert run("targets", "set", "generation_latency_p95_ms", "--target", "50", "--warning",
               "60", "--critical", "100").status == 0
    shown = run("check")
    assert shown.status == 2  # 120 ms is past 100
    assert shown.out.startswith("Daily check: CRITICAL")
    assert run("targets", "set", "generation_latency_p95_ms", "--critical", "3000").status == 0
    assert run("check").status in {1, 2}  # this machine may be past a level of its own
    undone = run("targets", "reset", "generation_latency_p95_ms", "--json").json
    assert undone["is_changed"] is False
    assert verdicts(run("check", "--json").json) == seen


def test_a_check_that_cannot_be_made_is_unknown(run, tmp_path):
    done = run("check", "--range", "soon", "--json")
    assert (done.status, done.json["error"]["code"]) == (3, "not_a_range")
    assert run("check", "--html", str(tmp_path / "none" / "x.html")).status == 3


def test_latency_by_endpoint_and_agent(run, tmp_path):
    told = run("report", "latency", "--json", "--html", str(tmp_path / "page.html")).json
    assert [(row["name"], row["requests"]) for row in told["endpoints"]] == [("/v1/ask", 30)]
    assert told["agents"][0]["p95_ms"] == pytest.approx(120, rel=0.01)
    assert "<table>" in (tmp_path / "page.html").read_text()
    assert "No endpoint or agent has a p95 above 1,000 ms." in run("report", "latency").out
    assert run("report", "latency", "--range", "30d").status == 1


def test_targets_are_listed_changed_and_taken_back(run):
    assert "cpu_pct" in run("targets", "list").out
    done = run("targets", "set", "cpu_pct", "--warning", "60", "--json").json
    assert (done["warning"], done["is_changed"]) == (60, True)
    row = next(row for row in run("targets", "list", "--json").json
               if row["metric"] == "cpu_pct")
    assert row["changed_at_utc"]
    assert run("targets", "history", "cpu_pct", "--json").json[0]["after"]["warning"] == "60"
    assert run("targets", "undo").out == "cpu_pct: ≤ 70 %, warns above 70, critical above 85\n"
    assert run("targets", "set", "cpu_pct", "--warning", "99").status == 1
    assert "no target of disk_pct was ever changed" in run("targets", "undo", "disk_pct").err
