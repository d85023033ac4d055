"""The HPA controller's decision for one workload, exactly as Kubernetes makes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.behavior import (
    Memory,
    Recommendation,
    limit_plainly,
    limit_rate,
    remember_change,
    stabilize_both,
    stabilize_down,
)
from brain.decisions.scaling.manifests import HpaPolicy
from brain.decisions.scaling.proposals import (
    MetricProposal,
    Observation,
    Workload,
    propose,
    tolerances_of,
)
from brain.decisions.scaling.replicas import DEFAULT_CONTROLLER, Controller

_REQUIREMENT = re.compile(
    r"\s*(!?\s*[\w./-]+\s*|[\w./-]+\s*(=|==|!=|<|>)\s*[\w.-]*\s*|"
    r"[\w./-]+\s+(in|notin)\s*\([\w.,\s-]*\)\s*)")
_BETWEEN = re.compile(r",(?![^(]*\))")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the HPA's status."""

    type: str
    status: str
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the controller meets: the target's selector, who shares it, and failed calls."""

    selector: str | None = None
    selector_shared_with: tuple[str, ...] = ()
    scale_error: str = ""
    update_error: str = ""
    conditions: tuple[Condition, ...] = ()


NOTHING_ELSE = Surroundings()


@dataclass(frozen=True, slots=True)
class ScalingDecision:
    """Replicas to have, why, and what to hand in at the next call.

    ``metric_replicas`` is what the metrics ask for, ``stabilized_replicas`` what stabilization
    left of it; both are None where the metrics were not asked. ``error`` is what the controller
    reports, also where it scales nevertheless.
    """

    replicas: int
    conditions: tuple[Condition, ...]
    proposals: tuple[MetricProposal, ...]
    memory: Memory
    reasons: tuple[Reason, ...]
    metric_replicas: int | None = None
    stabilized_replicas: int | None = None
    error: str = ""


class _Conditions:
    """Conditions in the order in which they were first set."""

    def __init__(self, given: Sequence[Condition]) -> None:
        self._by_type = {each.type: each for each in given}

    def set(self, type_: str, status: bool, reason: str, message: str) -> None:
        self._by_type[type_] = Condition(type_, str(status), reason, message)

    def is_true(self, type_: str) -> bool:
        return type_ in self._by_type and self._by_type[type_].status == "True"

    def all(self) -> tuple[Condition, ...]:
        return tuple(self._by_type.values())


def decide_replicas(policy: HpaPolicy, workload: Workload,
                    observations: Sequence[Observation | None], memory: Memory, now_s: float,
                    controller: Controller = DEFAULT_CONTROLLER,
                    around: Surroundings = NOTHING_ELSE,
                    desired_replicas: int | None = None) -> ScalingDecision:
    """What the HPA controller does now: replicas, conditions and its memory afterwards.

    ``observations`` follow the order of the metrics; one that is None or left out has failed.
    ``desired_replicas`` stands for what the metrics ask for, if given. Times are seconds since
    any one moment. Raises InputError for more observations than metrics or a negative count.
    Source: Kubernetes, pkg/controller/podautoscaler, horizontal controller.
    """
    _check(policy, workload, observations, desired_replicas)
    conditions = _Conditions(around.conditions)
    current = workload.replicas
    if around.scale_error:
        conditions.set("AbleToScale", False, "FailedGetScale", "the HPA controller was unable to "
                       f"get the target's current scale: {around.scale_error}")
        return ScalingDecision(current, conditions.all(), (), memory, (Reason(
            "FailedGetScale", f"The scale cannot be read: {around.scale_error}"),),
            error=around.scale_error)
    conditions.set("AbleToScale", True, "SucceededGetScale",
                   "the HPA controller was able to get the target's current scale")
    if memory.recommendations is None:
        memory = replace(memory, recommendations=(Recommendation(current, now_s),))

    if current == 0 and _sleeps(policy, conditions, controller):
        message = "scaling is disabled since the replica count of the target is zero"
        conditions.set("ScalingActive", False, "ScalingDisabled", message)
        return ScalingDecision(0, conditions.all(), (), memory, (Reason(
            "ScalingDisabled", message[0].upper() + message[1:] + "."),))
    if current > policy.max_replicas or current < policy.min_replicas:
        above = current > policy.max_replicas
        wanted = policy.max_replicas if above else policy.min_replicas
        why = Reason("AboveMaxReplicas" if above else "BelowMinReplicas",
                     "Current number of replicas "
                     + ("above Spec.MaxReplicas" if above else "below Spec.MinReplicas"))
        return _rescale(policy, current, wanted, memory, conditions, around, now_s, controller,
                        ScalingDecision(wanted, (), (), memory, (why,)))
    return _follow_metrics(policy, workload, observations, memory, now_s, controller, around,
                           conditions, desired_replicas)


def _check(policy: HpaPolicy, workload: Workload, observations: Sequence[Observation | None],
           desired_replicas: int | None) -> None:
    for field, count in (("replicas", workload.replicas),
                         ("status_replicas", workload.status_replicas),
                         ("desired_replicas", desired_replicas or 0)):
        if count < 0:
            raise InputError("negative", f"{field} must not be negative", field)
    if len(observations) > len(policy.metrics):
        raise InputError("too_many_observations", f"{len(observations)} observations for "
                         f"{len(policy.metrics)} metrics", "observations")
    if policy.min_replicas == 0 and desired_replicas is None and not policy.has_outside_metric:
        raise InputError("zero_needs_outside_metric", "minReplicas 0 needs a metric of type "
                         "Object or External", "spec.minReplicas")


def _sleeps(policy: HpaPolicy, conditions: _Conditions, controller: Controller) -> bool:
    if not controller.scaled_to_zero_condition:
        return policy.min_replicas != 0
    if not conditions.is_true("ScaledToZero"):
        return True
    return policy.min_replicas == 0 and not policy.has_outside_metric


def _follow_metrics(policy: HpaPolicy, workload: Workload,
                    observations: Sequence[Observation | None], memory: Memory, now_s: float,
                    controller: Controller, around: Surroundings, conditions: _Conditions,
                    given: int | None) -> ScalingDecision:
    current = workload.replicas
    if refused := _check_selector(around):
        conditions.set("ScalingActive", False, refused.code, refused.text)
        return ScalingDecision(current, conditions.all(), (), memory, (refused,),
                               error=refused.text)
    proposals: tuple[MetricProposal, ...] = ()
    described, error = "the given count", ""
    if given is None:
        tolerances = tolerances_of(policy, controller)
        proposals = tuple(
            propose(metric, observations[place] if place < len(observations) else None, workload,
                    tolerances, controller, now_s)
            for place, metric in enumerate(policy.metrics))
        wanted, described = _largest(proposals)
        failed = [each for each in proposals if each.replicas is None]
        if failed:
            error = (f"invalid metrics ({len(failed)} invalid out of {len(proposals)}), first "
                     f"error is: {failed[0].message}")
        if len(failed) == len(proposals) or (failed and wanted < current):
            conditions.set("ScalingActive", False, failed[0].failure, "the HPA was unable to "
                           f"compute the replica count: {failed[0].message}")
            return ScalingDecision(
                current, conditions.all(), proposals, memory,
                tuple(Reason(each.failure, each.message) for each in failed)
                + (() if len(failed) == len(proposals) else (Reason(
                    "HeldByFailedMetric", "A failed metric allows no scaling down."),)),
                error=error)
    else:
        wanted = given
    conditions.set("ScalingActive", True, "ValidMetricFound", "the HPA was able to successfully "
                   f"calculate a replica count from {described}")
    reasons = [Reason(each.failure, each.message) for each in proposals if each.replicas is None]
    if wanted > current:
        reasons.append(Reason("MetricAboveTarget", f"{described} above target"))
    elif wanted < current:
        reasons.append(Reason("AllMetricsBelowTarget", "All metrics below target"))
    replicas, stabilized, memory = _normalize(policy, current, wanted, memory, now_s, controller,
                                              conditions, reasons)
    return _rescale(policy, current, replicas, memory, conditions, around, now_s, controller,
                    ScalingDecision(replicas, (), proposals, memory, tuple(reasons), wanted,
                                    stabilized, error))


def _check_selector(around: Surroundings) -> Reason | None:
    if around.selector is not None:
        if not around.selector:
            return Reason("InvalidSelector", "the HPA target's scale is missing a selector")
        if not all(_REQUIREMENT.fullmatch(each) for each in _BETWEEN.split(around.selector)):
            return Reason("InvalidSelector", "couldn't convert selector into a corresponding "
                          f"internal selector object: {around.selector[:200]!r}")
    if around.selector_shared_with:
        return Reason("AmbiguousSelector", "pods by the selector are controlled by multiple "
                      "HPAs: " + ", ".join(around.selector_shared_with))
    return None


def _largest(proposals: Sequence[MetricProposal]) -> tuple[int, str]:
    replicas, described = 0, ""
    for each in proposals:
        if each.replicas is not None and (replicas == 0 or each.replicas > replicas):
            replicas, described = each.replicas, each.described
    return replicas, described


def _normalize(policy: HpaPolicy, current: int, wanted: int, memory: Memory, now_s: float,
               controller: Controller, conditions: _Conditions,
               reasons: list[Reason]) -> tuple[int, int, Memory]:
    """Replicas after stabilization and limits, those after stabilization alone, the memory."""
    wanted = max(0, wanted)
    seen = memory.recommendations or ()
    if policy.behavior is None:
        stabilized, kept = stabilize_down(wanted, seen, controller.downscale_stabilization_s,
                                          now_s)
        replicas, limited = limit_plainly(current, stabilized, policy.min_replicas,
                                          policy.max_replicas, controller)
        why = "ScaleDownStabilized"
    else:
        up_s, down_s = policy.behavior.scale_up.window_s, policy.behavior.scale_down.window_s
        stabilized, kept = stabilize_both(
            current, wanted, seen, 0 if up_s is None else up_s,
            controller.downscale_stabilization_s if down_s is None else down_s, now_s)
        replicas, limited = limit_rate(current, stabilized, policy.min_replicas,
                                       policy.max_replicas, policy.behavior, memory, now_s)
        why = "ScaleUpStabilized" if wanted >= current else "ScaleDownStabilized"
    if stabilized != wanted:
        text = ("recent recommendations were higher than current one, applying the highest "
                "recent recommendation" if why == "ScaleDownStabilized" else
                "recent recommendations were lower than current one, applying the lowest "
                "recent recommendation")
        conditions.set("AbleToScale", True, why, text)
        reasons.append(Reason(why, f"{wanted} replicas asked for, {stabilized} after "
                              f"stabilization: {text}."))
    else:
        conditions.set("AbleToScale", True, "ReadyForNewScale",
                       "recommended size matches current size")
    text = _LIMITS[limited]
    conditions.set("ScalingLimited", replicas != stabilized, limited, text)
    reasons.append(Reason(limited, text[0].upper() + text[1:] + "."))
    return replicas, stabilized, replace(memory, recommendations=kept)


_LIMITS = {
    "DesiredWithinRange": "the desired count is within the acceptable range",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
}


def _rescale(policy: HpaPolicy, current: int, replicas: int, memory: Memory,
             conditions: _Conditions, around: Surroundings, now_s: float, controller: Controller,
             decision: ScalingDecision) -> ScalingDecision:
    """The decision after the change was made, was refused by the target, or was not needed."""
    if replicas == current:
        return replace(decision, conditions=conditions.all(), memory=memory)
    if around.update_error:
        conditions.set("AbleToScale", False, "FailedUpdateScale", "the HPA controller was unable "
                       f"to update the target scale: {around.update_error}")
        return replace(decision, replicas=current, conditions=conditions.all(), memory=memory,
                       error=around.update_error, reasons=(*decision.reasons, Reason(
                           "FailedUpdateScale", around.update_error)))
    conditions.set("AbleToScale", True, "SucceededRescale", "the HPA controller was able to "
                   f"update the target scale to {replicas}")
    if controller.scaled_to_zero_condition:
        if replicas == 0 and policy.min_replicas == 0 and policy.has_outside_metric:
            conditions.set("ScaledToZero", True, "ScaledToZero",
                           "the HPA controller scaled the workload to zero")
        elif current == 0:
            conditions.set("ScaledToZero", False, "ScaledFromZero",
                           "the HPA controller scaled the workload from zero")
    if policy.behavior is not None:
        memory = remember_change(memory, policy.behavior, current, replicas, now_s)
    return replace(decision, conditions=conditions.all(), memory=memory)
