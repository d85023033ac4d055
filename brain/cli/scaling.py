"""``brain scaling``: what Kubernetes' autoscalers would decide, and what their manifests lack."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.command import Command, Option, UsageError
from brain.cli.machine import Form, ReasonOut
from brain.cli.scaling_lint import LINT_FORM
from brain.cli.scaling_objects import (
    Count,
    Moment,
    ObservationIn,
    PodIn,
    to_observation,
    to_pod,
    to_seconds,
)
from brain.cli.scaling_replay import REPLAY
from brain.cli.scaling_resources import RESOURCES_FORM
from brain.cli.scaling_tune import TUNE
from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory, Recommendation, ScaleEvent
from brain.decisions.scaling.decide import (
    Condition,
    ScalingDecision,
    Surroundings,
    decide_replicas,
)
from brain.decisions.scaling.manifests import HpaPolicy, as_list, as_map, read_hpa
from brain.decisions.scaling.proposals import MetricProposal, Workload
from brain.decisions.scaling.replicas import Controller
from brain.scaling.validation import check_manifest

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class RecommendationIn(msgspec.Struct, forbid_unknown_fields=True):
    """Replicas that the metrics asked for in the past, before stabilization."""

    replicas: Count
    at_utc: Moment


class ScaleEventIn(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the past; a removal is counted positive too."""

    replica_change: Count
    at_utc: Moment
    outdated: bool = False


class ConditionForm(msgspec.Struct, frozen=True):
    """A condition of the HPA's status."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str = ""
    message: str = ""


class MemoryIn(msgspec.Struct, forbid_unknown_fields=True):
    """``memory`` of the last answer; without recommendations the HPA is seen for the first time."""

    recommendations: list[RecommendationIn] | None = None
    scale_up_events: list[ScaleEventIn] = []
    scale_down_events: list[ScaleEventIn] = []
    conditions: list[ConditionForm] | None = None


class ControllerIn(msgspec.Struct, forbid_unknown_fields=True):
    """Settings of the controller; what is left out is as Kubernetes delivers it."""

    tolerance: Ratio = 0.1
    cpu_initialization_period_s: Seconds = 300
    initial_readiness_delay_s: Seconds = 30
    downscale_stabilization_s: Seconds = 300
    scale_up_limit_factor: Ratio = 2
    scale_up_limit_minimum: Ratio = 4
    tolerance_reading: Literal["range", "distance"] = "range"
    ignore_succeeded: bool = True
    configurable_tolerance: bool = True
    pod_level_resources: bool = True
    container_resource: bool = True
    scaled_to_zero_condition: bool = False


class DecideIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A workload now. ``observations`` follow the metrics of the manifest.

    ``desired_replicas`` may stand in their place; the manifest may come by --manifest.
    """

    replicas: Count
    now_utc: Moment
    manifest: dict[str, Any] | None = None
    status_replicas: Count | None = None
    pods: list[PodIn] = []
    observations: list[ObservationIn | None] = []
    desired_replicas: Count | None = None
    memory: MemoryIn = msgspec.field(default_factory=MemoryIn)
    controller: ControllerIn | None = None
    selector: str | None = None
    selector_shared_with: list[str] = []
    scale_error: str = ""
    update_error: str = ""


class ProposalOut(msgspec.Struct, frozen=True):
    """What one metric asks for; null where it failed, with the reason of the condition."""

    type: str
    name: str
    described: str
    replicas: int | None
    usage_milli: int | None
    utilization_pct: int | None
    reason: str
    message: str


class RecommendationOut(msgspec.Struct, frozen=True):
    """A recommendation to keep; seconds as they came in, or since 1970."""

    replicas: int
    at_utc: float


class ScaleEventOut(msgspec.Struct, frozen=True):
    """A change to keep."""

    replica_change: int
    at_utc: float
    outdated: bool


class MemoryOut(msgspec.Struct, frozen=True):
    """What to hand in with the next line."""

    recommendations: list[RecommendationOut] | None
    scale_up_events: list[ScaleEventOut]
    scale_down_events: list[ScaleEventOut]
    conditions: list[ConditionForm]


class DecideOut(msgspec.Struct, frozen=True):
    """Replicas to have. ``error`` is what the controller reports, also where it scales."""

    replicas: int
    metric_replicas: int | None
    stabilized_replicas: int | None
    conditions: list[ConditionForm]
    proposals: list[ProposalOut]
    memory: MemoryOut
    error: str
    reasons: list[ReasonOut]


def prepare_decide(arguments: Namespace) -> Callable[[DecideIn], DecideOut]:
    """The function that decides one line; reads --manifest once."""
    version = getattr(arguments, "validate", None)
    path = getattr(arguments, "manifest", None)
    given = None if path is None else read_yaml(path)
    common = None if given is None else _read(given, version)

    def decide(line: DecideIn) -> DecideOut:
        if line.manifest is not None:
            policy, conditions = _read(line.manifest, version)
        elif common is not None:
            policy, conditions = common
        else:
            raise InputError("missing_field", "a manifest is needed, here or by --manifest",
                             "manifest")
        now_s = to_seconds(line.now_utc)
        if line.memory.conditions is not None:
            conditions = tuple(_to_condition(each) for each in line.memory.conditions)
        decision = decide_replicas(
            policy, _to_workload(line), _observe(line, policy, now_s), _to_memory(line.memory),
            now_s, _to_controller(line.controller),
            Surroundings(line.selector, tuple(line.selector_shared_with), line.scale_error,
                         line.update_error, conditions), line.desired_replicas)
        return to_output(decision)
    return decide


def read_yaml(path: str) -> dict[str, Any]:
    """The one object of a YAML or JSON file; raises UsageError for anything else."""
    import yaml
    try:
        found = yaml.safe_load(Path(path).read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} holds no Kubernetes object")
    return found


def _read(manifest: dict[str, Any],
          version: str | None) -> tuple[HpaPolicy, tuple[Condition, ...]]:
    try:
        policy = read_hpa(manifest)
        if version:
            check_manifest(manifest, version)
        status = as_map(manifest.get("status"), "status")
        listed = as_list(status.get("conditions"), "status.conditions")
        return policy, tuple(
            Condition(str(each.get("type")), str(each.get("status")), str(each.get("reason", "")),
                      str(each.get("message", "")))
            for each in (as_map(one, "status.conditions") for one in listed))
    except InputError as error:
        place = f"manifest.{error.field}" if error.field not in ("", "manifest") else "manifest"
        raise InputError(error.code, error.message, place) from error


def _to_workload(line: DecideIn) -> Workload:
    counted = line.replicas if line.status_replicas is None else line.status_replicas
    return Workload(line.replicas, counted, [
        to_pod(each, f"pods[{place}]") for place, each in enumerate(line.pods)])


def _observe(line: DecideIn, policy: HpaPolicy, now_s: float) -> Sequence[Any]:
    if len(line.observations) > len(policy.metrics):
        raise InputError("too_many_observations", f"{len(line.observations)} observations for "
                         f"{len(policy.metrics)} metrics", "observations")
    return [to_observation(each, metric, now_s, f"observations[{place}]")
            for place, (each, metric) in enumerate(
                zip(line.observations, policy.metrics, strict=False))]


def _to_memory(given: MemoryIn) -> Memory:
    def to_events(events: list[ScaleEventIn]) -> tuple[ScaleEvent, ...]:
        return tuple(ScaleEvent(each.replica_change, to_seconds(each.at_utc), each.outdated)
                     for each in events)
    seen = given.recommendations
    return Memory(None if seen is None else tuple(
        Recommendation(each.replicas, to_seconds(each.at_utc)) for each in seen),
        to_events(given.scale_up_events), to_events(given.scale_down_events))


def _to_controller(given: ControllerIn | None) -> Controller:
    return Controller() if given is None else Controller(**msgspec.structs.asdict(given))


def _to_condition(given: ConditionForm) -> Condition:
    return Condition(given.type, given.status, given.reason, given.message)


def to_output(decision: ScalingDecision) -> DecideOut:
    """The decision as its output line."""
    conditions = [ConditionForm(each.type, each.status, each.reason, each.message)  # type: ignore[arg-type]
                  for each in decision.conditions]
    memory = decision.memory
    return DecideOut(
        decision.replicas, decision.metric_replicas, decision.stabilized_replicas, conditions,
        [_to_proposal(each) for each in decision.proposals],
        MemoryOut(None if memory.recommendations is None else [
            RecommendationOut(*each) for each in memory.recommendations],
            [ScaleEventOut(*each) for each in memory.scale_up_events],
            [ScaleEventOut(*each) for each in memory.scale_down_events], conditions),
        decision.error, [ReasonOut(each.code, each.text) for each in decision.reasons])


def _to_proposal(given: MetricProposal) -> ProposalOut:
    return ProposalOut(given.metric.type, given.metric.name, given.described, given.replicas,
                       given.usage_milli, given.utilization_pct, given.failure, given.message)


MANIFEST = Option("--manifest", "The HorizontalPodAutoscaler of lines that bring none, as YAML.",
                  metavar="FILE")
VALIDATE = Option("--validate", "Hold every manifest against the schema of this Kubernetes version "
                  "first, such as 1.37.", metavar="VERSION")

COMMANDS: tuple[Command, ...] = (
    Command("scaling", "decide", "Decide replicas exactly as the HPA controller of Kubernetes.",
            (MANIFEST, VALIDATE), form=Form(DecideIn, DecideOut, prepare_decide)),
    Command("scaling", "resources", "Recommend requests and limits of containers exactly as the "
            "vertical pod autoscaler.", form=RESOURCES_FORM),
    Command("scaling", "lint", "Find faults and risks in autoscaler manifests.", (VALIDATE,),
            form=LINT_FORM),
    REPLAY,
    TUNE,
)
