"""Objects to take away, and a policy beside others on past load."""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from brain.decisions.reasons import InputError
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.schedules import ScheduledBound
from brain.scaling import replaying, sizing
from brain.scaling.exports import export, read_documents
from brain.scaling.plans import ScalingPlan
from brain.scaling.validation import check_manifest
from tests.scaling.conftest import NOW

PLAN = ScalingPlan(default_hpa("busy", "blue", "brain-ai"))
DAY = [ScheduledBound("blue", "0 7 * * *", "Europe/Berlin", 5, 9),
       ScheduledBound("blue", "0 23 * * *", "Europe/Berlin", 2, None),
       ScheduledBound("green", "0 23 * * *", "UTC", 1, None)]


@pytest.fixture(scope="module")
def files() -> dict[str, list[dict[str, Any]]]:
    return export(PLAN, DAY)


def test_objects_of_kubernetes_fit_their_published_schemas(
        files: dict[str, list[dict[str, Any]]]) -> None:
    checked = [each["kind"] for name in ("hpa", "pdb", "schedules") for each in files[name]]
    for name in ("hpa", "pdb", "schedules"):
        for each in files[name]:
            check_manifest(each)
    assert checked == ["HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceAccount", "Role",
                       "RoleBinding", "CronJob", "CronJob"]  # green's line is not of this workload


def test_a_scheduled_job_moves_bounds_and_never_the_count(
        files: dict[str, list[dict[str, Any]]]) -> None:
    jobs = [each["spec"] for each in files["schedules"] if each["kind"] == "CronJob"]
    assert [(each["schedule"], each["timeZone"]) for each in jobs] == [
        ("0 7 * * *", "Europe/Berlin"), ("0 23 * * *", "Europe/Berlin")]
    commands = [each["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"]
                for each in jobs]
    assert [command[-1] for command in commands] == [
        '{"spec":{"minReplicas":5,"maxReplicas":9}}', '{"spec":{"minReplicas":2}}']
    assert all(command[:4] == ["kubectl", "patch", "hpa", "blue"] for command in commands)


def test_keda_has_the_same_bounds_and_no_trigger_on_a_latency(
        files: dict[str, list[dict[str, Any]]]) -> None:
    spec = files["keda"][0]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 20)
    assert [(each["type"], each["metadata"].get("threshold", each["metadata"].get("value")))
            for each in spec["triggers"]] == [
        ("cpu", "70"), ("memory", "80"), ("prometheus", "100"), ("prometheus", "100"),
        ("prometheus", "50"), ("cron", None), ("cron", None)]
    assert spec["triggers"][5]["metadata"] == {
        "timezone": "Europe/Berlin", "start": "0 7 * * *", "end": "0 23 * * *",
        "desiredReplicas": "5"}
    assert files["vpa"][0]["spec"]["updatePolicy"]["updateMode"] == "Off"


def test_files_are_yaml_documents(files: dict[str, list[dict[str, Any]]]) -> None:
    for name, objects in files.items():
        assert list(yaml.safe_load_all(read_documents(files, name))) == objects
    assert "schedules" not in export(PLAN, [])


def test_a_policy_stands_between_the_oracle_and_a_static_count() -> None:
    hours = np.arange(0, 24, 15 / 3600)
    load = 700 + 500 * np.sin(hours / 24 * 2 * np.pi)
    found = replaying.compare(load, ScalingPlan(default_hpa("standard", "web")), PLAN)
    assert [each.name for each in found.all] == [
        "chosen", "today", *(f"HPA at {pct} % CPU" for pct in replaying.CPU_TARGETS), "static",
        "oracle"]
    assert found.oracle.pod_hours < found.chosen.pod_hours
    assert found.oracle.objective_minutes == 0
    assert found.static.replicas.max() == 9  # 1,200 requests/s of 140 each
    assert [metric.name for metric in found.left_out] == [
        "memory", "query_latency_p95_seconds", "active_connections"]
    hungry = [each.pod_hours for each in found.curve]
    assert hungry == sorted(hungry, reverse=True)  # a higher target takes fewer pods


def test_a_policy_without_a_replayable_metric_is_refused() -> None:
    manifest = default_hpa("standard", "web")
    manifest["spec"]["metrics"] = manifest["spec"]["metrics"][1:2]
    with pytest.raises(InputError, match="neither"):
        replaying.compare(np.ones(4), PLAN, ScalingPlan(manifest))


@pytest.mark.parametrize(("peak", "factor"), [
    (0.0, 1), (1_000.0, 1),  # nothing to multiply; the load moves the policy by itself
    (0.2, 5_000), (3.0, 200), (30.0, 20)])  # half of 20 * 140 = 1,400 requests/s: 7,000, 467, 47
def test_traffic_too_small_to_move_a_policy_is_multiplied(peak: float, factor: float) -> None:
    load = np.array([0.0, *[peak] * 30])
    assert replaying.suggest_factor(load, PLAN) == factor
    if peak < 1_000:  # a lone peak ten times as high does not decide
        assert replaying.suggest_factor(np.append(load, peak * 10), PLAN) == factor


def samples(count: int, cpu_pct: float, memory_pct: float) -> pd.DataFrame:
    return pd.DataFrame({"at_utc": pd.date_range(end=NOW, periods=count, freq="5min"),
                         "cpu_pct": cpu_pct, "memory_pct": memory_pct})


def test_a_pod_that_idles_is_made_smaller_and_saves() -> None:
    plan = dataclasses.replace(PLAN, cpu_milli=1_000, memory_mib=2_048, pod_h_usd=Decimal("0.1"))
    found = sizing.size_pods(plan, samples(2_016, 10, 20), "web-1")
    assert found is not None
    #  100 m and 15 % lie under the least of 250 m; 410 MiB, in a bucket of 5 %, and 15 %: 471-495
    assert found.cpu_milli == 250
    assert 471 <= found.memory_mib <= 496
    #  half a pod's price each: 0.1 * (1 - 0.5 * 0.25 - 0.5 * memory / 2048) * 730 h
    assert found.saving_usd_per_month == Decimal("0.1") * (
        1 - Decimal("0.125") - Decimal("0.5") * found.memory_mib / 2_048) * 730
    assert sizing.conflicts(plan) == ("cpu", "memory")


def test_too_few_samples_give_no_size() -> None:
    assert sizing.size_pods(PLAN, samples(11, 10, 20), "web-1") is None


def waves(days: float) -> np.ndarray:
    """Load that swings by day between none and 1,200 requests/s, in steps of 15 s."""
    steps = np.arange(int(days * 5_760))
    return 600 - 600 * np.cos(2 * np.pi * steps / 5_760)


class PastLoad:
    """A desk that knows one load, whatever is asked for."""

    def trace(self, start, end, width_s, step_s, factor=1.0):
        return waves((end - start).total_seconds() / 86_400) * factor


def test_two_days_of_load_are_replayed_with_a_forecast_too() -> None:
    plan = ScalingPlan(default_hpa("standard", "web"))
    assert replaying.compare(waves(1.9), plan, plan).forecast is None
    found = replaying.compare(waves(2), plan, plan)
    assert found.forecast is not None
    assert found.forecast.name in {each.name for each in found.all}
    #  one more metric, of which the largest counts: never fewer pods than without
    assert (found.forecast.replicas >= found.today.replicas).all()


def test_a_search_is_judged_by_the_last_third_and_keeps_other_metrics() -> None:
    plan = ScalingPlan(default_hpa("standard", "web"))
    end = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
    found = replaying.tune_back(PastLoad(), plan, end - dt.timedelta(days=3), end, "save",
                                predictive=False, factor=1.0)
    assert (found.train.days, found.held_out.days) == (2, 1)
    names = [each["type"] for each in found.manifest["spec"]["metrics"]]
    assert sorted(names) == ["Pods", "Resource", "Resource"]  # memory, unknown to a replay, too
    assert found.knobs is not None
    assert found.is_better
    assert found.held_out.saved_pct > 0
    with pytest.raises(InputError, match="at least a day"):
        replaying.tune_back(PastLoad(), plan, end - dt.timedelta(days=1.5), end, "save",
                            predictive=False, factor=1.0)
