"""Definitions: what can be used is read, what cannot is named by field."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.assignment.choosing import Assigner
from brain.decisions.experiment import (
    DEFINED,
    KINDS,
    METRIC_KINDS,
    UNITS,
    Experiment,
    for_assignment,
    read_definition,
)
from brain.decisions.reasons import InputError
from brain.experiments.samples import SAMPLES

PLAIN = {"key": "e", "name": "E", "primary": {"key": "m"},
         "variants": [{"key": "a"}, {"key": "b", "weight": 3}]}


@pytest.mark.parametrize(("fields", "code", "field"), [
    ({"key": ""}, "invalid_key", "key"),
    ({"key": "two words"}, "invalid_key", "key"),
    ({"name": " "}, "empty", "name"),
    ({"hypothesis": "x" * 4_001}, "too_long", "hypothesis"),
    ({"variants": []}, "no_variants", "variants"),
    ({"variants": [{"key": "a"}]}, "too_few_variants", "variants"),
    ({"variants": [{"key": "a"}, {"key": "a"}]}, "repeated_variant", "variants[1].key"),
    ({"variants": [{"key": "a"}, {"key": "b", "weight": 0}]}, "out_of_range",
     "variants[1].weight"),
    ({"variants": [{"key": "a"}, {"key": 5}]}, "invalid", "variants[1].key"),
    ({"primary": {}}, "missing_field", "key"),
    ({"primary": {"key": " "}}, "empty", "primary.key"),
    ({"primary": {"key": "m", "kind": "ratio"}}, "missing_field", "primary.denominator"),
    ({"primary": {"key": "m", "quantile": 1.0}}, "out_of_range", "primary.quantile"),
    ({"primary": {"key": "m", "smallest_effect": -1}}, "out_of_range",
     "primary.smallest_effect"),
    ({"guardrails": [{"key": "m"}]}, "repeated_metric", "guardrails[0].key"),
    ({"traffic_ratio": 1.5}, "out_of_range", "traffic_ratio"),
    ({"namespace": {"key": "n", "start": 0.6, "end": 0.5}}, "out_of_range", "namespace"),
    ({"targeting": [{"attribute": "plan", "operator": "in", "value": "pro"}]}, "invalid_value",
     "targeting[0].value"),
    ({"forced": {"u1": "z"}}, "unknown_variant", "forced"),
    ({"start_utc": "2026-01-01T00:00:00"}, "no_zone", "start_utc"),
    ({"start_utc": "2026-01-02T00:00:00Z", "end_utc": "2026-01-01T00:00:00Z"}, "wrong_order",
     "end_utc"),
    ({"cost_cap_usd": "0"}, "out_of_range", "cost_cap_usd"),
    ({"cost_cap_usd": "NaN"}, "out_of_range", "cost_cap_usd"),
    ({"stop_rules": {"at_units": 1}}, "out_of_range", "stop_rules.at_units"),
    ({"stop_rules": {"after_days": 0}}, "out_of_range", "stop_rules.after_days"),
    ({"ramp": {"steps_pct": [5, 1]}}, "wrong_order", "steps_pct"),
    ({"kind": "bandit", "bandit": {"floor_ratio": 0.6}}, "out_of_range", "bandit.floor_ratio"),
    ({"kind": "bandit", "primary": {"key": "m", "kind": "quantile"}}, "no_reward",
     "primary.kind"),
    ({"method": "group_sequential"}, "not_offered", "method"),
    ({"alpha": 0}, "out_of_range", "alpha"),
    ({"planned_units": 1}, "out_of_range", "planned_units"),
    ({"state": "running"}, "unknown_field", "state"),
    ({"is_demo": True}, "unknown_field", "is_demo")])
def test_what_cannot_be_used_is_named(fields, code, field):
    with pytest.raises(InputError) as fault:
        read_definition({**PLAIN, **fields})
    assert (fault.value.code, fault.value.field) == (code, field)
    assert fault.value.message


@pytest.mark.parametrize("missing", ["key", "name", "variants", "primary"])
def test_a_missing_field_is_named(missing):
    with pytest.raises(InputError) as fault:
        read_definition({name: value for name, value in PLAIN.items() if name != missing})
    assert (fault.value.code, fault.value.field) == ("missing_field", missing)


def test_samples_can_be_used():
    for each in SAMPLES:
        assert read_definition(each).key == each["key"]


def test_an_experiment_reads_back_as_itself():
    made = read_definition({**SAMPLES[1], "cost_cap_usd": "3.5",
                            "namespace": {"key": "n", "start": 0, "end": 0.5}})
    assert read_definition(made) == made
    assert msgspec.json.decode(msgspec.json.encode(made), type=Experiment) == made


def test_shares_of_a_bandit_leave_out_arms_without_any():
    made = read_definition({**PLAIN, "kind": "bandit", "forced": {"u1": "b"}})
    ready = for_assignment(made, {"a": 1.0, "b": 0.0})
    assert [each.key for each in ready.variants] == ["a"]
    assert (ready.forced, ready.sticky) == ({}, True)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([*KINDS, *UNITS, *METRIC_KINDS, "a", "b", "m"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["key", "weight", "kind", "start", "end", "attribute", "value"]), inner,
        max_size=3), max_leaves=6)


@given(st.dictionaries(st.sampled_from(DEFINED), values, max_size=5))
def test_whatever_is_given_is_read_or_named(fields):
    try:
        made = read_definition({**PLAIN, **fields})
    except InputError as fault:
        assert fault.code
        assert fault.message
        return
    json.dumps(msgspec.to_builtins(made), allow_nan=False, default=str)
    assert Assigner(for_assignment(made)).keys
