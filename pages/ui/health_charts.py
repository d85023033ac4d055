"""Charts of System health: load, requests, errors, latency over time, and pods as a doughnut."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from analytics.health import Machine
from pages.ui import anomalies, cards, charts, data, health_cards
from pages.ui import health as shown
from pages.ui.filters import View
from pages.ui.health import PROMETHEUS

PHASES = {"Running": ("#2e9d6a", ""), "Pending": ("#d99a2b", "/"), "Failed": ("#cf4f4f", "x"),
          "Succeeded": ("#5b8db8", "."), "Unknown": ("#8a9392", "-")}
"""Colour and pattern of each phase, so that the colour is not the only sign."""
NO_MACHINE = ("No machine sent samples in this range. The server takes one of this machine every "
              "10 seconds while its jobs run.")
Marks = Sequence[Mapping[str, Any]]


def requests(view: View, origin: str, line: pd.DataFrame, latencies: pd.DataFrame,
             marks: Marks, left: Any, right: Any) -> None:
    """Request rate and latency on the left, errors on the right, each with its source."""
    told = health_cards.origin_of_charts(origin)
    metric = "api_latency_p95_ms" if origin == PROMETHEUS else "generation_latency_p95_ms"
    rate, errors = (None if origin == PROMETHEUS else anomalies.watch_rates(
        view, line, column, shown.width_s(view)) for column in ("rate_per_s", "error_pct"))
    with left, cards.guarded("Request rate"):
        _series(view, line, {"rate_per_s": "Requests"}, "per s", "health_rate", marks, told,
                area=True, bands=[rate])
        anomalies.tell(view, rate)
    with right, cards.guarded("Error rate"):
        _series(view, line, {"error_pct": "Errors"}, "%", "health_errors", marks, told,
                limit=shown.limits("error_pct"), bands=[errors])
        anomalies.tell(view, errors)
    with left, cards.guarded("Latency"):
        slow = None if origin == PROMETHEUS else anomalies.watch_latency(
            view, latencies, "p95_ms", shown.width_s(view))
        _series(view, latencies, {"p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99"}, "ms",
                "health_latency", marks, told, limit=shown.limits(metric)[:1],
                bands=[slow and replace(slow, of="p95")])
        anomalies.tell(view, slow)


def load(view: View, machine: Machine | None, line: pd.DataFrame, marks: Marks) -> None:
    """CPU and memory of the machine chosen."""
    with cards.guarded("CPU and memory"):
        if machine is None:
            st.info(NO_MACHINE, icon=":material/info:")
        elif not line[["cpu_pct", "memory_pct"]].notna().to_numpy().any():
            st.info(f"{machine.title} has no sample in this range. Choose another machine or a "
                    "longer range.", icon=":material/info:")
        else:
            lines = {"cpu_pct": "CPU", "memory_pct": "Memory"}
            bands = {column: anomalies.watch_samples(view, machine, line, column)
                     for column in lines}
            _series(view, line, lines, "%", "health_load", marks, f"From {machine.title}"
                    f"{', by samples in the event store' if machine.origin == 'samples' else ''}.",
                    top=100, bands=[band and replace(band, of=lines[column])
                                    for column, band in bands.items()])
            for band in bands.values():
                anomalies.tell(view, band)


def _series(view: View, frame: pd.DataFrame, columns: Mapping[str, str], unit: str, key: str,
            marks: Marks, told: str, **look: Any) -> None:
    charts.show(charts.time_series(
        frame, "bucket_start_utc", columns, unit=unit, zone=view.zone, span=view.span,
        annotations=marks, **look), key, explained=False)
    st.caption(told)


def doughnut(counts: Mapping[str, int], unit: str) -> go.Figure:
    """A ring of parts, each with its word and number; parts of 0 have no slice."""
    parts = {name: count for name, count in counts.items() if count}
    looks = [PHASES.get(name, PHASES["Unknown"]) for name in parts]
    figure = go.Figure(go.Pie(
        labels=list(parts), values=list(parts.values()), hole=0.62, sort=False,
        direction="clockwise", textinfo="label+value", textposition="outside",
        textfont={"color": GRAY_90},
        hovertemplate=f"%{{label}}: %{{value:,}} {unit}<extra></extra>",
        marker={"colors": [colour for colour, _ in looks],
                "pattern": {"shape": [shape for _, shape in looks], "size": 6}}))
    figure.update_layout(
        height=charts.HEIGHT, showlegend=False, paper_bgcolor="rgba(0,0,0,0)",
        margin={"l": 40, "r": 40, "t": 30, "b": 30},
        annotations=[{"text": f"{sum(parts.values()):,} {unit}", "showarrow": False,
                      "font": {"size": 16, "color": GRAY_90}}])
    return figure


def pods(zone: str) -> None:
    """Pods by phase from Kubernetes, else from Prometheus, and deployments."""
    found = read_pods()
    if found is None:
        st.info("No Kubernetes is configured, and Prometheus knows no kube_pod_status_phase. Set "
                "BRAIN_KUBERNETES_URL, or scrape kube-state-metrics.", icon=":material/info:")
        return
    counts, told = found
    if sum(counts.values()):
        charts.show(doughnut(counts, "pods"), "health_pods")
    st.markdown(" · ".join(f"**{count:,}** {phase.lower()}" for phase, count in counts.items()
                           if count or phase in {"Running", "Pending", "Failed"}))
    st.caption(f"{told} {shown.pods_verdict(counts)} {cards.as_of_text(zone)}.")


def read_pods() -> tuple[Mapping[str, int], str] | None:
    """Pods by phase and who told it, with its age where it is silent; None where nobody knows."""
    kubernetes, prometheus = shown.source("Kubernetes"), shown.source(PROMETHEUS)
    if kubernetes.is_configured and (kubernetes.values.get("pods") is not None
                                     or kubernetes.status != "ok"):
        counts = kubernetes.values.get("pods") or {}
        return counts, shown.said_by(kubernetes, f"namespace {_namespace()}")
    samples = prometheus.values.get("pods", ())
    if not prometheus.is_configured or not samples:
        return None
    counts = {each.labels.get("phase", "Unknown"): round(each.value or 0) for each in samples}
    return ({phase: counts.get(phase, 0) for phase in PHASES},
            shown.said_by(prometheus, f"namespace {data.settings().prometheus.namespace}"))


def _namespace() -> str:
    return data.settings().kubernetes.namespace
