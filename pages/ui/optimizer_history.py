"""Past optimizations: the timeline, what each strategy is worth, expected against measured."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.optimization.strategies import BY_KEY
from brain.optimization.exports import export, to_rows
from brain.optimization.records import Run
from pages.ui import charts, data, optimizer_run, tables
from pages.ui.filters import View

TRIGGERS = {
    "emergency_scale_up": "CPU above 90 %, memory above 95 %, errors above 5 %, or a full worker "
                          "pool with requests waiting",
    "proactive_rebalancing": "CPU above 70 % or memory above 80 %",
    "response_time": "p95 above its warning level",
    "throughput": "throughput below 800 per second while demand is unmet",
    "efficiency": "CPU below 30 % and memory below 40 %",
    "route_away": "errors above 5 % that capacity cannot explain"}


def strategies() -> None:
    """Every strategy with its trigger as delivered, its record, and what is expected now; the
    demonstration's record stands by itself."""
    _record_table(is_demo=False)
    if any(run.is_demo for run in data.engine().optimization.runs(limit=None)):
        st.badge("Demo", icon=":material/science:", color="orange")
        st.caption("What the demonstration's runs say. They count for nothing above.")
        _record_table(is_demo=True)


def _record_table(*, is_demo: bool) -> None:
    rows = []
    for record in data.engine().optimization.records(is_demo=is_demo):
        if is_demo and not record.runs:
            continue
        strategy = BY_KEY[record.strategy]
        rows.append({"priority": strategy.priority, "strategy": strategy.title,
                     "trigger": TRIGGERS[strategy.key], "risk": strategy.risk,
                     "expected": 100 * record.gain, "runs": record.runs,
                     "success": record.success_share})
    if not rows:
        return
    tables.show(pd.DataFrame(rows).sort_values("priority", kind="stable"),
                "strategies of the demonstration" if is_demo else "strategies", {
        "strategy": "Strategy", "expected": "Expected gain (%)", "runs": "Measured runs",
        "success": "Successes", "risk": "Risk", "trigger": "When"},
        {"expected": "pct", "runs": "count", "success": "share"}, helps={
            "trigger": "As delivered; the settings below hold. Each must hold for a while first.",
            "success": "Measured runs that improved things."})


def _choose(runs: list[Run]) -> list[Run]:
    """The runs of the platform, or those of the demonstration where there are no others or a
    person asks for them: never both in one chart."""
    own, demo = ([run for run in runs if run.is_demo == is_demo] for is_demo in (False, True))
    whose = "Yours" if own else "Demo"
    if own and demo:
        whose = st.segmented_control("Whose runs", ("Yours", "Demo"), default="Yours",
                                     required=True) or "Yours"
    if whose == "Yours":
        return own
    st.badge("Demo", icon=":material/science:", color="orange")
    return demo


def draw(view: View) -> None:
    """Timeline, calibration, effect so far, and one run in detail."""
    runs = data.engine().optimization.runs(view.span.start, view.span.end, None)
    if not runs:
        st.caption("No run in this range. “Optimize now” begins one where something is to be "
                   "done; a longer range may hold older ones.")
        return
    runs = _choose(runs)
    rows = to_rows(runs)
    rows["how"] = [optimizer_run.VERDICTS.get(each.verdict, each.verdict)
                   + (", rolled back" if each.rolled_back else "") for each in runs]
    rows["what"] = [optimizer_run.optimizer_text(each) for each in runs]
    for name in ("expected_gain", "measured_gain", "gain_low", "gain_high"):
        rows[f"{name}_pct"] = 100 * rows[name]
    labels = {"started_at_utc": "At", "title": "Strategy", "how": "How it ended",
              "expected_gain_pct": "Expected (%)", "measured_gain_pct": "Measured (%)",
              "gain_low_pct": "at least", "gain_high_pct": "at most",
              "what": "What was changed", "person": "By"}
    chosen = tables.show(rows, "optimizations", labels, {
        "started_at_utc": "time", **dict.fromkeys(
            ("expected_gain_pct", "measured_gain_pct", "gain_low_pct", "gain_high_pct"), "pct")},
        select=True, most_rows=8, helps={
            "expected_gain_pct": "What the strategy was expected to bring before the run.",
            "measured_gain_pct": "Relative improvement of its goal, measured.",
            "gain_low_pct": "Lower end of the interval.",
            "gain_high_pct": "Upper end of the interval."})
    if chosen:
        optimizer_run.details(runs[chosen[0]], view)
    else:
        st.caption("Choose a run to see what it measured, its steps, and to take it back.")
    _calibration(rows)
    _effect(rows, view)
    with st.container(horizontal=True):
        for form, mime in (("json", "application/json"), ("parquet", "application/x-parquet")):
            st.download_button(form.upper() if form == "json" else "Parquet",
                               partial(export, data.engine(), runs, form),
                               file_name=f"optimizations.{form}", mime=mime,
                               icon=":material/download:", on_click="ignore", type="tertiary",
                               help="All of these runs; JSON also has the configuration, every "
                                    "step and the health of the last hour.")


def _calibration(rows: pd.DataFrame) -> None:
    known = rows.dropna(subset=["expected_gain", "measured_gain"])
    if known.empty:
        st.caption("Expected against measured gain is shown once a run was measured.")
        return
    st.markdown("**Expected against measured gain**", help="Points on the line were expected "
                "rightly; below it less came of it than expected.")
    groups: list[tuple[str, Any, Any, Any, str, str]] = [
        (str(strategy), part["expected_gain_pct"], part["measured_gain_pct"],
         part["title"], symbol, "markers") for (strategy, part), symbol in zip(
             known.groupby("title"), ("circle", "square", "diamond", "cross", "x", "star"),
             strict=False)]
    low = min(0.0, float(known[["expected_gain_pct", "measured_gain_pct"]].min().min()))
    high = max(10.0, float(known[["expected_gain_pct", "measured_gain_pct"]].max().max()))
    groups.append(("As expected", [low, high], [low, high], ["", ""], "line-ns", "lines"))
    charts.show(charts.scatter(groups, x_unit="% expected", y_unit="% measured"),
                "optimizer_calibration")


def _effect(rows: pd.DataFrame, view: View) -> None:
    """What kept runs added up to: response time and cost per hour over time."""
    kept = rows[~rows["rolled_back"] & rows["verdict"].isin(("improved", "no_change", "unclear"))]
    kept = kept.sort_values("started_at_utc")
    lines = {"latency_change_ms": ("Response time, all kept runs together", "ms"),
             "cost_usd_per_h": ("Cost per hour, all kept runs together", "USD per h")}
    for name, (title, unit) in lines.items():
        part = kept.dropna(subset=[name])
        if len(part) < 2:
            continue
        st.markdown(f"**{title}**")
        charts.show(charts.time_series(
            part.assign(total=part[name].cumsum()), "started_at_utc", {"total": title}, unit=unit,
            zone=view.zone, span=view.span), f"optimizer_{name}")
