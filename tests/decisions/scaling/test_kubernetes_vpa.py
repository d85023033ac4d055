"""Equal to Kubernetes: every case of its vertical autoscaler's recommender, none left out."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from brain.decisions.reasons import InputError
from brain.decisions.scaling.amounts import (
    humanize_bytes,
    round_up,
    scale_amount,
    to_amount,
    to_cores,
    to_millicores,
)
from brain.decisions.scaling.histograms import (
    ExponentialBuckets,
    Histogram,
    HistogramCheckpoint,
    LinearBuckets,
)
from brain.decisions.scaling.quantities import to_milli, to_units
from brain.decisions.scaling.rightsizing import (
    DEFAULT_ESTIMATE,
    ContainerPolicy,
    Recommendation,
    apply_policy,
    estimate_container,
    list_resources,
    policy_of,
    read_percentile,
    scale_limit,
    widen,
    with_margin,
    with_whole_cores,
)
from brain.decisions.scaling.usage import (
    CPU_BUCKETS,
    DEFAULT_USAGE,
    MEMORY_BUCKETS,
    ContainerWindow,
    Usage,
)
from tests.datasets import dataset, dataset_path

LEVELS = ("target", "lower", "upper", "uncapped")


def load() -> list[dict[str, Any]]:
    path = dataset_path("VPA_CASES")
    return json.loads(path.read_text()) if path.exists() else []


def to_buckets(given: dict[str, Any]):
    if given["type"] == "linear":
        return LinearBuckets(given["max"], given["bucket"], given["epsilon"])
    return ExponentialBuckets(given["max"], given["first"], given["ratio"], given["epsilon"])


def to_checkpoint(given: dict[str, Any]) -> HistogramCheckpoint:
    reference = given.get("reference_t", given.get("reference_timestamp"))
    checkpoint = HistogramCheckpoint(given["total_weight"], {
        int(bucket): weight for bucket, weight in (given.get("bucket_weights") or {}).items()})
    return checkpoint if reference is None else replace(checkpoint, reference_s=reference)


def new_histogram(inputs: dict[str, Any]) -> Histogram:
    return Histogram(to_buckets(inputs["options"]), inputs.get("half_life_s"))


def run(histogram: Histogram, inputs: dict[str, Any]) -> Histogram:
    """The histogram after all operations; each that expects something is an assertion."""
    for number, step in enumerate(inputs.get("ops") or inputs.get("samples") or []):
        name = step.get("op", "add")
        found = None
        if name in ("add", "subtract"):
            getattr(histogram, name)(step["value"], step.get("weight", 1.0), step.get("t") or 0)
        elif name == "percentile":
            found = histogram.percentile(step["p"])
        elif name in ("is_empty", "empty"):
            found = histogram.empty
        elif name == "merge":
            histogram.merge(run(new_histogram(inputs), {"ops": step.get("ops", step.get(
                "samples", step.get("other")))}))
        else:
            raise AssertionError(f"unknown operation {name}")
        if "expect" in step:
            assert found == pytest.approx(step["expect"], rel=1e-9, abs=1e-12), number
    return histogram


def describe(histogram: Histogram) -> dict[str, Any]:
    saved = histogram.save()
    return {"empty": histogram.empty, "total_weight": histogram.total_weight,
            "bucket_weights": {str(bucket): weight
                               for bucket, weight in saved.bucket_weights.items()}}


def check_histogram(inputs, expected):
    histogram = run(new_histogram(inputs), inputs)
    check(describe(histogram), {name: value for name, value in expected.items()
                                if name != "note"})


def check(found: dict[str, Any], expected: dict[str, Any], rel: float = 1e-9) -> None:
    assert set(expected) <= set(found), expected
    for name, value in expected.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=rel), name
        else:
            assert found[name] == value, name


def check_load(inputs, expected):
    histogram = new_histogram(inputs)
    if expected.get("error"):
        with pytest.raises(InputError):
            histogram.load(to_checkpoint(inputs["checkpoint"]))
        return
    histogram.load(to_checkpoint(inputs["checkpoint"]))
    check(describe(histogram) | {"error": False, "percentiles": {
        share: histogram.percentile(float(share)) for share in expected.get("percentiles", {})}},
        expected)


def check_save(inputs, expected):
    saved = run(new_histogram(inputs), inputs).save()
    check({"total_weight": saved.total_weight, "bucket_weights": {
        str(bucket): weight for bucket, weight in saved.bucket_weights.items()},
        "buckets": len(saved.bucket_weights), "num_buckets": len(saved.bucket_weights)}, expected)


def check_roundtrip(inputs, expected):
    before = run(new_histogram(inputs), inputs)
    after = new_histogram(inputs)
    after.load(before.save())
    check({"empty_before": before.empty, "empty_after": after.empty,
           "equal": describe(before) == describe(after)} | describe(after), expected)


def check_options(inputs, expected):
    buckets = to_buckets(inputs["options"])
    expected = dict(expected)
    assert buckets.count == expected.pop("num_buckets")
    for bucket, start in expected.pop("starts", {}).items():
        assert buckets.start(int(bucket)) == pytest.approx(start, rel=1e-12)
    for value, bucket in expected.pop("find", []):
        assert buckets.find(value) == bucket, value
    if "epsilon" in expected:
        assert buckets.epsilon == expected.pop("epsilon")
    assert expected == {}


def check_percentile(inputs, expected):
    usage = Usage(Histogram(CPU_BUCKETS), Histogram(MEMORY_BUCKETS))
    for value in inputs["cpu_samples"]:
        usage.cpu.add(value, 1.0, 0)
    for value in inputs["memory_samples"]:
        usage.memory.add(value, 1.0, 0)
    check({"cpu_cores": to_cores(read_percentile(usage, "cpu", inputs["cpu_percentile"])),
           "memory_bytes": float(read_percentile(usage, "memory",
                                                 inputs["memory_percentile"]))},
          {name: value for name, value in expected.items() if name != "relative_tolerance"},
          expected.get("relative_tolerance", 1e-9))


def check_listed(inputs, expected):
    amounts = {name: inputs[key] for name, key in (("cpu", "cpu_milli"),
                                                   ("memory", "memory_bytes"))
               if inputs.get(key) is not None}
    listed = list_resources(amounts, inputs.get("round_cpu_milli", 1),
                            inputs.get("round_memory_bytes", 1), inputs.get("humanize", False))
    found = {"cpu_milli": listed.get("cpu"), "memory_milli_bytes": listed.get("memory")}
    if "memory_bytes" in expected:
        found["memory_bytes"] = to_units(f"{listed['memory']}m")
    check(found, expected)


def to_recommendation(given: dict[str, Any]) -> Recommendation:
    return Recommendation(given["container"], *(given.get(level) or {} for level in LEVELS))


def from_recommendation(given: Recommendation, like: dict[str, Any]) -> dict[str, Any]:
    """The recommendation in the case's form, an empty list where the case has null."""
    amounts = {level: dict(getattr(given, level)) for level in LEVELS}
    return {name: value if name == "container" else amounts[name] or value
            for name, value in like.items() if name == "container" or name in amounts}


def check_policy(inputs, expected):
    given = inputs["recommendations_milli"]
    policies = {name: ContainerPolicy(each.get("min"), each.get("max"))
                for name, each in (inputs.get("policies") or {}).items() if each is not None}
    found = None if given is None else [
        apply_policy(to_recommendation(each), policy_of(each["container"], policies),
                     inputs.get("global_max")) for each in given]
    wanted = expected["recommendations_milli"]
    assert (found is None) == (wanted is None)
    if found is not None:
        assert [each.container for each in found] == [each["container"] for each in wanted]
        assert [from_recommendation(each, like)
                for each, like in zip(found, wanted, strict=True)] == wanted


def check_limit(inputs, expected):
    limit, why = scale_limit(inputs["limit"], inputs["request"], inputs["recommended"],
                             inputs["default_limit"])
    assert {"limit": limit, "annotation": bool(why)} == expected


def check_controlled(inputs, expected):
    target, lower, upper = estimate_container(Usage(), 1, DEFAULT_ESTIMATE, inputs["controlled"])
    assert {frozenset(each) for each in (target, lower, upper)} == {
        frozenset(expected["present"])}


def check_integer_cpu(inputs, expected):
    given = inputs.get("cpu_milli", inputs.get("value"))
    amounts = {"cpu": given}
    found = with_whole_cores(Recommendation("c", amounts, amounts, amounts, amounts))
    assert found.target["cpu"] == expected.get("cpu_milli", expected.get("value"))


@dataclass
class Recorder:
    """An aggregate that only keeps what it was given."""

    memory: list[tuple[float, float]] = field(default_factory=list)
    cpu: list[tuple[float, float]] = field(default_factory=list)

    def add_cpu(self, millicores, at_s):
        self.cpu.append((millicores, at_s))

    def add_memory(self, peak_bytes, at_s):
        self.memory.append((peak_bytes, at_s))

    def subtract_memory(self, peak_bytes, at_s):
        self.memory.remove((peak_bytes, at_s))


def check_window(inputs, expected):
    recorder = Recorder()
    window = ContainerWindow(recorder, replace(
        DEFAULT_USAGE, memory_interval_s=inputs.get("interval_s", 86_400),
        oom_bump_up_ratio=inputs.get("oom_bump_up_ratio", 1.2),
        oom_min_bump_up_bytes=inputs.get("oom_min_bump_up_bytes", 100 * 2**20)),
        inputs.get("max_memory_bytes") or 0)
    for number, step in enumerate(inputs["ops"]):
        if step["op"] == "memory":
            taken = window.add_memory(step["bytes"], step["t"])
        elif step["op"] == "oom":
            taken = window.add_oom(step["requested_bytes"], step["t"])
        elif step["op"] == "cpu":
            taken = window.add_cpu(step["millicores"] if "millicores" in step else step["milli"]
                                   if "milli" in step else to_millicores(step["cores"]), step["t"])
        else:
            raise AssertionError(f"unknown operation {step['op']}")
        if "expect" in step:
            assert taken == step["expect"], number
    found = {"memory_samples_present": sorted([float(size), at] for size, at in recorder.memory),
             "cpu_samples_present": sorted([to_cores(milli), at] for milli, at in recorder.cpu),
             "cpu_samples_present_milli": sorted([milli, at] for milli, at in recorder.cpu)}
    assert set(expected) <= set(found), expected
    for name, value in expected.items():
        assert found[name] == sorted(value), name


def check_quantity(inputs, expected):
    """An amount written as a quantity: expected as Kubernetes' text or as its milli-units."""
    resource, amount = (("cpu", inputs["cpuAmount"]) if "cpuAmount" in inputs
                        else ("memory", inputs["memoryAmount"]))
    milli = list_resources({resource: amount})[resource]
    wanted = next(iter(expected.values()))
    assert milli == to_milli(wanted) if isinstance(wanted, str) else wanted in (milli, amount)


def check_value(calculate):
    def compare(inputs, expected):
        if expected.get("error"):
            with pytest.raises(InputError):
                calculate(inputs)
            return
        assert calculate(inputs) == expected["value"]
    return compare


def widened(inputs) -> int:
    """The confidence multiplier, of a history given by its confidence or its samples."""
    confidence = inputs.get("confidence")
    if confidence is None:
        usage = Usage()
        for number in range(inputs.get("samples", 0)):
            usage.add_cpu(1000, number * inputs.get("sample_interval_s", 60))
        confidence = usage.confidence(inputs.get("confidence_interval_s", 86_400))
    return widen(inputs.get("value", inputs.get("base")), confidence, inputs["multiplier"],
                 inputs["exponent"])


CHECKS = {
    "round_up_to_scale": check_value(lambda inputs: round_up(inputs["value"], inputs["scale"])),
    "cpu_amount_from_cores": check_value(lambda inputs: to_millicores(inputs["cores"])),
    "cores_from_cpu_amount": check_value(lambda inputs: to_cores(inputs["cpuAmount"])),
    "memory_amount_from_bytes": check_value(lambda inputs: to_amount(inputs["bytes"])),
    "bytes_from_memory_amount": check_value(lambda inputs: float(inputs["memoryAmount"])),
    "scale_resource": check_value(lambda inputs: scale_amount(inputs["amount"],
                                                              inputs["factor"])),
    "resource_amount_from_float": check_value(lambda inputs: to_amount(inputs["amount"])),
    "resource_amount_max": check_value(lambda inputs: max(inputs.values())),
    "quantity_from_cpu_amount": check_quantity,
    "quantity_from_memory_amount": check_quantity,
    "humanize_memory": check_value(lambda inputs: humanize_bytes(inputs["value"])),
    "min_resource": check_value(lambda inputs: max(inputs["value"], inputs["min"])),
    "margin": check_value(lambda inputs: with_margin(
        inputs["value"], inputs.get("margin", inputs.get("fraction")))),
    "confidence_multiplier": check_value(widened),
    "integer_cpu": check_integer_cpu,
    "as_resource_list": check_listed,
    "apply_policy": check_policy,
    "proportional_limit": check_limit,
    "histogram": check_histogram,
    "checkpoint_load": check_load,
    "checkpoint_save": check_save,
    "checkpoint_roundtrip": check_roundtrip,
    "options": check_options,
    "percentile_estimate": check_percentile,
    "controlled_resources": check_controlled,
    "container_window": check_window,
}


@pytest.mark.parametrize("case", load(), ids=lambda case: case["name"])
def test_is_equal_to_kubernetes(case):
    CHECKS[case["kind"]](case["inputs"], case["expected"])


def test_every_case_is_there():
    assert len(load()) == len(json.loads(dataset("VPA_CASES").read_text())) > 0
