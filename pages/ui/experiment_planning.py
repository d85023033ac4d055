"""The plan of an experiment: what is asked, from which past, and what comes out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from analytics.experiments import baselines, power
from analytics.experiments.baselines import Baseline, UnitCurve
from analytics.experiments.power import Plan, PlanMethod, SampleSize
from analytics.experiments.statistics import CannotTell
from brain.decisions.experiment import UNITS, Experiment, MetricDefinition
from brain.decisions.reasons import InputError
from pages.ui import cards, charts, data, experiment_charts, format, tables
from pages.ui.filters import View

PAST_DAYS = 28
BY_HAND = "Typed by hand"
LEAST_DAYS, MOST_DAYS = 28, 365
_WEEKS = (1, 2, 3, 4, 6, 8, 12)
_MOST_METRICS = 200
_KINDS = {"proportion": "share of units above 0", "mean": "mean per unit",
          "count": "total per unit"}
_METHODS: tuple[PlanMethod, ...] = ("sequential", "fixed")


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan as asked, and the units as they will come, or why that is unknown."""

    plan: Plan
    variants: int
    unit: str
    traffic_ratio: float
    curve: UnitCurve | CannotTell
    per_day: float | None

    @property
    def effect_pct(self) -> float:
        """The relative effect looked for, in percent of the control's mean."""
        return self.plan.effect * 100


def ask(view: View) -> Asked:
    """The form of a plan; every value stands in the address bar."""
    past = _past(view)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mean, variance, kind, known = _ask_metric(view, past)
        effect_pct = st.number_input(
            "Smallest effect (%)", 0.1, 1_000.0, 5.0, 0.5, key="plan_effect",
            bind="query-params", width=160,
            help="Relative to the control's mean: the smallest change worth finding.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox("Unit", UNITS, key="plan_unit", bind="query-params", width=140,
                            help="What is assigned to a variant and counted.")
        variants = int(st.number_input("Variants", 2, 20, 2, key="plan_variants", width=120,
                                       bind="query-params", help="With the control."))
        traffic_pct = st.number_input("Traffic (%)", 1.0, 100.0, 100.0, 5.0, key="plan_traffic",
                                      bind="query-params", width=130,
                                      help="Share of the units that take part.")
        chance_pct = st.number_input("Power (%)", 50.0, 99.0, 80.0, 5.0, key="plan_power",
                                     bind="query-params", width=130,
                                     help="Chance of finding the effect if it is there.")
        alpha_pct = st.number_input("False alarms (%)", 0.1, 20.0, 5.0, 0.5, key="plan_alpha",
                                    bind="query-params", width=150,
                                    help="Chance of a finding where there is no effect, over all "
                                         "treatments.")
        method: PlanMethod = st.selectbox(
            "Reading", _METHODS, key="plan_method", width=160, bind="query-params",
            help="Sequential: look whenever you like. Fixed: one look at the end.")
    if known is not None:
        st.caption(f"Baseline: {_number(mean)} ± {_number(variance ** 0.5)} (standard deviation) "
                   f"per unit, of {known.units:,} units in the last {PAST_DAYS} days.")
    plan = Plan(mean, variance, effect_pct / 100, True, kind == "proportion", alpha_pct / 100,
                chance_pct / 100, comparisons=variants - 1, method=method)
    curve, per_day = _units(view, unit, traffic_pct / 100)
    return Asked(plan, variants, unit, traffic_pct / 100, curve, per_day)


def draw(asked: Asked) -> SampleSize | CannotTell:
    """What the plan comes to: units, days, and the smallest effect over time."""
    size = power.plan_size(asked.plan)
    if isinstance(size, CannotTell):
        st.warning(f"There is no such plan: {_lower(size.text)}", icon=":material/block:")
        return size
    total = size.control + size.treatment * (asked.variants - 1)
    days = asked.curve if isinstance(asked.curve, CannotTell) else asked.curve.days_until(total)
    cards.row(_cards(asked, size, total, days))
    if isinstance(days, CannotTell):
        st.warning(f"How long it takes cannot be told: {_lower(days.text)}",
                   icon=":material/help:")
    if isinstance(asked.curve, UnitCurve):
        _draw_over_time(asked, asked.curve, days)
    return size


def draw_overlaps(asked: Asked, experiments: Sequence[Experiment], zone: str) -> None:
    """Experiments whose units could be in the planned one too."""
    others = [each for each in experiments if each.unit == asked.unit and not each.is_imported
              and each.state in ("draft", "running", "paused")]
    if not others:
        st.caption(f"No draft, running or paused experiment takes {asked.unit}s.")
        return
    tables.show(pd.DataFrame([{
        "key": each.key, "state": each.state, "traffic": each.traffic_ratio,
        "namespace": _namespace_text(each), "start_utc": each.started_at_utc or each.start_utc}
        for each in others]), "overlaps", {
            "key": "Experiment", "state": "State", "traffic": "Traffic", "namespace": "Namespace",
            "start_utc": "Start"}, {"traffic": "share", "start_utc": "time"},
        helps={"traffic": "Share of its units that take part",
               "namespace": "Experiments on disjoint parts of a namespace share no unit"})
    st.caption(f"A {asked.unit} can be in all of them at once unless a namespace keeps them apart. "
               "They are assigned independently, so each is read rightly; keep them apart where "
               "variants would get into each other's way.")


def offer_take_over(asked: Asked, size: SampleSize, experiments: Sequence[Experiment]) -> None:
    """A button that writes the plan into a draft."""
    drafts = {each.key: each for each in experiments if each.state == "draft"}
    if not drafts:
        st.caption("Create a draft on the Board to keep this plan in it.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Draft", list(drafts), key="plan_draft", width=260)
        pressed = st.button("Keep this plan in the draft", icon=":material/save:")
    st.caption(f"Sets its planned units to {size.total:,} (control and one treatment), the "
               f"smallest effect of its primary metric to {asked.effect_pct:g} %, its traffic to "
               f"{format.share(asked.traffic_ratio)} and its level to "
               f"{format.share(asked.plan.alpha)}. It can be undone on the experiment's page.")
    if pressed:
        draft = drafts[key]
        primary: MetricDefinition = replace(draft.primary,
                                            smallest_effect=round(asked.plan.effect, 6))
        try:
            data.engine().experiments.change(key, replace(
                draft, planned_units=size.total, primary=primary, alpha=asked.plan.alpha,
                traffic_ratio=asked.traffic_ratio))
        except (InputError, LookupError) as error:
            st.error(f"{error}", icon=":material/block:")
            return
        st.session_state["_told"] = f"The plan is kept in {key}."
        st.rerun()


def _cards(asked: Asked, size: SampleSize, total: int,
           days: float | CannotTell) -> list[cards.Card]:
    most = max(size.control, size.treatment)
    end = "" if isinstance(days, CannotTell) else \
        f"until {data.now() + dt.timedelta(days=days):%-d %b %Y} if begun now"
    return [
        cards.Card("Units per variant", format.compact(most),
                   "How many units each variant needs to find the effect with the power wanted.",
                   note=f"{most:,} {asked.unit}s"),
        cards.Card("Units in all", format.compact(total), "Of all variants together.",
                   note=f"{asked.variants} variants"),
        cards.Card("Duration", "unknown" if isinstance(days, CannotTell)
                   else f"{days:,.1f} days",
                   "Until that many units came, as they came in the last 28 days. Units that "
                   "come back are counted once.", note=end),
        cards.Card("New units a day", format.UNKNOWN if asked.per_day is None
                   else format.compact(asked.per_day),
                   "Units that take part and were not seen before in the 28 days, mean of the "
                   "last 7 days.", note=f"{format.share(asked.traffic_ratio)} of traffic")]


def _draw_over_time(asked: Asked, curve: UnitCurve, days: float | CannotTell) -> None:
    length = LEAST_DAYS if isinstance(days, CannotTell) else days * 1.6
    last = int(min(MOST_DAYS, max(LEAST_DAYS, length)))
    line = baselines.effects_by_day(asked.plan, curve, asked.variants, last)
    left, right = st.columns([3, 2])
    with left, cards.guarded("Smallest effect to be found", "With the power wanted, relative to "
                             "the control's mean, at one look on that day for a fixed reading."):
        if line.empty:
            st.caption("Too few units come to find any effect within the time shown.")
            return
        charts.show(experiment_charts.smallest_effects(
            line.assign(effect=line["effect"] * 100), asked.effect_pct, "%"), "plan_effects")
    with right, cards.guarded("By week"):
        weeks = line[line["day"].isin([week * 7 for week in _WEEKS])]
        tables.show(pd.DataFrame({
            "weeks": weeks["day"] // 7, "units": weeks["units"].round(),
            "effect_pct": weeks["effect"] * 100}), "plan by week", {
                "weeks": "Weeks", "units": "Units", "effect_pct": "Smallest effect (%)"},
            {"weeks": "count", "units": "count", "effect_pct": "pct"},
            helps={"units": "Of all variants", "effect_pct": "Found with the power wanted"})


def _ask_metric(view: View, past: Sequence[Baseline]
                ) -> tuple[float, float, str, Baseline | None]:
    known = {f"{each.metric}, {_KINDS[each.kind]}": each for each in past}
    chosen = st.selectbox("Metric", [*known, BY_HAND], key="plan_metric", bind="query-params",
                          width=360, help=f"With mean and spread of the last {PAST_DAYS} days of "
                          "the workspaces chosen, or typed by hand.")
    if chosen in known:
        found = known[chosen]
        return found.mean, found.variance, found.kind, found
    kind = st.selectbox("Kind", ["proportion", "mean"], key="plan_kind", bind="query-params",
                        width=150, help="Proportion: the share of units that do it.")
    if kind == "proportion":
        base_pct = st.number_input("Baseline (%)", 0.01, 99.99, 10.0, 1.0, key="plan_base_pct",
                                   bind="query-params", width=150,
                                   help="Share of the control's units that do it.")
        share = base_pct / 100
        return share, share * (1 - share), kind, None
    mean = st.number_input("Baseline", value=10.0, key="plan_base", bind="query-params", width=130,
                           help="The control's mean per unit.")
    spread = st.number_input("Standard deviation", 1e-9, None, 5.0, key="plan_spread",
                             bind="query-params", width=170, help="Of one unit.")
    return mean, spread * spread, kind, None


def _past(view: View) -> tuple[Baseline, ...]:
    start, end = _days()
    outcomes = data.query("design/outcome_baselines", start=start, end=end,
                          workspaces=view.workspaces, limit=_MOST_METRICS)
    asked = data.query("design/request_baselines", start=start, end=end,
                       workspaces=view.workspaces)
    return (*baselines.outcome_baselines(outcomes), *baselines.request_baselines(asked))


def _units(view: View, unit: str, ratio: float) -> tuple[UnitCurve | CannotTell, float | None]:
    """Units as they will come: as in the past, or as typed where nothing came."""
    start, end = _days()
    rows = data.query("design/new_units", start=start, end=end, workspaces=view.workspaces)
    came = {row["day_utc"]: row["units"] for row in rows[rows["unit"] == unit].to_dict("records")}
    if came:
        days = pd.date_range(min(came), end - dt.timedelta(days=1), freq="D")
        curve = baselines.unit_curve([came.get(day, 0) for day in days], ratio)
        if isinstance(curve, UnitCurve):
            return curve, curve.later_per_day
    typed = st.number_input(f"New {unit}s a day", 0.0, None, 0.0, 100.0, key="plan_per_day",
                            bind="query-params", width=200, help="No traffic of the last "
                            f"{PAST_DAYS} days names its {unit}s, so type how many will come.")
    curve = baselines.unit_curve([typed], ratio)
    return curve, typed * ratio if typed else None


def _days() -> tuple[dt.datetime, dt.datetime]:
    """The last whole days of UTC."""
    end = data.now().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return end - dt.timedelta(days=PAST_DAYS), end


def _namespace_text(each: Experiment) -> str:
    space = each.namespace
    return "none" if space is None else \
        f"{space.key}, {format.share(space.start)} to {format.share(space.end)}"


def _number(value: float) -> str:
    return f"{value:,.4g}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
