"""The figures that are asked of Prometheus, each with its question in PromQL."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from brain.settings import Prometheus, SettingsError

_WINDOW = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_NAMESPACE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?")
_REQUESTS = "sum(rate(http_requests_total[{window}]))"
_FAILED = 'sum(rate(http_requests_total{{status=~"5.."}}[{window}]))'
_BUCKETS = "rate(http_request_duration_seconds_bucket[{window}])"
_PODS = 'namespace="{namespace}"'
_CONTAINERS = 'namespace="{namespace}",container!="",container!="POD"'


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, unit, meaning and question.

    ``by`` is the label that tells its rows apart, empty for a single number.
    """

    name: str
    unit: str
    meaning: str
    promql: str
    by: str = ""


def _quantiles() -> tuple[Figure, ...]:
    found = []
    for percent in (50, 95, 99):
        q = percent / 100
        found.append(Figure(
            f"latency_p{percent}_s", "s", f"Time within which {percent} of 100 HTTP requests ended",
            f"histogram_quantile({q:g}, sum by (le) ({_BUCKETS}))"))
        found.append(Figure(
            f"latency_p{percent}_by_endpoint_s", "s", f"Latency p{percent} of each endpoint",
            f"histogram_quantile({q:g}, sum by (endpoint, le) ({_BUCKETS}))", "endpoint"))
    return tuple(found)


DEFAULT_FIGURES: tuple[Figure, ...] = (
    Figure("targets", "targets", "Targets that are scraped", "count(up)"),
    Figure("targets_up", "targets", "Targets that answer", "sum(up)"),
    Figure("request_rate_per_s", "per s", "HTTP requests per second", _REQUESTS),
    # Without a single failure the series of 5xx does not exist; that is no error, not unknown.
    Figure("error_ratio", "ratio", "HTTP requests that ended with a 5xx status",
           f"({_FAILED} or 0 * {_REQUESTS}) / {_REQUESTS}"),
    *_quantiles(),
    Figure("request_rate_by_endpoint_per_s", "per s", "HTTP requests per second of each endpoint",
           "sum by (endpoint) (rate(http_request_duration_seconds_count[{window}]))", "endpoint"),
    Figure("latency_mean_by_endpoint_s", "s", "Mean latency of each endpoint: sum over count",
           "sum by (endpoint) (rate(http_request_duration_seconds_sum[{window}])) / "
           "sum by (endpoint) (rate(http_request_duration_seconds_count[{window}]))", "endpoint"),
    Figure("busiest_agents_per_s", "per s", "Requests per second of the ten busiest agents",
           "topk(10, sum by (agent_id) (rate(agent_requests_total[{window}])))", "agent_id"),
    Figure("query_p99_s", "s", "Time within which 99 of 100 queries ended; slow above 2 s",
           "histogram_quantile(0.99, sum by (le) "
           "(rate(brain_query_duration_seconds_bucket[{window}])))"),
    Figure("cache_hit_ratio", "ratio", "Look-ups that the cache answered",
           "sum(rate(redis_cache_hits_total[{window}])) / "
           "(sum(rate(redis_cache_hits_total[{window}])) + "
           "sum(rate(redis_cache_misses_total[{window}])))"),
    Figure("active_connections", "connections", "Connections that are open",
           "sum(brain_ai_active_connections)"),
    Figure("requests_in_flight", "requests", "HTTP requests that are being answered",
           "sum(http_requests_in_progress) or sum(http_requests_inprogress) "
           "or sum(http_server_active_requests)"),
    Figure("pods", "pods", "Pods of the namespace by phase",
           f"sum by (phase) (kube_pod_status_phase{{{{{_PODS}}}}})", "phase"),
    Figure("node_cpu_ratio", "ratio", "Time that the processors of each machine were busy",
           '1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}[{window}]))',
           "instance"),
    Figure("node_memory_ratio", "ratio", "Main memory in use of each machine",
           "1 - sum by (instance) (node_memory_MemAvailable_bytes) / "
           "sum by (instance) (node_memory_MemTotal_bytes)", "instance"),
    Figure("node_disk_ratio", "ratio", "Space in use on the root file system of each machine",
           '1 - sum by (instance) (node_filesystem_avail_bytes{{mountpoint="/"}}) / '
           'sum by (instance) (node_filesystem_size_bytes{{mountpoint="/"}})', "instance"),
    Figure("node_uptime_s", "s", "How long each machine has been up",
           "max by (instance) (time() - node_boot_time_seconds)", "instance"),
    Figure("pod_cpu_cores", "cores", "Processors in use by the twenty busiest pods",
           "topk(20, sum by (pod) (rate(container_cpu_usage_seconds_total"
           f"{{{{{_CONTAINERS}}}}}[{{window}}])))", "pod"),
    Figure("pod_memory_bytes", "bytes", "Memory in use by the twenty largest pods",
           f"topk(20, sum by (pod) (container_memory_working_set_bytes{{{{{_CONTAINERS}}}}}))",
           "pod"),
    Figure("genai_rate_per_s", "per s", "Model calls per second of each model",
           "sum by (gen_ai_request_model) "
           "(rate(gen_ai_client_operation_duration_seconds_count[{window}]))",
           "gen_ai_request_model"),
    Figure("genai_latency_p95_s", "s", "Time within which 95 of 100 calls of each model ended",
           "histogram_quantile(0.95, sum by (gen_ai_request_model, le) "
           "(rate(gen_ai_client_operation_duration_seconds_bucket[{window}])))",
           "gen_ai_request_model"),
    # A histogram by type in the older convention, a counter per class in the newer one. Source:
    # OpenTelemetry semantic conventions for generative AI, metrics and inference token metrics.
    *(Figure(f"genai_{kind}_tokens_per_s", "tokens per s", f"{kind.capitalize()} tokens per second",
             f'sum(rate(gen_ai_client_token_usage_sum{{{{gen_ai_token_type="{kind}"}}}}'
             f"[{{window}}])) or sum(rate(gen_ai_client_inference_usage_{kind}_tokens_total"
             "[{window}]))") for kind in ("input", "output")),
)
"""Figures as delivered; ``{window}`` and ``{namespace}`` stand for the settings."""


def figures(chosen: Prometheus, window: str = "") -> dict[str, Figure]:
    """The figures in force by name, with the settings' namespace, own questions and window, or
    with another ``window``.

    Raises SettingsError for a window or namespace that is none, and for questions that are not a
    JSON object of known figures.
    """
    if not _WINDOW.fullmatch(chosen.window):
        raise SettingsError(f"BRAIN_PROMETHEUS_WINDOW={chosen.window[:40]!r} is not a duration "
                            "such as 5m")
    if not _NAMESPACE.fullmatch(chosen.namespace):
        raise SettingsError(f"BRAIN_PROMETHEUS_NAMESPACE={chosen.namespace[:40]!r} is not the name "
                            "of a Kubernetes namespace")
    own = _own_questions(chosen.queries)
    return {each.name: replace(each, promql=own.get(each.name) or each.promql.format(
        window=window or chosen.window, namespace=chosen.namespace)) for each in DEFAULT_FIGURES}


def _own_questions(text: str) -> Mapping[str, str]:
    if not text.strip():
        return {}
    try:
        own = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError("BRAIN_PROMETHEUS_QUERIES is not a JSON object") from error
    known = {each.name for each in DEFAULT_FIGURES}
    if not isinstance(own, dict) or not all(isinstance(value, str) and value.strip()
                                            for value in own.values()):
        raise SettingsError("BRAIN_PROMETHEUS_QUERIES is not a JSON object of texts")
    if unknown := sorted(set(own) - known):
        raise SettingsError(f"BRAIN_PROMETHEUS_QUERIES: there is no figure {unknown[0][:60]!r}; "
                            "'brain prometheus figures' names them all")
    return own


RULES_WINDOW = "2m"
_OF_PODS = 'namespace!="",pod!=""'


def adapter_rules() -> dict[str, list[dict[str, object]]]:
    """Rules for prometheus-adapter, by which an autoscaler reads three figures of each pod.

    Requests per second, p95 of the query duration in seconds, and active connections, over
    windows of two minutes. Source: prometheus-adapter documentation, "Metrics Discovery and
    Presentation Configuration".
    """
    def rule(series: str, name: str, query: str) -> dict[str, object]:
        return {"seriesQuery": f"{series}{{{_OF_PODS}}}",
                "resources": {"overrides": {"namespace": {"resource": "namespace"},
                                            "pod": {"resource": "pod"}}},
                "name": {"matches": f"^{series}$", "as": name}, "metricsQuery": query}

    chosen = f"<<.Series>>{{<<.LabelMatchers>>}}[{RULES_WINDOW}]"
    return {"rules": [
        rule("http_requests_total", "http_requests_per_second",
             f"sum by (<<.GroupBy>>) (rate({chosen}))"),
        rule("brain_ai_query_duration_seconds_bucket", "brain_ai_query_duration_p95_seconds",
             f"histogram_quantile(0.95, sum by (le, <<.GroupBy>>) (rate({chosen})))"),
        rule("brain_ai_active_connections", "brain_ai_active_connections",
             f"sum by (<<.GroupBy>>) (avg_over_time({chosen}))")]}
