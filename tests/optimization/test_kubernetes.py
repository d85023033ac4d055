"""Resource requests through the actuator: tried first, exact, refused with the server's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.engine import Engine
from brain.optimization.actuators import ActuatorError, KubernetesActuator
from brain.optimization.desk import Planned
from brain.optimization.records import Run
from brain.settings import load
from brain.sources.kubernetes_sizing import KubernetesSizer
from tests.optimization.conftest import NOW, SECOND, Clock, write_traffic
from tests.services.kubernetes import TOKEN
from tests.services.kubernetes_scaling import ScalingServer, running_scaling_server

NAME = "brain-api"


@pytest.fixture
def api() -> Iterator[ScalingServer]:
    with running_scaling_server() as running:
        running.deploy(NAME, 4, limits={"cpu": "1", "memory": "1Gi"})
        yield running


def settings(api: ScalingServer, folder: Path, allow: bool = True) -> Any:
    return load({}, data_dir=folder, kubernetes_url=api.url, kubernetes_token=TOKEN,
                kubernetes_namespace="brain-ai", kubernetes_allow_changes=allow)


@pytest.fixture
def lever(api: ScalingServer, tmp_path: Path) -> KubernetesActuator:
    return KubernetesActuator(KubernetesSizer(settings(api, tmp_path).kubernetes), NAME)


def asked(api: ScalingServer) -> dict[str, str]:
    containers = api.deployments[NAME]["spec"]["template"]["spec"]["containers"]
    assert containers[0] == {"name": "proxy", "image": "proxy:1"}  # the sidecar is left alone
    return dict(containers[1]["resources"]["requests"])


def patches(api: ScalingServer) -> list[str]:
    return [path for method, path, _ in api.asked if method == "PATCH"]


def test_it_is_tried_first_and_done_once(api: ScalingServer, lever: KubernetesActuator) -> None:
    before = lever.read()
    assert before == {"replicas": 4, "cpu_milli": 500, "memory_mib": 512}
    wanted = {"cpu_milli": 625, "memory_mib": 640}
    lever.apply(wanted, before)
    assert asked(api) == {"cpu": "625m", "memory": "640Mi"}
    assert ["dryRun=All" in path for path in patches(api)] == [True, False]
    lever.apply(wanted, before)  # again, as after a kill
    assert len(patches(api)) == 2
    lever.apply({name: before[name] for name in wanted}, wanted)
    assert asked(api) == {"cpu": "500m", "memory": "512Mi"}


def test_odd_amounts_come_back_exactly(api: ScalingServer, lever: KubernetesActuator) -> None:
    api.deploy(NAME, 4, requests={"cpu": "0.25", "memory": "500M"})
    before = lever.read()
    lever.apply({"cpu_milli": 313, "memory_mib": 597}, before)
    lever.apply({name: before[name] for name in ("cpu_milli", "memory_mib")}, lever.read())
    assert asked(api) == {"cpu": "250m", "memory": "500000000"}
    assert lever.read() == before


def test_a_resize_that_is_refused_says_why_and_changes_nothing(
        api: ScalingServer, lever: KubernetesActuator) -> None:
    with pytest.raises(ActuatorError, match="less than or equal to cpu limit of 1") as why:
        lever.apply({"cpu_milli": 1250}, lever.read())
    assert why.value.code == "resize_refused" and asked(api)["cpu"] == "500m"
    assert all("dryRun=All" in path for path in patches(api))
    api.alter = lambda requests: requests.update(cpu="550m")
    with pytest.raises(ActuatorError, match="makes cpu_milli 550") as why:
        lever.apply({"cpu_milli": 600}, lever.read())
    assert why.value.code == "resize_refused" and asked(api)["cpu"] == "500m"


def test_changes_of_others_and_autoscalers_stop_it(
        api: ScalingServer, lever: KubernetesActuator, tmp_path: Path) -> None:
    with pytest.raises(ActuatorError, match="asks for cpu_milli 500 now, not 400"):
        lever.apply({"cpu_milli": 600}, {"cpu_milli": 400})
    forbidden = KubernetesActuator(KubernetesSizer(
        settings(api, tmp_path, allow=False).kubernetes), NAME)
    with pytest.raises(ActuatorError, match="BRAIN_KUBERNETES_ALLOW_CHANGES"):
        forbidden.apply({"cpu_milli": 600}, {})
    api.hpas[NAME] = {"metadata": {"name": NAME}, "spec": {}}
    with pytest.raises(ActuatorError, match="shares of the requests") as why:
        lever.apply({"cpu_milli": 600}, lever.read())
    assert why.value.code == "has_autoscaler" and asked(api)["cpu"] == "500m"


def test_requests_that_are_not_set_are_unknown(api: ScalingServer,
                                               lever: KubernetesActuator) -> None:
    api.deploy(NAME, 4, requests={"memory": "1Gi"})
    assert lever.read() == {"replicas": 4, "memory_mib": 1024}


def rebalance(api: ScalingServer, folder: Path, clock: Clock) -> tuple[Engine, Any]:
    engine = Engine.open(settings(api, folder), clock=clock)
    engine.optimization.configure({"actuator": "kubernetes", "target": NAME})
    write_traffic(engine, NOW - 300 * SECOND, 300, latency_ms=900, cpu_pct=80, pool_pct=40,
                  queue=0)
    return engine, engine.optimization.run(person="ada")


def test_a_run_rebalances_and_restores(api: ScalingServer, tmp_path: Path, clock: Clock) -> None:
    engine, run = rebalance(api, tmp_path, clock)
    try:
        assert isinstance(run, Run), run.plan.reasons
        assert (run.strategy, run.step) == ("proactive_rebalancing", "stabilizing")
        assert asked(api) == {"cpu": "625m", "memory": "640Mi"}  # ×1.25
        rollback = run.body["plan"]["rollback"]
        assert [each["kind"] for each in rollback] == ["resource_restore"]
        back = engine.optimization.stop("ada")
        assert (back.step, back.rolled_back) == ("finished", True)
        assert asked(api) == {"cpu": "500m", "memory": "512Mi"}
    finally:
        engine.close()


def test_a_run_that_is_refused_ends_cancelled_with_the_reason(
        api: ScalingServer, tmp_path: Path, clock: Clock) -> None:
    api.deploy(NAME, 4, limits={"cpu": "600m"})
    engine, run = rebalance(api, tmp_path, clock)
    try:
        assert (run.verdict, run.step, run.rolled_back) == ("cancelled", "finished", False)
        notes = " ".join(row["note"] for row in engine.optimization.book.steps(run.run_id))
        assert "Kubernetes refuses the new requests" in notes and "cpu limit of 600m" in notes
        assert asked(api)["cpu"] == "500m"
    finally:
        engine.close()


def test_nothing_known_is_nothing_done(api: ScalingServer, tmp_path: Path, clock: Clock) -> None:
    api.deploy(NAME, 4, requests={})
    engine, found = rebalance(api, tmp_path, clock)
    try:
        assert isinstance(found, Planned) and "are not known" in found.fault
        assert engine.optimization.current() is None
    finally:
        engine.close()
