"""What the optimizer would do now, why, and the buttons that let it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from brain.decisions.optimization.effects import Range
from brain.decisions.optimization.metrics import TITLES, UNITS
from brain.decisions.optimization.strategies import BY_KEY
from brain.decisions.reasons import InputError
from brain.optimization.desk import Planned
from brain.scaling.changes import diff_yaml
from pages.ui import cards, data, format, tables
from pages.ui.cards import Card

KNOBS = {"replicas": "Worker slots or replicas", "cache_capacity_bytes": "Cache size (bytes)",
         "cache_ttl_s": "Cache lifetime (s)", "routing_weights": "Routing weights",
         "cpu_milli": "CPU request (millicores)", "memory_mib": "Memory request (MiB)"}
ACTIONS = {"scale_up": "Add capacity", "scale_down": "Take capacity away",
           "resource_rebalance": "Give each pod more", "cache_optimize": "Keep more answers",
           "route_optimize": "Move traffic to better providers"}
RISKS = {"low": "low risk", "medium": "some risk", "high": "high risk"}


def read() -> Planned:
    """What would be done now."""
    return data.engine().optimization.plan()


def draw_cards(found: Planned) -> None:
    """Score, what to expect of the plan, how often it looks by itself."""
    plan, rules = found.plan, found.rules
    score = plan.score.score
    expected = plan.expected
    whose = "of the demonstration" if found.observed.is_demo else ""
    status = "unknown" if score is None else "ok" if score >= 0.9 else "warning" \
        if score >= 0.6 else "critical"
    cards.row([
        Card("Performance score", "unknown" if score is None else f"{score:.2f}",
             "0 to 1: the weighted mean of response time, errors, success, throughput, CPU and "
             "memory against their targets.", status=status, note=whose or _basis(found)),
        Card("Would do now", plan.strategy.title if plan.strategy else "Nothing",
             "The first strategy in order whose conditions hold and that no bound forbids.",
             note=RISKS[plan.strategy.risk] if plan.strategy else ""),
        Card("Expected gain", "–" if expected is None or expected.gain is None
             else f"{expected.gain:.0%}", "Relative improvement of the metric that triggers: what "
             "the strategy's own runs brought, or what it was delivered with.",
             note=f"of {TITLES.get(plan.goal, plan.goal).lower()}" if plan.strategy else ""),
        Card("By itself", f"every {rules.interval_min:g} min" if rules.automatic else "off",
             "Whether the console looks and acts by itself.",
             note=f"acts on: {_actuator(found)}")], min_width_px=200)


def _basis(found: Planned) -> str:
    """What a score rests on that lacks what people feel."""
    missing = {TITLES[name] for name in found.plan.score.missing}
    known = ", ".join(TITLES[each.metric] for each in found.plan.score.parts)
    return f"of {known} only" if known and "Success rate" in missing else ""


def explain(found: Planned) -> None:
    """The plan in words, its changes, the way back, and every reason."""
    plan = found.plan
    if found.observed.is_demo:
        st.info("No real requests in the last minutes, so this is reckoned from the demonstration. "
                "Nothing can be changed by it.", icon=":material/science:")
    if found.fault:
        st.warning(f"The actuator cannot act: {found.fault}.", icon=":material/block:")
    for reason in plan.reasons:
        st.text(reason.text)
    if plan.strategy is None:
        return
    rows = [{"action": ACTIONS.get(each.kind, each.kind), "what": KNOBS.get(name, name),
             "before": show_value(each.before.get(name)), "after": show_value(value)}
            for each in plan.actions for name, value in each.after.items()]
    rows += [{"action": ACTIONS.get(each.kind, each.kind), "what": f"×{each.factor:g}",
              "before": "unknown", "after": "unknown"} for each in plan.actions if not each.after]
    tables.show(pd.DataFrame(rows), "planned changes", {
        "action": "Action", "what": "What", "before": "Now", "after": "Then"})
    st.caption(_expectation(found) + " Undo: the values under “Now” are kept before anything is "
               "changed, and put back if it gets worse.")
    if found.rules.actuator == "recommend":
        for each in plan.actions:
            st.code(diff_yaml(dict(each.before), dict(each.after)) or each.kind, language="diff")


def score_parts(found: Planned) -> None:
    """Every metric's value, points and weight."""
    score = found.plan.score
    rows = [{"metric": TITLES[each.metric], "value": f"{each.value:,.4g} {UNITS[each.metric]}",
             "score": each.score, "weight": each.weight} for each in score.parts]
    rows += [{"metric": TITLES[name], "value": "unknown", "score": None, "weight": None}
             for name in score.missing]
    tables.show(pd.DataFrame(rows), "score parts", {
        "metric": "Metric", "value": "Now", "score": "Points", "weight": "Weight"},
        {"score": "share", "weight": "share"}, helps={
            "score": "All at the target, none at the critical level.",
            "weight": "Its part of the score, once the unknown ones gave theirs away."})
    start, end = found.observed.start, found.observed.end
    st.caption(f"{found.observed.requests:,} requests in the "
               f"{(end - start).total_seconds() / 60:g} minutes before now.")


def act() -> None:
    """Look again, try, run: what will happen is said first, and confirmed."""
    verbs = data.engine().optimization
    if message := st.session_state.pop("optimizer_told", ""):
        st.success(message, icon=":material/check:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        only = st.selectbox("Strategy", ["", *BY_KEY], format_func=lambda key: (
            BY_KEY[key].title if key else "The first that fits"), width=260,
            help="One chosen by hand is done whatever its conditions say; bounds hold.")
        if st.button("Dry run", icon=":material/science:", help="Says what would be done; changes "
                                                                "nothing."):
            st.session_state["optimizer_dry"] = only
    if "optimizer_dry" in st.session_state:
        found = verbs.plan(st.session_state["optimizer_dry"], is_demo=False)
        st.markdown("**Dry run**")
        explain(found)
    forbidden = verbs.why_not("run")
    sure = st.checkbox("I have read what would be done and let it be done",
                       disabled=bool(forbidden))
    if st.button("Optimize now", type="primary", icon=":material/rocket_launch:",
                 disabled=not sure or bool(forbidden) or verbs.current() is not None):
        _run(only)
    if forbidden:
        st.caption(f"Not for you: {forbidden}.")
    if verbs.current() is not None:
        st.caption("A run is under way; only one at a time.")


def _run(only: str) -> None:
    verbs = data.engine().optimization
    try:
        done = verbs.run(only)
    except InputError as error:
        st.error(f"{error.message}.", icon=":material/block:")
        return
    if isinstance(done, Planned):
        st.info("Nothing was done. " + " ".join(each.text for each in done.plan.reasons[:3]))
        return
    st.session_state.pop("optimizer_dry", None)
    st.session_state["optimizer_told"] = "The run has begun; its progress is above."
    st.rerun()


def show_value(value: object) -> str:
    """A knob's value for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {weight:.2f}" for name, weight in value.items()) or "all alike"
    return "unknown" if value is None else f"{value:,.10g}" if isinstance(
        value, int | float) else str(value)


def _expectation(found: Planned) -> str:
    expected = found.plan.expected
    if expected is None:
        return ""
    now = {name: metric.value for name, metric in found.observed.seen.items()}
    told = []
    p95, latency = now.get("generation_latency_p95_ms"), expected.latency
    if p95 is not None:
        told.append("p95 not known" if latency is None else
                    f"p95 from {format.ms(p95)} to about {format.ms(latency.value)}"
                    + _between(latency, format.ms))
    if expected.errors is not None:
        told.append(f"errors to about {expected.errors.value:.2g} %"
                    + _between(expected.errors, lambda value: f"{value:.2g} %"))
    else:
        told.append("errors not known")
    cost = expected.cost
    told.append("cost not known" if cost is None else "cost unchanged" if cost.value == 0 else
                f"{cost.value:+,.4g} USD per hour"
                + _between(cost, lambda value: f"{value:+,.4g}"))
    return f"Expected: {', '.join(told)}."


def _between(given: Range, show: Callable[[float], str]) -> str:
    if given.low is None or given.high is None:
        return " (interval not known)"
    return "" if given.low == given.high else f" ({show(given.low)} to {show(given.high)})"


def _actuator(found: Planned) -> str:
    return {"engine": "the engine's own knobs", "kubernetes": f"Kubernetes ({found.rules.target})",
            "recommend": "nothing, it only recommends"}[found.rules.actuator]
