"""Why the count of pods is what it is, in words for someone who never saw an autoscaler."""

from collections.abc import Callable

from brain.decisions.scaling.manifests import Metric
from brain.decisions.scaling.proposals import MetricProposal
from brain.scaling.present import LATENCIES, RATES, Present

_LIMITS: dict[str, str] = {
    "TooFewReplicas": "The policy never goes below {least}, so it keeps {replicas}.",
    "TooManyReplicas": "The policy never goes above {most}, so it stops at {replicas}. If the load "
                       "stays, requests will wait.",
    "ScaleUpLimit": "The policy adds only so many pods at a time: {replicas} for now, more at the "
                    "next look.",
    "ScaleDownLimit": "The policy takes only so many pods away at a time: {replicas} for now, "
                      "fewer at the next look.",
    "ScaleDownStabilized": "It waits before it takes pods away, in case the load comes back: the "
                           "highest wish of the last {down} counts, {stabilized}.",
    "ScaleUpStabilized": "It waits before it adds pods, in case this is only a short peak: the "
                         "lowest wish of the last {up} counts, {stabilized}.",
    "BelowMinReplicas": "There are fewer pods than the {least} that the policy wants at least, so "
                        "it goes to {replicas} at once.",
    "AboveMaxReplicas": "There are more pods than the {most} that the policy allows, so it goes to "
                        "{replicas} at once."}


def explain(present: Present) -> list[str]:
    """The reasons in order, a sentence or two each, as Markdown without special signs."""
    plan, decision = present.plan, present.decision
    policy = plan.policy
    told = [_now(present)]
    told += [_ask(each, present) for each in decision.proposals]
    known = [each.replicas for each in decision.proposals if each.replicas is not None]
    if len(known) > 1:
        told.append(f"The largest of these wishes counts, so that every number is in order: "
                    f"{max(known)}.")
    rules = policy.behavior
    windows = {"up": 0.0 if rules is None else rules.scale_up.window_s or 0.0,
               "down": 300.0 if rules is None or rules.scale_down.window_s is None
               else rules.scale_down.window_s}
    for reason in decision.reasons:
        if reason.code in _LIMITS:
            told.append(_LIMITS[reason.code].format(
                least=policy.min_replicas, most=policy.max_replicas, replicas=decision.replicas,
                stabilized=decision.stabilized_replicas,
                **{name: _length(value) for name, value in windows.items()}))
    told += [each.text for each in present.reasons[len(decision.reasons):]
             if each.code not in ("NoSchedule", "Scheduled", "WithinCap")]
    if present.unread:
        told.append(f"Not looked at here, because nothing measures it: "
                    f"{', '.join(map(name_metric, present.unread))}. In a cluster, a number that "
                    "cannot be read keeps pods from being taken away.")
    told.append(_end(present))
    return told


def name_metric(metric: Metric) -> str:
    """A metric in everyday words."""
    if metric.type == "Resource" and metric.name == "cpu":
        return "CPU"
    if metric.name in RATES:
        return "requests per second and pod"
    if metric.name in LATENCIES:
        return "response time (p95)"
    return metric.name.replace("_", " ")


def _now(present: Present) -> str:
    load, count = present.load, present.replicas
    whose = ("The cluster has" if present.cluster_replicas is not None else
             "No cluster is connected, so this is reckoned for")
    each = present.rps_per_pod
    return (f"{whose} {pods(count)}. Together they get {load.rps:.3g} requests per second"
            + (f", {each:.3g} each; one pod can serve {present.plan.pod_rps:g}." if each is not None
               else "."))


def _ask(proposal: MetricProposal, present: Present) -> str:
    metric = proposal.metric
    if proposal.replicas is None:
        return f"{_capital(name_metric(metric))} cannot be read: {proposal.message}."
    if metric.utilization_pct and proposal.utilization_pct is not None:
        seen = (f"CPU is at {proposal.utilization_pct} % of what the pods reserve; the goal is "
                f"{metric.utilization_pct} %")
    else:
        show: Callable[[int], str] = (
            (lambda milli: f"{milli / 1_000:.3g} s") if metric.name in LATENCIES
            else lambda milli: f"{milli / 1_000:.3g}")
        seen = (f"{_capital(name_metric(metric))}: {show(proposal.usage_milli or 0)}; the goal is "
                f"{show(metric.average_milli or 0)}")
    return f"{seen}. {_wish(proposal.replicas, present.replicas)}"


def _wish(wanted: int, count: int) -> str:
    if wanted == count:
        return f"That is near enough: {pods(wanted)} would do."
    return (f"That alone would want {pods(wanted)}, "
            f"{'more' if wanted > count else 'fewer'} than now.")


def _end(present: Present) -> str:
    before, after = present.replicas, present.decided
    if after == before:
        return f"So it stays at {pods(after)}."
    return (f"So it would {'add' if after > before else 'take away'} "
            f"{pods(abs(after - before))}: {before} → {after}.")


def pods(count: int) -> str:
    """A count of pods: "1 pod", "3 pods"."""
    return f"{count} pod{'' if count == 1 else 's'}"


def _length(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
