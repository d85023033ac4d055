"""What needs attention: what the rules look at, and their findings as a list with links."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.usage import Usage
from brain.decisions.attention import (
    UNUSUAL_FOR,
    Finding,
    Situation,
    Unusual,
    list_findings,
)
from brain.decisions.health import HealthScore
from pages.ui import cards, charts, data, health, usage
from pages.ui.filters import View
from pages.ui.health import Seen

PAGES = {"health": ("pages/operations/health.py", "System health"),
         "optimization": ("pages/operations/optimization.py", "Optimization"),
         "costs": ("pages/finance/costs.py", "Costs"),
         "traffic": ("pages/product/traffic.py", "Traffic"),
         "data": ("pages/admin/data.py", "Data"),
         "import": ("pages/admin/import_data.py", "Import")}


WATCHED = ("Prometheus", "Redis", "PostgreSQL", "Kubernetes")


def find(view: View, seen: Seen, score: HealthScore, total: Usage) -> tuple[Finding, ...]:
    """Findings about the view's span and the stores, most urgent first."""
    engine = data.engine()
    status, demo = data.status(), engine.state.rows("demo_state")
    models = len(usage.unpriced(view)) if total.unpriced_requests else 0
    return list_findings(Situation(
        now=data.now(), requests=total.requests, unpriced_requests=total.unpriced_requests,
        unpriced_models=models, waiting_events=status.waiting.events,
        waiting_hours=status.waiting.hours, faults=status.faults, statuses=score.statuses,
        values=seen.values(),
        demo_until_utc=max((row["last_at_utc"] for row in demo), default=None),
        silent_sources=tuple((each.name, each.text) for each in data.sources()
                             if each.is_configured and each.name in WATCHED
                             and each.status != "ok"),
        unusual=_unusual(), optimizer_alerts=engine.optimization.alerts()),
        health.table_of_targets())


def _unusual() -> tuple[Unusual, ...]:
    """Anomalies of the platform's own series in the last hour that nobody dismissed."""
    now = data.now()
    return tuple(Unusual(row["anomaly_id"], row["series"], row["at_utc"], row["score"],
                         row["reason"])
                 for row in data.engine().anomalies(now - UNUSUAL_FOR, now)
                 if not row["verdict"])


def draw(findings: Sequence[Finding]) -> None:
    """Findings, each with its urgency in words and the page that helps."""
    if not findings:
        st.success("Nothing needs attention in this range.", icon=":material/check_circle:")
    for finding in findings:
        path, title = PAGES[finding.page]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            cards.badge(finding.urgency)
            with st.container(width="stretch"):
                st.text(finding.text)
            if finding.anomaly_id:
                st.button("Not an anomaly", key=f"dismiss_{finding.anomaly_id}", type="tertiary",
                          on_click=_dismiss, args=(finding.anomaly_id,),
                          help="Takes it off this list and teaches the series that up to a "
                               "quarter more than this is usual. It is written into the record.")
            st.page_link(path, label=title, icon=":material/arrow_forward:",
                         icon_position="right")


def _dismiss(anomaly_id: str) -> None:
    learned = data.engine().dismiss_anomaly(anomaly_id)
    st.toast("Noted. Its like will not be told again." if learned else
             "Noted. It was too long ago for the series to learn from.")


def draw_marks(marks: Sequence[Mapping[str, Any]], zone: str) -> None:
    """Annotations of the range, numbered as in the charts."""
    if not marks:
        st.caption("No deploy, incident or other mark in this range. “Annotate” adds one.")
    for line in charts.notes(marks, zone):
        st.caption(line)


def draw_score(score: HealthScore, machine_title: str) -> None:
    """The health score, its parts and what each of them cost."""
    told = "unknown" if score.score is None else f"{score.score:.0f} of 100"
    st.metric("Health score", told, label_visibility="collapsed")
    for part in score.parts:
        weight = f"weight {part.weight_pct:.0f} %" if part.weight_pct else "not counted"
        value = "unknown" if part.score is None else f"{part.score:.0f}"
        cost = f", costs {part.cost:.1f} points" if part.cost >= 0.05 else ""
        st.progress(0.0 if part.score is None else part.score / 100,
                    text=f"{part.name.capitalize()} **{value}** · {weight}{cost}")
    st.caption(f"{' '.join(reason.text for reason in score.reasons)} Machine: {machine_title}.")


HELP = ("0 to 100. Availability counts 40, performance 30, errors 20, resources 10. Each part is "
        "100 at its target and 0 at its critical level. Unknown parts are left out and the others "
        "re-weighted.")


def anything_recorded() -> bool:
    """Whether there is more than this machine's own samples."""
    status = data.status()
    return status.demo or any(
        rows for kind, rows in status.events.items() if kind != "metric_samples")


def welcome() -> None:
    """What to do where nothing was ever recorded."""
    st.info("Nothing is recorded yet. Three ways to begin:", icon=":material/rocket_launch:")
    for title, text in (
            ("Import a file", "CSV, Parquet, JSON lines or a trace: drop it on the Import page."),
            ("Send events", "POST JSON lines to /v1/events of this server."),
            ("Try it", "Write 30 days of demonstration data. It is marked, and goes by one "
                       "click.")):
        st.markdown(f"**{title}.** {text}")
