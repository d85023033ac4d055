"""Segments of an experiment: exploration, and marked so; and experiments that share its units."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analytics.experiments.effects import Effect
from analytics.experiments.segments import Heterogeneity
from brain.decisions.experiment import Experiment
from brain.experiments.results import Overlap, Results, SegmentResults
from pages.ui import cards, charts, data, experiment_charts, format, tables
from pages.ui import experiment_reading as reading

DIMENSIONS = ("device", "region", "plan", "workspace", "model")
_Z = 1.959963984540054  # of a two-sided 95 % interval
_MOST_DRAWN = 15


def draw(results: Results) -> None:
    """The primary effect by device, region, plan, workspace or model."""
    given = results.experiment
    with cards.guarded("Segments (exploration)", "Segments raise questions, they do not answer "
                       "them: with enough of them one differs by chance. No verdict is drawn."):
        by = st.selectbox("By", DIMENSIONS, key="segment_by", bind="query-params", width=200)
        with st.spinner("Reading segments"):
            found = data.experiment_segments(given.key, by)
        rows = _rows(given, found)
        if rows.empty:
            st.caption(f"No {by} is known of the exposed units.")
            return
        for each in found:
            st.markdown(f"**{reading.variant_name(given, each.variant)}:** "
                        f"{_heterogeneity_text(each, by)}")
        known = rows.dropna(subset=["estimate"])
        if len(known) > 1:
            charts.show(experiment_charts.intervals(
                known.head(_MOST_DRAWN), "% of the control's mean"), f"segments_{by}")
        tables.show(rows, f"segments {given.key}", {
            "variant": "Variant", "segment": by.capitalize(), "units": "Units",
            "estimate": "Effect (%)", "interval": "95 % interval, one look", "why": "Why unknown"},
            {"units": "count", "estimate": "pct"}, key="segments")


def draw_overlaps(overlaps: Sequence[Overlap]) -> None:
    """Experiments that a unit can take part in at the same time."""
    if not overlaps:
        st.caption("No other draft, running or paused experiment takes the same units.")
        return
    tables.show(pd.DataFrame([{
        "key": each.experiment.key, "name": each.experiment.name,
        "state": each.experiment.state, "traffic": each.experiment.traffic_ratio,
        "reason": each.reason} for each in overlaps]), "overlapping experiments", {
            "key": "Experiment", "name": "Name", "state": "State", "traffic": "Traffic",
            "reason": "Why it overlaps"}, {"traffic": "share"}, key="overlaps")


def _rows(given: Experiment, found: Sequence[SegmentResults]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for each in found:
        name = reading.variant_name(given, each.variant)
        for segment, effect in each.effects.items():
            shown = segment or "(none)"
            row: dict[str, Any] = {
                "variant": name, "segment": shown, "units": each.units.get(segment, 0),
                "name": shown if len(found) == 1 else f"{name}, {shown}",
                "estimate": None, "lower": None, "upper": None, "interval": "", "why": ""}
            if isinstance(effect, Effect):
                scale = 100 if effect.is_relative else 1
                reach = _Z * effect.standard_error
                row |= {"estimate": effect.estimate * scale,
                        "lower": (effect.estimate - reach) * scale,
                        "upper": (effect.estimate + reach) * scale,
                        "interval": f"{reading.effect_text(effect.estimate - reach)} to "
                                    f"{reading.effect_text(effect.estimate + reach)}"}
            else:
                row["why"] = effect.text
            rows.append(row)
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    return frame.sort_values("units", ascending=False, kind="stable", ignore_index=True)


def _heterogeneity_text(found: SegmentResults, by: str) -> str:
    told = found.heterogeneity
    if not isinstance(told, Heterogeneity):
        return told.text
    spread = format.share(told.inconsistency_ratio)
    if told.p_value < 0.05:
        return (f"effects may differ by {by} (p = {told.p_value:.2g}, {spread} of their spread is "
                "more than chance). A question for the next experiment.")
    return f"no sign that effects differ by {by} (p = {told.p_value:.2g})."
