"""The catalogue of models: declared figures beside measured ones, and the form that changes it."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import pandas as pd
import streamlit as st

from brain.decisions.models.catalogue import CAPABILITIES, Model
from brain.decisions.reasons import InputError
from brain.models.desk import Models
from brain.models.measuring import DAYS
from pages.ui import data, filters, format, tables

_NEW = "A new model"


def draw(models: Models, catalogue: Sequence[Model]) -> None:
    """Every model with its limits, prices, declared figures and measured ones."""
    rows = []
    for each in catalogue:
        whole = next((seen for seen in each.measured if not seen.task_class), None)
        rows.append({
            "model": each.name, "provider": each.provider,
            "state": "off" if not each.enabled else each.origin or "on",
            "context": each.context_tokens, "output": each.max_output_tokens,
            "input_usd": _number(each.input_usd_per_mtok),
            "output_usd": _number(each.output_usd_per_mtok),
            "quality": each.quality, "latency": each.latency_ms,
            "requests": whole.requests if whole else None,
            "p50": whole.latency_p50_ms if whole else None,
            "p95": whole.latency_p95_ms if whole else None,
            "errors": 100 * whole.errors / whole.requests if whole and whole.requests else None,
            "seen_quality": whole.quality if whole else None,
            "verdicts": whole.quality_n if whole else None,
            "can": ", ".join(sorted(each.capabilities)),
            "regions": ", ".join(sorted(each.regions))})
    tables.show(pd.DataFrame(rows), "models", {
        "model": "Model", "provider": "Provider", "state": "State",
        "quality": "Quality, declared", "seen_quality": "Quality, measured",
        "verdicts": "Verdicts", "latency": "Latency, declared (ms)", "p50": "p50 (ms)",
        "p95": "p95 (ms)", "errors": "Errors (%)", "requests": "Requests",
        "input_usd": "Input (USD/Mtok)", "output_usd": "Output (USD/Mtok)",
        "context": "Context (tokens)", "output": "Output limit (tokens)", "can": "Can",
        "regions": "Regions"},
        {"context": "count", "output": "count", "input_usd": "usd_unit", "output_usd": "usd_unit",
         "quality": "pct", "latency": "ms", "requests": "count", "p50": "ms", "p95": "ms",
         "errors": "pct", "seen_quality": "pct", "verdicts": "count"}, key="model_catalogue",
        helps={"quality": "0 to 100, as declared", "seen_quality": "25 × (stars − 1), mean",
               "p50": f"Of the last {DAYS} days, answers without error"})
    at = models.measured_at_utc()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Measure now", icon=":material/speed:"):
            with st.spinner("Measuring"):
                models.measure()
            st.rerun()
        st.caption("Not measured yet: the job does it every half hour." if at is None else
                   f"Measured {format.moment(at, filters.time_zone())} over {DAYS} days.")
    if unlisted := models.unlisted():
        names = ", ".join(f"{provider}/{name}" if provider else name
                          for provider, name in unlisted[:8])
        st.caption(f"Seen in requests, but in no catalogue: {names}"
                   f"{' and others' if len(unlisted) > 8 else ''}. Add them to have them chosen.")


def change(models: Models, catalogue: Sequence[Model]) -> None:
    """Add a model, change one, take it away, or take the last change back."""
    stored = {f"{each.provider}/{each.name}": each for each in models.book.all()}
    offered = {f"{each.provider}/{each.name}": each for each in catalogue
               if each.origin != "sample"}
    unlisted = {f"{provider}/{name}": Model(name, provider)
                for provider, name in models.unlisted()}
    known = unlisted | offered | stored
    picked = st.selectbox("Model to change", [_NEW, *sorted(known)], key="model_to_change")
    given = known.get(picked or _NEW, Model("", ""))
    with st.form(f"model_{picked}", border=False):
        with st.container(horizontal=True):
            provider = st.text_input("Provider", given.provider, max_chars=128)
            name = st.text_input("Model", given.name, max_chars=256)
            quality = st.number_input("Quality (0–100)", 0.0, 100.0, given.quality, 1.0)
            latency = st.number_input("Latency (ms)", 0.0, 1e9, given.latency_ms, 100.0)
        with st.container(horizontal=True):
            context = st.number_input("Context (tokens)", 1, 10**9, given.context_tokens)
            output = st.number_input("Output limit (tokens)", 1, 10**9, given.max_output_tokens)
            input_usd = st.text_input("Input (USD/Mtok)", _text(given.input_usd_per_mtok),
                                      placeholder="price book")
            output_usd = st.text_input("Output (USD/Mtok)", _text(given.output_usd_per_mtok),
                                       placeholder="price book")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            can = st.multiselect("Can", CAPABILITIES, sorted(given.capabilities))
            regions = st.text_input("Regions", ", ".join(sorted(given.regions)),
                                    placeholder="eu, us")
            no_training = st.toggle("Customers' data trains nothing", bool(given.no_training))
            enabled = st.toggle("May be chosen", given.enabled)
        if st.form_submit_button("Save this model", type="primary", icon=":material/save:"):
            _save(models, name, provider, input_usd, output_usd, quality=quality,
                  latency_ms=latency, context_tokens=context, max_output_tokens=output,
                  capabilities=frozenset(can), languages=given.languages,
                  regions=frozenset(each.strip() for each in regions.split(",") if each.strip()),
                  no_training=no_training or None, enabled=enabled)
    with st.container(horizontal=True):
        if st.button("Remove from the catalogue", icon=":material/delete:",
                     disabled=picked not in stored):
            models.remove(given.provider, given.name)
            st.rerun()
        if st.button("Undo the last change", icon=":material/undo:", disabled=picked == _NEW):
            try:
                models.undo(given.provider, given.name)
                st.rerun()
            except LookupError as error:
                st.caption(f"{error}.".capitalize())


def _save(models: Models, name: str, provider: str, input_usd: str, output_usd: str,
          **values: object) -> None:
    try:
        models.put(Model(name.strip(), provider.strip(), input_usd_per_mtok=_amount(input_usd),
                         output_usd_per_mtok=_amount(output_usd), **values))  # type: ignore[arg-type]
    except InputError as error:
        st.error(f"{error.message} ({error.field.removeprefix('model.')}).",
                 icon=":material/block:")
        return
    data.forget_answers()
    st.rerun()


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip()) if text.strip() else None
    except InvalidOperation as error:
        raise InputError("invalid_value", f"{text!r:.40} is no amount", "model.price") from error


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
