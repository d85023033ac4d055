"""Kubernetes objects of a policy to take away: HPA, VPA, KEDA, scheduled jobs, budget."""

from collections.abc import Mapping, Sequence
from typing import Any

from brain.decisions.scaling.default_policies import default_vpa
from brain.decisions.scaling.schedules import ScheduledBound
from brain.scaling.plans import ScalingPlan
from brain.scaling.present import LATENCIES, RATES

MIN_AVAILABLE = 2
KUBECTL = "registry.k8s.io/kubectl:v1.37.0"
_PROMETHEUS = "http://prometheus-server.monitoring.svc"
_QUERIES = {**dict.fromkeys(RATES, "sum(rate(http_requests_total[2m]))"),
            "active_connections": "sum(active_connections)"}


def export(plan: ScalingPlan, schedules: Sequence[ScheduledBound]) -> dict[str, list[dict[
        str, Any]]]:
    """Objects by the name of the file that they go into; ``hpa`` and ``keda`` exclude each other.

    The VPA is in mode Off: with an HPA on CPU or memory it may only recommend.
    """
    mine = [each for each in schedules if each.workload == plan.workload]
    namespace = str(plan.manifest["metadata"].get("namespace", "default"))
    found = {"hpa": [dict(plan.manifest)], "vpa": [default_vpa(plan.workload, namespace)],
             "keda": [_keda(plan, mine, namespace)], "pdb": [_budget(plan.workload, namespace)]}
    if mine:
        found["schedules"] = _jobs(str(plan.manifest["metadata"]["name"]), mine, namespace)
    return found


def _budget(workload: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": workload, "namespace": namespace},
            "spec": {"minAvailable": MIN_AVAILABLE,
                     "selector": {"matchLabels": {"app": workload}}}}


def _keda(plan: ScalingPlan, schedules: Sequence[ScheduledBound],
          namespace: str) -> dict[str, Any]:
    """A ScaledObject, of which KEDA makes the HPA. A latency is no trigger: not proportional."""
    policy, spec = plan.policy, plan.manifest["spec"]
    triggers: list[dict[str, Any]] = []
    for metric in policy.metrics:
        if metric.type == "Resource" and metric.utilization_pct:
            triggers.append({"type": metric.name, "metricType": "Utilization",
                             "metadata": {"value": str(metric.utilization_pct)}})
        elif metric.name in _QUERIES and metric.name not in LATENCIES and metric.average_milli:
            triggers.append({"type": "prometheus", "metadata": {
                "serverAddress": _PROMETHEUS, "query": _QUERIES[metric.name],
                "threshold": f"{metric.average_milli / 1000:g}"}})
    for first, last in _floors(schedules):
        triggers.append({"type": "cron", "metadata": {
            "timezone": first.zone, "start": first.cron, "end": last.cron,
            "desiredReplicas": str(first.min_replicas)}})
    advanced: dict[str, Any] = {}
    if spec.get("behavior"):
        advanced = {"advanced": {"horizontalPodAutoscalerConfig": {"behavior": spec["behavior"]}}}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": plan.workload, "namespace": namespace},
            "spec": {"scaleTargetRef": {"name": plan.workload},
                     "minReplicaCount": policy.min_replicas,
                     "maxReplicaCount": policy.max_replicas, **advanced, "triggers": triggers}}


def _floors(schedules: Sequence[ScheduledBound]) -> list[tuple[ScheduledBound, ScheduledBound]]:
    """Each line with a floor and the line that ends it: with two lines, the other one."""
    lines = [each for each in schedules if each.min_replicas is not None]
    return list(zip(lines, [*lines[1:], lines[0]], strict=True)) if len(lines) > 1 else []


def _jobs(autoscaler: str, schedules: Sequence[ScheduledBound],
          namespace: str) -> list[dict[str, Any]]:
    """CronJobs that move the autoscaler's bounds, never the count, and the account they run as."""
    name = f"{autoscaler}-schedule"
    place = {"name": name, "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": dict(place)},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": dict(place), "rules": [{
            "apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"],
            "resourceNames": [autoscaler], "verbs": ["get", "patch"]}]},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": dict(place),
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
         "subjects": [{"kind": "ServiceAccount", **place}]}]
    for number, each in enumerate(schedules, 1):
        bounds = ",".join(f'"{field}":{value}' for field, value in (
            ("minReplicas", each.min_replicas), ("maxReplicas", each.max_replicas))
            if value is not None)
        found.append({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": f"{name}-{number}", "namespace": namespace},
            "spec": {"schedule": each.cron, "timeZone": each.zone, "concurrencyPolicy": "Forbid",
                     "jobTemplate": {"spec": {"template": {"spec": {
                         "serviceAccountName": name, "restartPolicy": "OnFailure",
                         "containers": [{
                             "name": "kubectl", "image": KUBECTL,
                             "command": ["kubectl", "patch", "hpa", autoscaler, "--type=merge",
                                         "--patch", f'{{"spec":{{{bounds}}}}}'],
                             "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}]}}}}}})
    return found


def read_documents(found: Mapping[str, Sequence[Mapping[str, Any]]], name: str) -> str:
    """The objects of one file as YAML documents."""
    import yaml
    return "---\n".join(yaml.safe_dump(each, sort_keys=False, width=100) for each in found[name])
