"""Changes of a cluster: tried, recorded, marked, taken back."""

import copy
from typing import Any

import pytest

from brain.decisions.scaling.default_policies import default_hpa
from brain.engine import Engine
from brain.scaling.changes import ScalingChanges, diff_yaml
from brain.sources.kubernetes_scaling import ScalerError
from tests.scaling.conftest import NOW
from tests.services.kubernetes_scaling import ScalingServer


def hpa(most: int = 10) -> dict[str, Any]:
    manifest = copy.deepcopy(default_hpa("standard", "brain-api", "brain-ai"))
    manifest["spec"]["maxReplicas"] = most
    return manifest


def marks(engine: Engine) -> list[str]:
    return [row["text"] for row in engine.state.rows("annotations") if row["kind"] == "scaling"]


def test_a_trial_shows_what_would_change_and_leaves_no_trace(with_cluster: Engine,
                                                             api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    trial = changes.try_replicas("brain-api", 5)
    assert trial.diff.splitlines()[-2:] == ["-replicas: 3", "+replicas: 5"]
    assert trial.warnings == ()
    assert changes.try_autoscaler(hpa()).before is None
    assert changes.history() == []
    assert api.hpas == {}


def test_setting_a_count_under_an_autoscaler_is_warned_of(with_cluster: Engine,
                                                          api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    changes.put_autoscaler(hpa())
    assert "sets the count again" in changes.try_replicas("brain-api", 5).warnings[0]


def test_a_count_is_changed_recorded_marked_and_taken_back_once(with_cluster: Engine,
                                                                api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    number = changes.set_replicas("brain-api", 5, expected=3, person="ada")
    row = changes.history()[0]
    assert (row["status"], row["before"], row["after"], row["person"]) == ("done", 3, 5, "ada")
    assert row["at_utc"] == NOW
    assert marks(with_cluster) == ["brain-api: 3 → 5 replicas, changed by the console"]
    changes.take_back(number, "bob")
    assert api.deployments["brain-api"]["spec"]["replicas"] == 3
    assert marks(with_cluster)[1] == "brain-api: 5 → 3 replicas, put back by the console"
    with pytest.raises(LookupError, match="already"):
        changes.take_back(number)
    with pytest.raises(LookupError):
        changes.take_back("other")
    audit = [(row["person"], row["action"]) for row in with_cluster.state.rows("audit")]
    assert audit == [("ada", "scaling replicas changed"), ("bob", "scaling replicas taken back")]


def test_an_autoscaler_is_put_back_as_it_was(with_cluster: Engine, api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    first = changes.put_autoscaler(hpa())
    second = changes.put_autoscaler(hpa(12))
    changes.take_back(second)
    assert api.hpas["brain-api"]["spec"]["maxReplicas"] == 10
    changes.take_back(first)
    assert api.hpas == {}
    assert [row["status"] for row in changes.history()] == ["done"] * 4


def test_what_others_changed_since_is_not_taken_back(with_cluster: Engine,
                                                     api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    number = changes.put_autoscaler(hpa())
    api.hpas["brain-api"]["spec"]["maxReplicas"] = 99
    count = changes.set_replicas("brain-api", 5, expected=3)
    api.deploy("brain-api", 8)
    for each in (number, count):
        with pytest.raises(ScalerError) as caught:
            changes.take_back(each)
        assert caught.value.code == "changed_meanwhile"
    assert api.hpas["brain-api"]["spec"]["maxReplicas"] == 99
    assert api.deployments["brain-api"]["spec"]["replicas"] == 8


def test_a_refused_change_is_recorded_with_the_reason(with_cluster: Engine,
                                                      api: ScalingServer) -> None:
    changes = ScalingChanges(with_cluster)
    api.refuse = {"PATCH": 403}
    with pytest.raises(ScalerError):
        changes.set_replicas("brain-api", 5, expected=3)
    row = changes.history()[0]
    assert row["status"] == "refused"
    assert "does not let this account" in row["message"]
    assert marks(with_cluster) == []
    with pytest.raises(LookupError):
        changes.take_back(row["action_id"])


def test_without_a_cluster_a_change_says_what_is_missing(engine: Engine) -> None:
    with pytest.raises(ScalerError, match="BRAIN_KUBERNETES_URL"):
        ScalingChanges(engine).try_replicas("brain-api", 5)


def test_a_difference_of_nothing_is_empty() -> None:
    assert diff_yaml({"a": 1}, {"a": 1}) == ""
    assert diff_yaml(None, {"a": 1}).splitlines()[-1] == "+a: 1"
