"""The board: every experiment with how it stands, and what was found in imported ones."""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analytics.experiments.statistics import CannotTell
from analytics.experiments.worth import MonthlyWorth, summarize_wins
from brain.decisions.experiment import Experiment
from brain.experiments.results import Results
from pages.ui import cards, charts, data, experiment_charts, filters, format, tables
from pages.ui import experiment_reading as reading

PAGE = "pages/experiments/experiment.py"
STATES = ("draft", "running", "paused", "stopped", "decided")
ORIGINS = {"own": "Own", "Demo": "Demo", "Imported": "Imported"}
_MOST_DRAWN = 16
_log = logging.getLogger(__name__)
_HELPS = {
    "days": "Since the start, until stopped",
    "origin": "Demo: demonstration data. Imported: statistics brought from elsewhere",
    "units": "Exposed units, each counted once; those that saw two variants left out",
    "health": "The worst of the health checks; a failed one takes the verdict away",
    "lead": "The winner, else the treatment with the best estimate of the primary metric",
    "effect": "Of the leading variant in the primary metric, relative to the control",
    "interval": "Of the reading that leads, the sequential one unless chosen otherwise",
    "cost": "What the leading variant takes off the LLM bill per month if all units get it; "
            "negative costs more",
    "verdict": "By the reading that leads; sequential verdicts hold at every look"}


def ask(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments that the filters leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="find_experiment", bind="query-params", width=260,
                             placeholder="key, name, owner")
        states = st.multiselect("State", STATES, key="experiment_state", bind="query-params",
                                placeholder="All", width=280)
        origins = st.multiselect("Origin", list(ORIGINS), key="experiment_origin", width=260,
                                 format_func=ORIGINS.__getitem__, bind="query-params",
                                 placeholder="All")
    wanted = text.strip().lower()
    return [each for each in sorted(experiments, key=reading.rank)
            if wanted in f"{each.key} {each.name} {each.owner} {each.hypothesis}".lower()
            and (not states or each.state in states)
            and (not origins or (reading.origin(each) or "own") in origins)]


def read_all(experiments: Sequence[Experiment]) -> dict[str, Results]:
    """Results by key; what cannot be read is left out and stands in the log."""
    found: dict[str, Results] = {}
    for each in experiments:
        try:
            found[each.key] = data.experiment_results(each.key)
        except Exception:
            number = secrets.token_hex(4)
            _log.exception("results of %r failed, number %s", each.key, number)
            st.error(f"Results of {each.key} could not be read. The cause stands in the log under "
                     f"number {number}.", icon=":material/error:")
    return found


def summarize(found: dict[str, Results]) -> None:
    """Cards over all experiments shown."""
    running = [each for each in found.values() if each.experiment.state == "running"]
    failed = [each for each in found.values() if reading.worst_check(each.checks) == "critical"]
    wins = summarize_wins([each.verdict.name for each in found.values()
                           if each.experiment.state != "draft"])
    cards.row([
        cards.Card("Running", format.count(len(running)), "Experiments that take units now.",
                   note=f"of {len(found):,} shown"),
        cards.Card("Exposed units", format.compact(sum(sum(each.units.values())
                                                       for each in found.values())),
                   "Units that saw a variant, over all experiments shown."),
        cards.Card("Health checks failed", format.count(len(failed)),
                   "Experiments whose verdict is taken away by a failed health check.",
                   status="critical" if failed else "ok"),
        cards.Card("Win rate", format.UNKNOWN if isinstance(wins, CannotTell)
                   else format.share(wins.ratio),
                   "Share of decided questions (better, worse, no difference) that a variant won, "
                   "with Wilson's 95 % interval.",
                   note=wins.text if isinstance(wins, CannotTell) else
                   f"{wins.wins} of {wins.decided}, {format.share(wins.lower_ratio)} to "
                   f"{format.share(wins.upper_ratio)}")], min_width_px=215)


def draw(found: dict[str, Results]) -> None:
    """The table; a chosen row opens its experiment."""
    rows = pd.DataFrame([_row(each) for each in found.values()])
    keys = list(rows["key"])
    chosen = tables.show(rows, "experiments", {
        "name": "Experiment", "origin": "From", "state": "State", "health": "Health",
        "verdict": "Verdict", "lead": "Leads", "effect": "Effect (%)",
        "interval": "95 % interval", "cost": "Cost saved (USD a month)", "days": "Days",
        "units": "Units", "key": "Key"}, {
            "effect": "pct", "days": "pct", "units": "count", "cost": "usd_unit"},
        helps=_HELPS, most_rows=20, select=True, key=f"board_{len(keys)}")
    st.caption("Choose a row to open its experiment.")
    if chosen:
        st.switch_page(PAGE, query_params=filters.link_params(experiment=keys[chosen[0]]))


def draw_imported(experiments: Sequence[Experiment]) -> None:
    """What each way of looking would have called in the imported experiments."""
    count = sum(each.is_imported for each in experiments)
    if not count:
        return
    with cards.guarded("Imported experiments: what looking daily does",
                       "Series with an effect that could be computed: one per metric and variant. "
                       "“Called” means that a difference was claimed at a 5 % level."):
        calls = data.imported_calls()
        cards.row([
            cards.Card("Series", format.count(calls.series),
                       "Metrics × treatments whose effect can be computed.",
                       note=f"{count:,} experiments"),
            cards.Card("Naive peeking calls", format.count(calls.naive),
                       "The fixed interval left zero at any of the looks: what stopping at the "
                       "first significant day claims.", note=_of(calls.naive, calls.series)),
            cards.Card("Sequential calls", format.count(calls.sequential),
                       "The anytime-valid interval left zero at any look: right however often "
                       "one looks.", note=_of(calls.sequential, calls.series)),
            cards.Card("Last look calls", format.count(calls.at_end),
                       "The fixed interval left zero at the last look only.",
                       note=_of(calls.at_end, calls.series))], min_width_px=190)
        st.caption(f"Whoever stops at the first significant look claims {calls.naive:,} "
                   f"differences; {calls.naive - calls.at_end:,} of them are gone at the end.")


def draw_effects(found: dict[str, Results]) -> None:
    """Leading effects with their intervals side by side; imported ones if there are no others."""
    valid = [each for each in found.values() if each.verdict.name != "invalid"]
    own = [each for each in valid if not each.experiment.is_imported]
    rows = [row for each in (own if len(own) > 1 else valid)
            if (row := _row(each))["effect"] is not None]
    if len(rows) < 2:
        return
    shown = pd.DataFrame([{"name": row["name"], "estimate": row["effect"],
                           "lower": row["lower"], "upper": row["upper"]}
                          for row in rows[:_MOST_DRAWN]])
    with cards.guarded("Effects side by side", "Of the leading variant in the primary metric, "
                       f"with the interval of the reading that leads; the first {_MOST_DRAWN} that "
                       "passed their health checks, imported ones only if there are no others."):
        charts.show(experiment_charts.intervals(shown, "% of the control's mean"),
                    "board_effects")


def _row(results: Results) -> dict[str, Any]:
    given, lead = results.experiment, reading.find_lead(results)
    days = reading.days(results)
    row: dict[str, Any] = {
        "key": given.key, "name": given.name, "state": given.state,
        "origin": reading.origin(given) or "own", "verdict": _verdict(results),
        "days": None if days is None else round(days, 1), "units": sum(results.units.values()),
        "health": cards.LOOKS[reading.worst_check(results.checks)][0],
        "lead": "", "effect": None, "interval": "", "lower": None, "upper": None, "cost": None}
    if lead is None:
        return row
    scale = 100 if lead.effect.is_relative else 1
    worth = results.worth.get(lead.comparison.variant)
    cost = worth.cost if worth else None
    return row | {
        "lead": reading.variant_name(given, lead.comparison.variant),
        "effect": lead.effect.estimate * scale, "lower": lead.reading.lower * scale,
        "upper": lead.reading.upper * scale,
        "interval": reading.interval_text(lead.reading, lead.effect.is_relative),
        "cost": cost.usd if isinstance(cost, MonthlyWorth) else None}


def _verdict(results: Results) -> str:
    given = results.experiment
    if given.state == "draft":
        return "Not begun"
    if given.state == "decided":
        name = reading.variant_name(given, given.decided_variant)
        return f"{reading.verdict_text(results.verdict)}; decided: {name}"
    return reading.verdict_text(results.verdict)


def _of(part: int, whole: int) -> str:
    return f"{format.share(part / whole)} of series" if whole else ""
