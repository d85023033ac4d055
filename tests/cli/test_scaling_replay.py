"""``brain scaling replay`` and ``tune``: what acts on a policy, and the manifest that comes out."""

import json
import math
import random

import pytest
import yaml

from brain.cli.main import main

POLICY = """
spec:
  maxReplicas: 9
  metrics:
  - type: Pods
    pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: "7"}}
"""


def test_replays_a_trace(tmp_path, capsys):
    (tmp_path / "hpa.yaml").write_text(POLICY)
    trace = tmp_path / "trace.csv"
    trace.write_text("t_s,requests\n" + "".join(
        f"{step * 15},{150 if step < 40 else 600}\n" for step in range(80)))
    words = ["scaling", "replay", "--trace", str(trace), "--policy", str(tmp_path / "hpa.yaml"),
             "--pod-rps", "10", "--pod-h-usd", "0.5", "--json"]
    assert main(words) == 0
    policy, plain, static, oracle = json.loads(capsys.readouterr().out)
    assert [each["policy"] for each in (policy, plain, static, oracle)] == [
        "policy", "plain HPA", "static", "oracle"]
    # 40/s need 4 pods of 10/s, at all times 80 x 15 s
    assert static["pod_hours"] == pytest.approx(4 * 80 * 15 / 3600, abs=0.01)
    assert float(static["cost_usd"]) == pytest.approx(0.5 * 4 / 3, abs=1e-3)
    assert oracle["pod_hours"] < static["pod_hours"]
    assert (static["objective_minutes"], oracle["objective_minutes"]) == (0, 0)
    assert policy["objective_minutes"] > 0  # the load comes before the pods
    for name, text in (("gap.csv", "t_s,rps\n0,1\n15,1\n45,1\n"), ("none.csv", "a,b\n1,2\n")):
        (tmp_path / name).write_text(text)
        assert main([*words[:3], str(tmp_path / name), *words[4:]]) == 1
    assert main([*words, "--start-s", "-1"]) == 2


CPU_POLICY = """
metadata: {name: blue}
spec:
  maxReplicas: 40
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}
"""


def waves(path, days):
    """Minutes of a load between 20/s and 120/s over the day."""
    rng = random.Random(4)
    path.write_text("t_s,rps\n" + "".join(
        f"{minute * 60},{70 - 50 * math.cos(minute * math.pi / 720) + rng.gauss(0, 3):.2f}\n"
        for minute in range(days * 1_440)))
    return str(path)


def test_replays_with_what_acts_on_it(tmp_path, capsys):
    (tmp_path / "hpa.yaml").write_text(CPU_POLICY)
    (tmp_path / "bounds.yaml").write_text("schedules:\n- {cron: '0 0 * * *', zone: UTC, "
                                          "min_replicas: 15}\n")
    words = ["scaling", "replay", "--trace", waves(tmp_path / "trace.csv", 3), "--policy",
             str(tmp_path / "hpa.yaml"), "--pod-rps", "10", "--pod-h-usd", "0.1", "--json"]

    def run(*more):
        assert main([*words, *more]) == 0
        return {each["policy"]: each for each in json.loads(capsys.readouterr().out)}
    alone = run()
    zero = run("--fault", "zero", "--forecast-level", "0.9")
    assert zero["policy undisturbed"] == {**alone["policy"], "policy": "policy undisturbed"}
    assert zero["policy"]["objective_minutes"] > alone["policy"]["objective_minutes"]
    assert zero["predictive"]["objective_minutes"] <= alone["policy"]["objective_minutes"]
    floor = run("--schedule", str(tmp_path / "bounds.yaml"), "--start-utc", "2026-01-01T00:00Z")
    assert floor["policy"]["pod_hours"] >= 15 * 72 - 1  # one step passes before the first sync
    # 24 h x 5 pods x 0.1 USD are 12 USD a day
    capped = run("--cap-usd", "12", "--cap-window-h", "24")["policy"]
    assert float(capped["cost_usd"]) <= 36 and capped["capped_minutes"] > 0
    assert main([*words, "--schedule", str(tmp_path / "bounds.yaml")]) == 1
    assert main([*words, "--forecast-level", "1"]) == 2


def test_fits_the_capacity_of_a_pod(tmp_path, capsys):
    (tmp_path / "hpa.yaml").write_text(CPU_POLICY)
    # 0.1 s / (1 - rate / 100) is 0.4 s at 75/s
    (tmp_path / "seen.csv").write_text("pod_rps,latency_s\n" + "".join(
        f"{rate},{0.1 / (1 - rate / 100)}\n" for rate in range(10, 90)))
    trace = waves(tmp_path / "trace.csv", 1)

    def run(*more):
        status = main(["scaling", "replay", "--trace", trace, "--policy",
                       str(tmp_path / "hpa.yaml"), "--json", *more])
        return status, json.loads(capsys.readouterr().out)
    assert run("--measured", str(tmp_path / "seen.csv")) == run("--pod-rps", "75")
    (tmp_path / "idle.csv").write_text("pod_rps,latency_s\n" + "".join(
        f"{rate},0.1\n" for rate in range(10, 90)))
    status, found = run("--measured", str(tmp_path / "idle.csv"))
    assert (status, found["error"]["code"]) == (1, "never_loaded")
    assert run()[0] == 1


def test_tunes_a_policy(tmp_path, capsys):
    (tmp_path / "hpa.yaml").write_text(CPU_POLICY)
    words = ["scaling", "tune", "--trace", waves(tmp_path / "trace.csv", 4), "--policy",
             str(tmp_path / "hpa.yaml"), "--pod-rps", "10", "--objective-wait-s", "20",
             "--start-s", "15", "--held-out-days", "2"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["is_better"] and found["parameters"]["forecast_level"] is None
    before, tuned, oracle = found["held_out"]["accounts"]
    assert oracle["pod_hours"] < tuned["pod_hours"] < before["pod_hours"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert text.startswith("# On 2 held-out days") and yaml.safe_load(text) == found["manifest"]
    assert main([*words[:-1], "9", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "trace_too_short"
