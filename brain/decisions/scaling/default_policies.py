"""The autoscalers that come with the console, as manifests to start from."""

from typing import Any, Literal


def default_hpa(kind: Literal["standard", "busy"], target: str,
                namespace: str = "default") -> dict[str, Any]:
    """The ``autoscaling/v2`` manifest for a Deployment.

    "standard" is 3 to 10 replicas by CPU, memory and queries; "busy" is 3 to 20, also by request
    rate, p95 of queries and connections, and goes down more carefully.
    """
    metrics = [_resource("cpu", 70), _resource("memory", 80), _pods("queries_per_second", "100")]
    up = [_policy("Percent", 100, 30), _policy("Pods", 2, 30)]
    down: dict[str, Any] = {"stabilizationWindowSeconds": 300,
                            "policies": [_policy("Percent", 50, 60)]}
    most = 10
    if kind == "busy":
        metrics += [_pods("requests_per_second", "100"), _pods("query_latency_p95_seconds", "2"),
                    _pods("active_connections", "50")]
        up = [_policy("Percent", 100, 30), _policy("Pods", 4, 30)]
        down = {"stabilizationWindowSeconds": 300, "selectPolicy": "Min",
                "policies": [_policy("Percent", 50, 60), _policy("Pods", 2, 60)]}
        most = 20
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": 3, "maxReplicas": most, "metrics": metrics,
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max",
                                     "policies": up}, "scaleDown": down}}}


def default_vpa(target: str, namespace: str = "default", *, advanced: bool = False,
                mode: str = "Off") -> dict[str, Any]:
    """The VerticalPodAutoscaler for a Deployment: 250m/256Mi to 2/4Gi, advanced to 4/8Gi."""
    most = {"cpu": "4000m", "memory": "8Gi"} if advanced else {"cpu": "2000m", "memory": "4Gi"}
    return {
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
        "metadata": {"name": target, "namespace": namespace},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "updatePolicy": {"updateMode": mode, "minReplicas": 2},
            "resourcePolicy": {"containerPolicies": [{
                "containerName": "*", "minAllowed": {"cpu": "250m", "memory": "256Mi"},
                "maxAllowed": most}]}}}


def _resource(name: str, pct: int) -> dict[str, Any]:
    return {"type": "Resource", "resource": {
        "name": name, "target": {"type": "Utilization", "averageUtilization": pct}}}


def _pods(name: str, average: str) -> dict[str, Any]:
    return {"type": "Pods", "pods": {
        "metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": average}}}


def _policy(type_: str, value: int, period_s: int) -> dict[str, Any]:
    return {"type": type_, "value": value, "periodSeconds": period_s}
