"""Policies, schedules and caps: delivered, changed, checked, taken back."""

import copy
import json
from typing import Any

import pytest

from brain.decisions.reasons import InputError
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.schedules import ScheduledBound
from brain.engine import Engine
from brain.scaling.plans import DELIVERED, to_body
from tests.scaling.conftest import NOW


def put(engine: Engine, kind: str, key: str, body: dict[str, Any]) -> Any:
    return engine.scaling.book.put(kind, key, body, NOW, "ada")


def policy(**spec: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(default_hpa("standard", "brain-api"))
    manifest["spec"].update(spec)
    return {"manifest": manifest}


def test_both_policies_of_the_specification_are_delivered(engine: Engine) -> None:
    plans = engine.scaling.plans()
    bounds = {key: (each.policy.min_replicas, each.policy.max_replicas)
              for key, each in plans.items()}
    assert bounds == {"standard": (3, 10), "busy": (3, 20)}
    night = [(each.workload, each.cron, each.min_replicas)
             for each in engine.scaling.schedules().values()]
    assert night == [("blue", "0 23 * * *", 2), ("blue", "0 7 * * *", 5),
                     ("green", "0 23 * * *", 1), ("green", "0 7 * * *", 3)]


def test_a_changed_policy_holds_is_recorded_and_goes_back(engine: Engine) -> None:
    book = engine.scaling.book
    put(engine, "policy", "standard", policy(maxReplicas=12) | {"pod_h_usd": "0.125"})
    assert engine.scaling.plans()["standard"].policy.max_replicas == 12
    entry = book.history("policy", "standard")[0]
    assert (entry.person, entry.action, entry.before) == ("ada", "scaling policy changed", None)
    assert entry.after is not None
    assert entry.after["pod_h_usd"] == "0.125"
    book.undo("policy", "standard", NOW, "bob")
    assert engine.scaling.plans()["standard"] == DELIVERED["policy"]["standard"]
    book.undo("policy", "standard", NOW, "bob")
    assert engine.scaling.plans()["standard"].policy.max_replicas == 12
    book.remove("policy", "standard", NOW, "bob")
    assert engine.scaling.plans()["standard"].policy.max_replicas == 10
    assert len(book.history("policy")) == 4


@pytest.mark.parametrize(("body", "field"), [
    ({}, "manifest"), (policy(maxReplicas=2), "spec.minReplicas"),
    (policy(maxReplicas="many"), "spec.maxReplicas"),
    (policy(surprise=1), "spec"),  # the published schema knows no such field
    (policy(scaleTargetRef={"kind": "StatefulSet", "name": "db"}), "spec.scaleTargetRef.kind"),
    (policy() | {"pod_rps": 0}, "pod_rps"), (policy() | {"pod_rps": "nan"}, "pod_rps"),
    (policy() | {"pod_h_usd": "-1"}, "pod_h_usd"), (policy() | {"start_s": None}, "start_s")])
def test_a_policy_that_cannot_be_used_names_its_field(engine: Engine, body: dict[str, Any],
                                                      field: str) -> None:
    with pytest.raises(InputError) as caught:
        put(engine, "policy", "mine", body)
    assert caught.value.field == field
    assert "mine" not in engine.scaling.plans()
    assert engine.scaling.book.history("policy") == []


@pytest.mark.parametrize(("body", "field"), [
    ({"workload": "web", "cron": "0 25 * * *", "min_replicas": 1}, "cron"),
    ({"workload": "web", "cron": "0 7 * * *", "zone": "Mars", "min_replicas": 1}, "zone"),
    ({"workload": "web", "cron": "0 7 * * *"}, "min_replicas"),
    ({"workload": "web", "cron": "0 7 * * *", "min_replicas": 3, "max_replicas": 2},
     "min_replicas"),
    ({"cron": "0 7 * * *", "min_replicas": 1}, "workload")])
def test_a_schedule_that_cannot_be_used_names_its_field(engine: Engine, body: dict[str, Any],
                                                        field: str) -> None:
    with pytest.raises(InputError) as caught:
        put(engine, "schedule", "morning", body)
    assert caught.value.field == field


def test_schedules_and_caps_are_added_and_removed(engine: Engine) -> None:
    put(engine, "schedule", "morning", {"workload": "web", "cron": "0 7 * * 1-5",
                                        "zone": "Europe/Berlin", "min_replicas": 4})
    assert engine.scaling.schedules()["morning"] == ScheduledBound(
        "web", "0 7 * * 1-5", "Europe/Berlin", 4, None)
    put(engine, "cap", "production", {"environment": "production", "cap_usd": "300.10"})
    assert str(engine.scaling.caps()["production"].cap_usd) == "300.10"
    engine.scaling.book.remove("cap", "production", NOW, "ada")
    assert engine.scaling.caps() == {}
    with pytest.raises(LookupError):
        engine.scaling.book.remove("cap", "production", NOW, "ada")
    with pytest.raises(LookupError):
        engine.scaling.book.undo("cap", "staging", NOW, "ada")


def test_what_an_older_program_stored_is_as_delivered_and_told(engine: Engine) -> None:
    engine.state.insert("scaling_items", {
        "kind": "policy", "item_key": "standard", "changed_at_utc": NOW,
        "body_json": json.dumps(policy(maxReplicas=1))})
    assert engine.scaling.plans()["standard"] == DELIVERED["policy"]["standard"]
    assert "minReplicas 3" in engine.scaling.book.faults("policy")["standard"]


def test_every_delivered_item_can_be_stored_as_it_is(engine: Engine) -> None:
    for kind, items in DELIVERED.items():
        for key, item in items.items():
            assert put(engine, kind, key, to_body(item)) == item
