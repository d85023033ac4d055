"""``brain scaling resources``: what containers should request, from their samples."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec

from brain.cli.machine import Form, ReasonOut
from brain.cli.scaling_objects import Count, Moment, to_seconds
from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.histograms import Histogram, HistogramCheckpoint
from brain.decisions.scaling.manifests import HpaPolicy, as_list, as_map, as_text, read_hpa
from brain.decisions.scaling.quantities import Quantity, format_milli, to_milli, to_units
from brain.decisions.scaling.rightsizing import (
    UPDATE_MODES,
    Amounts,
    ContainerPolicy,
    EstimateSettings,
    Recommendation,
    count_evictable,
    estimate_cost,
    find_conflicts,
    recommend_resources,
    scale_limit,
)
from brain.decisions.scaling.usage import ContainerWindow, Usage, UsageSettings

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
Scale = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
LONGEST_S = 1e12
INTEGER_CPU = ("vpa-post-processor.kubernetes.io/", "_integerCPU")


class SampleIn(msgspec.Struct, forbid_unknown_fields=True):
    """Usage at a time: cores or bytes, as a number or a quantity."""

    at_utc: Moment
    usage: Quantity


class OomIn(msgspec.Struct, forbid_unknown_fields=True):
    """A kill for lack of memory, and the memory that was requested."""

    at_utc: Moment
    request: Quantity = 0


class HistogramForm(msgspec.Struct, rename="camel"):
    """A histogram as a VerticalPodAutoscalerCheckpoint keeps it."""

    total_weight: float = 0.0
    bucket_weights: dict[int, int] = {}
    reference_timestamp: Moment | None = None


class CheckpointForm(msgspec.Struct, rename="camel"):
    """The status of a VerticalPodAutoscalerCheckpoint."""

    cpu_histogram: HistogramForm = msgspec.field(default_factory=HistogramForm)
    memory_histogram: HistogramForm = msgspec.field(default_factory=HistogramForm)
    first_sample_start: Moment | None = None
    last_sample_start: Moment | None = None
    total_samples_count: Count = 0


class ContainerIn(msgspec.Struct, forbid_unknown_fields=True):
    """One container: what it used, and what it requests and may use now."""

    name: str
    cpu_samples: list[SampleIn] = []
    memory_samples: list[SampleIn] = []
    oom_events: list[OomIn] = []
    checkpoint: CheckpointForm | None = None
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}


class SettingsIn(msgspec.Struct, forbid_unknown_fields=True):
    """The recommender's settings; what is left out is as it is delivered."""

    target_cpu_percentile: Share = 0.9
    lower_cpu_percentile: Share = 0.5
    upper_cpu_percentile: Share = 0.95
    target_memory_percentile: Share = 0.9
    lower_memory_percentile: Share = 0.5
    upper_memory_percentile: Share = 0.95
    margin_ratio: Ratio = 0.15
    confidence_interval_s: Annotated[float, msgspec.Meta(ge=1, le=1e9)] = 86_400
    pod_min_cpu_millicores: Ratio = 25
    pod_min_memory_mib: Ratio = 250
    round_cpu_millicores: Scale = 1
    round_memory_bytes: Scale = 1
    humanize_memory: bool = False
    memory_interval_s: Annotated[float, msgspec.Meta(ge=1, le=1e9)] = 86_400
    oom_bump_up_ratio: Ratio = 1.2
    oom_min_bump_up_bytes: Annotated[float, msgspec.Meta(ge=0, le=1e15)] = 104_857_600


class ResourcesIn(msgspec.Struct, forbid_unknown_fields=True):
    """Containers of one workload. ``manifest`` is its VerticalPodAutoscaler, ``hpa`` its HPA.

    Prices give the cost effect for ``replicas``; ``min_available`` is a PodDisruptionBudget's.
    """

    containers: list[ContainerIn]
    manifest: dict[str, Any] | None = None
    hpa: dict[str, Any] | None = None
    global_max_allowed: dict[str, Quantity] = {}
    containers_per_pod: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    settings: SettingsIn = msgspec.field(default_factory=SettingsIn)
    replicas: Count = 1
    healthy_replicas: Count | None = None
    min_available: Count = 0
    core_h_usd: str | float | None = None
    gib_h_usd: str | float | None = None


class ContainerOut(msgspec.Struct, frozen=True):
    """Quantities to request; limits keep their old proportion to the requests."""

    name: str
    target: dict[str, str]
    lower_bound: dict[str, str]
    upper_bound: dict[str, str]
    uncapped_target: dict[str, str]
    limits: dict[str, str]
    confidence_days: float
    checkpoint: CheckpointForm
    saving_usd_per_month: str | None


class ResourcesOut(msgspec.Struct, frozen=True):
    """Recommendations by container, and how they may be brought about."""

    containers: list[ContainerOut]
    update_mode: str
    evictable: int
    saving_usd_per_month: str | None
    reasons: list[ReasonOut]


def prepare_resources(_: Namespace) -> Callable[[ResourcesIn], ResourcesOut]:
    """The function that recommends for one workload."""
    return recommend


def recommend(given: ResourcesIn) -> ResourcesOut:
    """Resources for every container; raises InputError naming the field."""
    policies, mode, whole = _read_vpa(given.manifest)
    names = [each.name for each in given.containers]
    if len(set(names)) < len(names):
        raise InputError("repeated", "two containers have one name", "containers")
    usages = {each.name: _gather(each, given.settings, f"containers[{place}]")
              for place, each in enumerate(given.containers)}
    found = {each.container: each for each in recommend_resources(
        usages, policies, _estimate_settings(given.settings),
        _to_milli(given.global_max_allowed, "global_max_allowed"), whole,
        given.containers_per_pod)}
    prices = (_to_price(given.core_h_usd, "core_h_usd"), _to_price(given.gib_h_usd, "gib_h_usd"))
    answers, saved, reasons = [], Decimal(0), []
    for place, container in enumerate(given.containers):
        if (one := found.get(container.name)) is None:
            reasons.append(Reason("Off", f"The policy leaves {container.name} alone."))
            continue
        saving = _saving(container, one, given.replicas, prices, f"containers[{place}].requests")
        saved += saving or 0
        answers.append(_to_output(container, one, usages[container.name], saving,
                                  f"containers[{place}]"))
        reasons.append(_explain(container, one, usages[container.name]))
    hpa = None if given.hpa is None else _read_hpa(given.hpa)
    controlled = {resource for each in found.values() for resource in each.target}
    reasons += find_conflicts(hpa, controlled, mode)
    healthy = given.replicas if given.healthy_replicas is None else given.healthy_replicas
    priced = any(each.saving_usd_per_month is not None for each in answers)
    return ResourcesOut(
        answers, mode, count_evictable(given.replicas, healthy, given.min_available),
        _money(saved) if priced else None,
        [ReasonOut(each.code, each.text) for each in reasons]
        or [ReasonOut("NoContainers", "There is no container to recommend for.")])


def _read_hpa(manifest: dict[str, Any]) -> HpaPolicy:
    try:
        return read_hpa(manifest)
    except InputError as error:
        raise InputError(error.code, error.message, f"hpa.{error.field}") from error


def _read_vpa(manifest: dict[str, Any] | None
              ) -> tuple[dict[str, ContainerPolicy], str, list[str]]:
    """Policies by container, the update mode, and the containers that want whole cores."""
    manifest = dict(manifest or {})
    spec = as_map(manifest.get("spec"), "manifest.spec")
    update = as_map(spec.get("updatePolicy"), "manifest.spec.updatePolicy")
    mode = update.get("updateMode") or "Recreate"
    if mode not in UPDATE_MODES:
        raise InputError("unknown_mode", f"updateMode must be one of {', '.join(UPDATE_MODES)}",
                         "manifest.spec.updatePolicy.updateMode")
    place = "manifest.spec.resourcePolicy.containerPolicies"
    listed = as_list(as_map(spec.get("resourcePolicy"), "manifest.spec.resourcePolicy")
                     .get("containerPolicies"), place)
    policies = {}
    for number, one in enumerate(listed):
        field = f"{place}[{number}]"
        policy = as_map(one, field)
        kept = as_list(policy.get("controlledResources"), f"{field}.controlledResources")
        name = as_text(policy.get("containerName", "*"), f"{field}.containerName")
        policies[name] = ContainerPolicy(
            _to_milli(as_map(policy.get("minAllowed"), f"{field}.minAllowed"),
                      f"{field}.minAllowed"),
            _to_milli(as_map(policy.get("maxAllowed"), f"{field}.maxAllowed"),
                      f"{field}.maxAllowed"),
            tuple(map(str, kept)) if policy.get("controlledResources") is not None
            else ("cpu", "memory"), "Off" if policy.get("mode") == "Off" else "Auto")
    notes = as_map(as_map(manifest.get("metadata"), "manifest.metadata").get("annotations"),
                   "manifest.metadata.annotations")
    start, end = INTEGER_CPU
    return policies, mode, [name[len(start):-len(end)] for name, value in notes.items()
                            if name.startswith(start) and name.endswith(end) and value == "true"]


def _to_milli(given: Mapping[str, Any], field: str) -> dict[str, int]:
    return {name: to_milli(_checked(amount, f"{field}.{name}"), f"{field}.{name}")
            for name, amount in given.items()}


def _checked(given: Any, field: str) -> Quantity:
    if isinstance(given, str | int | float):
        return given
    raise InputError("invalid_quantity", f"{field} must be a quantity", field)


def _gather(given: ContainerIn, settings: SettingsIn, field: str) -> Usage:
    """The usage of a container: its checkpoint, then all samples and kills in order of time."""
    usage = Usage()
    if given.checkpoint is not None:
        _load(usage, given.checkpoint, f"{field}.checkpoint")
    window = ContainerWindow(usage, UsageSettings(
        settings.memory_interval_s, oom_bump_up_ratio=settings.oom_bump_up_ratio,
        oom_min_bump_up_bytes=settings.oom_min_bump_up_bytes))
    events: list[tuple[float, int, int]] = []
    for kind, name in enumerate(("cpu_samples", "memory_samples")):
        for place, each in enumerate(getattr(given, name)):
            here = f"{field}.{name}[{place}]"
            amount = (to_milli if kind == 0 else to_units)(each.usage, f"{here}.usage")
            events.append((_time(each.at_utc, f"{here}.at_utc"), kind, amount))
    events += [(_time(each.at_utc, f"{field}.oom_events[{place}].at_utc"), 2,
                to_units(each.request, f"{field}.oom_events[{place}].request"))
               for place, each in enumerate(given.oom_events)]
    take = (window.add_cpu, window.add_memory, window.add_oom)
    for at_s, kind, amount in sorted(events, key=lambda each: each[:2]):
        take[kind](amount, at_s)
    return usage


def _load(usage: Usage, given: CheckpointForm, field: str) -> None:
    for name, histogram, kept in (("cpuHistogram", usage.cpu, given.cpu_histogram),
                                  ("memoryHistogram", usage.memory, given.memory_histogram)):
        if any(weight < 0 for weight in kept.bucket_weights.values()):
            raise InputError("negative", "weights are not negative", f"{field}.{name}")
        checkpoint = HistogramCheckpoint(kept.total_weight, kept.bucket_weights)
        if kept.reference_timestamp is not None:
            checkpoint = HistogramCheckpoint(
                kept.total_weight, kept.bucket_weights,
                _time(kept.reference_timestamp, f"{field}.{name}.referenceTimestamp"))
        try:
            histogram.load(checkpoint)
        except InputError as error:
            raise InputError(error.code, error.message, f"{field}.{name}") from error
    usage.samples = given.total_samples_count
    usage.first_s, usage.last_s = (None if each is None else _time(each, field) for each in (
        given.first_sample_start, given.last_sample_start))


def _time(given: Moment, field: str) -> float:
    at_s = to_seconds(given)
    if abs(at_s) > LONGEST_S:
        raise InputError("out_of_range", "the time is too far away", field)
    return at_s


def _estimate_settings(given: SettingsIn) -> EstimateSettings:
    own = set(EstimateSettings.__dataclass_fields__)
    return EstimateSettings(**{name: value for name, value in
                               msgspec.structs.asdict(given).items() if name in own})


def _to_price(given: str | float | None, field: str) -> Decimal | None:
    if given is None:
        return None
    try:
        price = Decimal(str(given))
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price <= 10**6:
        raise InputError("invalid_price", f"{field} must be 0 to 1,000,000 USD", field)
    return price


def _saving(container: ContainerIn, one: Recommendation, replicas: int,
            prices: tuple[Decimal | None, Decimal | None], field: str) -> Decimal | None:
    """USD a month, or None where a price or a request is not known."""
    core, gib = prices
    if core is None or gib is None or any(each not in container.requests for each in one.target):
        return None
    before = {each: to_milli(container.requests[each], f"{field}.{each}") for each in one.target}
    return estimate_cost(before, one.target, replicas, core, gib).saving_usd_per_month


def _money(amount: Decimal) -> str:
    return f"{amount:.6f}"


def _to_output(container: ContainerIn, one: Recommendation, usage: Usage,
               saving: Decimal | None, field: str) -> ContainerOut:
    limits = {}
    for resource, target in one.target.items():
        convert = to_milli if resource == "cpu" else to_units
        limit, request = (convert(given[resource], f"{field}.{resource}")
                          if resource in given else None
                          for given in (container.limits, container.requests))
        scaled, _ = scale_limit(limit, request, target if resource == "cpu" else target // 1000)
        if scaled is not None:
            limits[resource] = format_milli(scaled if resource == "cpu" else scaled * 1000)
    return ContainerOut(
        one.container, _written(one.target), _written(one.lower), _written(one.upper),
        _written(one.uncapped), limits, usage.confidence(), CheckpointForm(
            _save(usage.cpu), _save(usage.memory), usage.first_s, usage.last_s, usage.samples),
        None if saving is None else _money(saving))


def _written(amounts: Amounts) -> dict[str, str]:
    return {name: format_milli(milli) for name, milli in amounts.items()}


def _save(histogram: Histogram) -> HistogramForm:
    saved = histogram.save()
    return HistogramForm(saved.total_weight, dict(saved.bucket_weights), saved.reference_s)


def _explain(container: ContainerIn, one: Recommendation, usage: Usage) -> Reason:
    amounts = ", ".join(f"{name} {format_milli(milli)}" for name, milli in one.target.items())
    if usage.cpu.empty and usage.memory.empty:
        return Reason("NoHistory", f"{container.name}: no usage is known; {amounts} is the least "
                      "that is ever recommended, within the policy's bounds.")
    capped = "" if one.target == one.uncapped else " within the policy's bounds"
    return Reason("Recommended", f"{container.name}: {amounts}{capped}, from {usage.samples:,} CPU "
                  f"samples over {usage.confidence():.1f} days of confidence.")


RESOURCES_FORM = Form(ResourcesIn, ResourcesOut, prepare_resources)
"""The machine form of right-sizing."""
