"""The playground: a prompt and criteria in, a recommendation with its reasons out."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import pandas as pd
import streamlit as st

from brain.decisions.models.catalogue import CAPABILITIES, Model
from brain.decisions.models.choosing import Candidate, ModelChoice
from brain.decisions.models.constraints import Criteria, Priority, State
from brain.decisions.models.features import Features, read_features
from brain.decisions.reasons import InputError
from brain.models.desk import Models
from pages.ui import cards, format, tables

_PRIORITIES: tuple[Priority, ...] = ("balanced", "cost", "latency", "quality")
_EXAMPLE = "Compare two ways to cache answers. Which is cheaper? Which one is safer?"


def draw(models: Models, catalogue: Sequence[Model]) -> None:
    """The form, and what is recommended for what stands in it."""
    prompt = st.text_area("Prompt", _EXAMPLE, max_chars=20_000, height=90, key="model_prompt",
                          help="Nothing is sent anywhere, and nothing is stored.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        priority = st.selectbox("Priority", _PRIORITIES, key="model_priority",
                                bind="query-params", format_func=str.capitalize)
        most_usd = st.text_input("Cost at most (USD)", placeholder="any", max_chars=20)
        latency_ms = st.number_input("Latency at most (ms)", 0, 10**9, None, 100,
                                     placeholder="any")
        quality = st.number_input("Quality at least", 0, 100, None, 1, placeholder="any",
                                  help="0 to 100")
        budget = st.text_input("Budget left (USD)", placeholder="no budget", max_chars=20)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        needs = st.multiselect("Needs", CAPABILITIES, placeholder="nothing special")
        regions = st.multiselect("Data stays in", sorted({
            region for each in catalogue for region in each.regions}), placeholder="anywhere")
        no_training = st.toggle("Only where customers' data trains nothing")
    try:
        criteria = Criteria(priority or "balanced", _amount(most_usd, "cost"),
                            None if latency_ms is None else float(latency_ms),
                            None if quality is None else float(quality), frozenset(needs),
                            frozenset(regions), no_training)
        found = models.choose(prompt or "", criteria,
                              State(budget_remaining_usd=_amount(budget, "budget")))
    except InputError as error:
        st.error(f"{error.message}.", icon=":material/block:")
        return
    _show(found, read_features(prompt or ""))


def _amount(text: str, field: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise InputError("invalid_value", f"The {field} {text!r:.40} is no number",
                         field) from error


def _show(found: ModelChoice, features: Features) -> None:
    st.caption(f"The prompt: {features.input_tokens:,} tokens"
               f"{' (characters/4)' if features.is_estimated else ''}, {features.complexity} "
               f"complexity, task {features.task_class}, language {features.language or 'unknown'}"
               f"{', seems to name a person' if features.has_personal_data else ''}.")
    if found.chosen is None:
        st.warning(found.reasons[0].text, icon=":material/block:")
    else:
        expected = found.chosen.expected
        cards.row([
            cards.Card("Recommended", found.chosen.model.name,
                       "The best of the models that break no constraint.",
                       note=found.chosen.model.provider),
            cards.Card("Expected cost", format.usd_exact(
                None if expected.cost_pico is None else Decimal(expected.cost_pico).scaleb(-12)),
                "Input tokens by count, output tokens by measured ratio or 1:2.",
                note=_cost_interval(expected)),
            cards.Card("Expected latency", format.ms(expected.latency.value),
                       "Median; declared figures count as 20 requests.",
                       note=_interval(expected.latency, "ms")),
            cards.Card("Expected quality", _points(expected.quality.value),
                       "0 to 100: declared, measured or predicted.",
                       note=_interval(expected.quality, ""))], min_width_px=240)
        st.markdown("\n".join(f"- {each.text}" for each in found.reasons))
        ranked = (found.chosen, *found.alternatives)
        tables.show(pd.DataFrame([_row(each) for each in ranked]), "candidates", {
            "model": "Model", "trade": "Beside the recommended one", "score": "Score",
            "quality": "Quality score", "latency": "Latency score", "cost": "Cost score",
            "usd": "Cost (USD)", "ms": "Latency (ms)", "points": "Quality", "basis": "Rests on"},
            {"score": "pct", "quality": "pct", "latency": "pct", "cost": "pct",
             "usd": "usd_unit", "ms": "ms", "points": "pct"}, key="model_candidates",
            helps={"score": "Mean of the three by the weights of priority and complexity",
                   "trade": "In the order in which to fall back"})
    if found.excluded:
        with st.expander(f"Why not the others ({len(found.excluded)})",
                         expanded=found.chosen is None):
            tables.show(pd.DataFrame([
                {"model": each.model.name, "why": "; ".join(broken.text for broken in each.broken),
                 "remedy": "; ".join(broken.remedy for broken in each.broken)}
                for each in found.excluded]), "excluded", {
                    "model": "Model", "why": "Why not", "remedy": "What would help"},
                key="model_excluded")


def _row(each: Candidate) -> dict[str, object]:
    expected, scores = each.expected, each.scores
    return {"model": each.model.name, "trade": each.trade or "recommended",
            "score": scores.total, "quality": scores.quality, "latency": scores.latency,
            "cost": scores.cost,
            "usd": None if expected.cost_pico is None else expected.cost_pico / 1e12,
            "ms": expected.latency.value, "points": expected.quality.value,
            "basis": f"{expected.quality.basis} quality, {expected.latency.basis} latency"}


def _cost_interval(expected: object) -> str:
    low = getattr(expected, "cost_lower_pico", None)
    high = getattr(expected, "cost_upper_pico", None)
    return "" if low is None or high is None else f"{low / 1e12:.3g} to {high / 1e12:.3g} USD"


def _interval(found: object, unit: str) -> str:
    low, high = getattr(found, "lower", None), getattr(found, "upper", None)
    return "" if low is None or high is None else f"{low:,.0f} to {high:,.0f} {unit}".strip()


def _points(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f}"
