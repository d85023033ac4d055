"""Tables of System health: database, cache, endpoints, agents, model calls, and all sources."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analytics.spans import DAY, Span
from brain.decisions import targets
from brain.watch import SourceStatus, answer, rows
from pages.ui import data, format, tables
from pages.ui import health as shown
from pages.ui.cards import LOOKS
from pages.ui.filters import View
from pages.ui.health import PROMETHEUS

MOST_ENDPOINTS = 50
SLOW_QUERY_S = 2.0
Line = tuple[str, str, str, str]
DATABASE: tuple[tuple[str, str, str], ...] = (
    ("db_connections_pct_of_pool", "Connections of those allowed", "pct"),
    ("db_queries_per_s", "Statements per second", "per_s"),
    ("db_transactions_per_s", "Transactions per second", "per_s"),
    ("db_slow_queries_per_h", "Slow statements per hour", "number"),
    ("db_cache_hit_pct", "Blocks in memory", "pct"),
    ("db_index_hit_pct", "Index blocks in memory", "pct"),
    ("replication_lag_ms", "Replication lag", "ms"))
CACHE: tuple[tuple[str, str, str], ...] = (
    ("cache_hit_pct", "Hit ratio", "pct"),
    ("cache_memory_pct", "Memory of its limit", "pct"),
    ("cache_evictions_per_s", "Evictions per second", "per_s"),
    ("cache_clients", "Clients", "number"), ("ops_per_s", "Commands per second", "per_s"))
_SHOWN = {"pct": format.pct, "per_s": format.per_s, "ms": format.ms,
          "number": lambda value: "unknown" if value is None else f"{value:,.4g}"}


def database() -> None:
    """What the watched PostgreSQL is doing, its slow statements, standbys and slots."""
    status = shown.source("PostgreSQL")
    if not _begin(status, "PostgreSQL", "BRAIN_POSTGRES_URL"):
        return
    more: list[Line] = []
    if values := status.values:
        states = ", ".join(f"{row['connections']:,} {row['state']}"
                           for row in values.get("connections", ()))
        more = [("Connections by state", f"{states or 'none'} of {values['max_connections']:,}",
                 "", "")]
    _table(status, "database", DATABASE, more)
    _rows(status, "slow_statements", "Slow statements", {
        "statement": "Statement", "calls": "Calls", "mean_ms": "Mean, ms", "total_ms": "Total, ms",
        "rows_per_call": "Rows per call"}, {"calls": "count", "mean_ms": "ms", "total_ms": "ms",
                                            "rows_per_call": "per_s"})
    _rows(status, "replicas", "Standbys", {
        "replica": "Standby", "state": "State", "lag_ms": "Lag, ms", "lag_bytes": "Behind"},
        {"lag_ms": "ms", "lag_bytes": "bytes"})
    _rows(status, "slots", "Replication slots", {
        "slot": "Slot", "is_active": "Active", "held_bytes": "Log held back",
        "wal_status": "State"}, {"held_bytes": "bytes"})


def cache() -> None:
    """What the watched Redis is doing."""
    status = shown.source("Redis")
    if not _begin(status, "Redis", "BRAIN_REDIS_URL"):
        return
    more: list[Line] = []
    if values := status.values:
        limit = values.get("max_memory_bytes")
        more = [("Memory in use", f"{format.size(values.get('used_memory_bytes'))} of "
                 f"{format.size(limit) if limit else 'no limit'}", "", "")]
    _table(status, "cache", CACHE, more)


def endpoints(view: View, origin: str) -> None:
    """Endpoints, slowest first, from the event store (its last day) or from Prometheus."""
    labels = {"endpoint": "Endpoint", "rate_per_s": "Requests per s", "mean_ms": "Mean, ms",
              "p50_ms": "p50, ms", "p95_ms": "p95, ms", "p99_ms": "p99, ms"}
    kinds = {name: "per_s" if name == "rate_per_s" else "ms"
             for name in labels if name != "endpoint"}
    if origin == PROMETHEUS:
        status = shown.source(PROMETHEUS)
        found = _by_label(status.values, "endpoint", {
            "rate_per_s": ("request_rate_by_endpoint_per_s", 1.0),
            "mean_ms": ("latency_mean_by_endpoint_s", 1e3),
            **{f"p{q}_ms": (f"latency_p{q}_by_endpoint_s", 1e3) for q in (50, 95, 99)}})
        _show(found, "p95_ms", labels, kinds, "endpoints", "Prometheus has no series "
              "http_request_duration_seconds by endpoint.")
        st.caption(shown.said_by(status))
        return
    span = Span(max(view.span.start, view.span.end - DAY), view.span.end)
    params = {name: value for name, value in view.params(span).items()
              if not name.startswith(("hour_", "day_"))}
    read = data.query("health/endpoints", limit=MOST_ENDPOINTS, **params)
    seconds = (min(span.end, data.now()) - span.start).total_seconds()
    read = read.assign(rate_per_s=read["requests"] / seconds,
                       endpoint=read["endpoint"].replace("", "(none named)"))
    _show(read, "p95_ms", labels, kinds, "endpoints", "No requests in the last day of this range.")
    st.caption(f"From the event store, {'the range' if span == view.span else 'its last 24 hours'}."
               " A mean is the sum over the count; quantiles ±1 %.")


def agents() -> None:
    """The busiest agents and the calls of models, where Prometheus knows them."""
    status = shown.source(PROMETHEUS)
    busiest = _by_label(status.values, "agent_id",
                        {"rate_per_s": ("busiest_agents_per_s", 1.0)})
    _show(busiest, "rate_per_s", {"agent_id": "Agent", "rate_per_s": "Requests per s"},
          {"rate_per_s": "per_s"}, "busiest_agents", "")
    models = _by_label(status.values, "gen_ai_request_model", {
        "rate_per_s": ("genai_rate_per_s", 1.0), "p95_ms": ("genai_latency_p95_s", 1e3)})
    _show(models, "rate_per_s", {"gen_ai_request_model": "Model", "rate_per_s": "Calls per s",
                                 "p95_ms": "p95, ms"},
          {"rate_per_s": "per_s", "p95_ms": "ms"}, "model_calls", "")
    tokens = {word: answer(status.values, f"genai_{word}_tokens_per_s").value
              for word in ("input", "output")}
    told = ", ".join(f"{word} {value:,.1f} tokens per s" for word, value in tokens.items()
                     if value is not None)
    st.caption(" ".join(part for part in (
        f"Model calls: {told}." if told else "", shown.said_by(status))
        if part) if len(busiest) or len(models) or told else
        "Prometheus has neither agent_requests_total nor gen_ai_client series.")


def queries() -> None:
    """How long the slowest queries take by Prometheus, where it knows them."""
    status = shown.source(PROMETHEUS)
    found = answer(status.values, "query_p99_s")
    if found.why in {"no_series", "not_asked"}:
        return
    if found.value is None:
        st.caption("Query duration p99: no traffic. From Prometheus.")
    else:
        verdict = "slow" if found.value > SLOW_QUERY_S else "not slow"
        st.caption(f"Query duration p99: **{format.ms(found.value * 1e3)}**, {verdict} (slow above "
                   f"{SLOW_QUERY_S:g} s). {shown.said_by(status)}")


def pod_load() -> None:
    """Processors and memory in use by each pod, where Prometheus knows them."""
    found = _by_label(shown.source(PROMETHEUS).values, "pod", {
        "cores": ("pod_cpu_cores", 1.0), "memory_bytes": ("pod_memory_bytes", 1.0)})
    _show(found, "cores", {"pod": "Pod", "cores": "Processors", "memory_bytes": "Memory"},
          {"cores": "per_s", "memory_bytes": "bytes"}, "pods", "")


def deployments() -> None:
    """Replicas wanted and ready of each deployment, where Kubernetes is configured."""
    _rows(shown.source("Kubernetes"), "deployments", "Deployments", {
        "name": "Deployment", "wanted": "Wanted", "ready": "Ready"},
        {"wanted": "count", "ready": "count"})


def sources() -> pd.DataFrame:
    """The table of sources: name, status in words, last value, reason."""
    return pd.DataFrame([{
        "source": each.name,
        "status": LOOKS[each.status][0] if each.is_configured else "Not configured",
        "value_at_utc": each.value_at_utc,
        "age": format.ago(each.value_at_utc, data.now()), "text": each.text}
        for each in data.sources()])


def _begin(status: SourceStatus, name: str, variable: str) -> bool:
    """Whether there is anything to show; says how to connect, or why nothing is known yet."""
    if not status.is_configured:
        st.info(f"No {name} is watched. Set {variable}; docs/sources.md says which right it needs.",
                icon=":material/info:")
    elif not status.values:
        st.warning(f"Unknown. {status.text}", icon=":material/help:")
    return bool(status.is_configured and status.values)


def _table(status: SourceStatus, name: str, metrics: Sequence[tuple[str, str, str]],
           more: Sequence[Line]) -> None:
    table = shown.table_of_targets()
    lines: list[Line] = []
    for metric, label, kind in metrics:
        value, target = status.values.get(metric), table.get(metric)
        judged = "" if target is None else "Unknown, too old" if status.status != "ok" else \
            LOOKS[targets.judge(target, value)][0]
        level = "" if target is None else \
            f"{'at most' if target.better == 'lower' else 'at least'} {target.target:g} " \
            f"{target.unit}"
        lines.append((label, _SHOWN[kind](value), level, judged))
    tables.show(pd.DataFrame([*lines, *more], columns=["measure", "value", "target", "status"]),
                name, {"measure": "Measure", "value": "Value", "status": "Status",
                       "target": "Target"})
    if status.status == "ok":
        st.caption(f"From {status.name}, {format.ago(status.value_at_utc, data.now())}. "
                   f"{status.text}")
    else:
        st.warning(f"Last value {format.ago(status.value_at_utc, data.now())}. {status.text}",
                   icon=":material/history:")


def _rows(status: SourceStatus, name: str, title: str, labels: Mapping[str, str],
          kinds: Mapping[str, str]) -> None:
    if found := status.values.get(name):
        st.markdown(f"**{title}**")
        tables.show(pd.DataFrame(list(found)), name, labels, kinds)


def _by_label(values: Mapping[str, Any], label: str,
              figures: Mapping[str, tuple[str, float]]) -> pd.DataFrame:
    """One row for each value of the label, a column for each figure, gaps without traffic."""
    read = {column: {name: None if value is None else value * scale
                     for name, value in rows(values, figure, label).items()}
            for column, (figure, scale) in figures.items()}
    names = sorted({name for column in read.values() for name in column})
    return pd.DataFrame({label: [name or "(none named)" for name in names], **{
        column: pd.Series([found.get(name) for name in names], dtype="float64")
        for column, found in read.items()}})


def _show(frame: pd.DataFrame, by: str, labels: Mapping[str, str], kinds: Mapping[str, str],
          name: str, empty: str) -> None:
    if len(frame):
        tables.show(frame.sort_values(by, ascending=False, na_position="last"), name, labels, kinds)
    elif empty:
        st.caption(empty)
