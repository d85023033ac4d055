"""Setting providers up: the form, a test call, quotas, and who changed what."""

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.models.catalogue import CAPABILITIES, Model
from brain.decisions.quotas import SCOPES, Quota
from brain.decisions.reasons import InputError
from brain.gateway.providers import KINDS, REMOVED, SET, ProviderConfig
from brain.gateway.question import Question
from pages.ui import ask_form, data, format, request_story, tables

NEW = "(a new one)"
_KIND_WORDS = {"openai": "OpenAI-compatible (OpenAI, vLLM, Ollama, LiteLLM, Llama API)",
               "anthropic": "Anthropic", "google": "Google", "bedrock": "Amazon Bedrock",
               "simulated": "Simulated: no real model, for drills and demos"}
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google": "GEMINI_API_KEY"}
_COLUMNS = ("name", "context_tokens", "max_output_tokens", "input_usd_per_mtok",
            "output_usd_per_mtok", "quality", "latency_ms", "capabilities")
_FIRST = {"name": "", "context_tokens": 128_000, "max_output_tokens": 4_096,
          "input_usd_per_mtok": None, "output_usd_per_mtok": None, "quality": None,
          "latency_ms": None, "capabilities": "tools, json, streaming"}


def edit(providers: Sequence[ProviderConfig]) -> None:
    """The form of a provider that is there, or of a new one."""
    by_name = {each.provider: each for each in providers}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Provider", [NEW, *by_name], key="provider", bind="query-params",
                              width=260)
        before = by_name.get(chosen)
        kind = st.selectbox("Kind", KINDS, KINDS.index(before.kind) if before else 0, width=420,
                            format_func=_KIND_WORDS.__getitem__, key=f"kind_{chosen}")
    with st.form(f"provider_{chosen}_{kind}", border=False):
        given = _ask(before, kind)
        if st.form_submit_button("Keep the provider", type="primary", icon=":material/check:"):
            _save(given, kind)
    if before is not None and st.button("Remove", icon=":material/delete:", key="drop_provider"):
        _confirm_removal(before.provider)


def offer_simulated(providers: Sequence[ProviderConfig]) -> None:
    """A button that adds the simulated provider, unless there is one."""
    if any(each.simulated for each in providers):
        return
    if st.button("Add the simulated provider", icon=":material/science:",
                 help="No key, no network: declared latency, price and failures. Marked "
                      "“simulated” wherever it appears."):
        data.engine().gateway.set_provider(ProviderConfig("simulated", "simulated", models=(
            Model("sim-large", input_usd_per_mtok=Decimal(2), output_usd_per_mtok=Decimal(8),
                  quality=90.0, latency_ms=800.0),
            Model("sim-small", input_usd_per_mtok=Decimal("0.2"),
                  output_usd_per_mtok=Decimal("0.8"), quality=75.0, latency_ms=400.0))))
        data.forget_answers()
        st.session_state["_told"] = "The simulated provider is in force."
        st.rerun()


def offer_test(providers: Sequence[ProviderConfig]) -> None:
    """A short question to one model, with what came of it."""
    routes = {f"{each.provider} / {model.name}": (each.provider, model.name)
              for each in providers if each.enabled for model in each.models}
    if not routes:
        st.caption("Every provider is switched off.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        route = st.selectbox("Model to try", list(routes), key="tried", width=320)
        if st.button("Test call", icon=":material/network_check:"):
            with st.spinner("Calling"):
                st.session_state["test_call"] = (route, data.engine().gateway.ask(Question(
                    "Reply with the word: ready.", provider=routes[route][0],
                    model=routes[route][1], max_output_tokens=20, use_cache=False,
                    use_knowledge=False, max_latency_ms=30_000, feature="test call",
                    user_id=ask_form.reader(), source="console")))
    if "test_call" not in st.session_state:
        return
    tried, found = st.session_state["test_call"]
    if found.status == "ok":
        st.success(f"{tried} answered in {format.ms(found.latency_ms)} for "
                   f"{format.usd(found.cost_usd)}: {request_story.plain(found.text, 200)}",
                   icon=":material/check_circle:")
    else:
        told = " ".join(each.text for each in found.reasons) or found.error
        st.error(f"{tried} did not answer: {request_story.plain(told)}", icon=":material/error:")
    with st.expander("Steps of the test call"):
        request_story.draw(request_story.steps_of(found), "test")


def edit_quota() -> None:
    """The form of a quota."""
    with st.form("quota", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            scope = st.selectbox("Of", SCOPES, format_func=lambda each: each.replace("_", " "),
                                 width=160)
            name = st.text_input("Name", max_chars=256, width=200, placeholder="each",
                                 help="Empty: each caller of this sort that has none of its own.")
            limits = [st.number_input(label, 0, 10**12, 0, width=170, help="0 for no limit.")
                      for label in ("Requests per minute", "Tokens per minute")]
            usd = st.text_input("USD per minute", max_chars=20, width=150, placeholder="no limit")
        keep = st.form_submit_button("Set the quota", icon=":material/check:",
                                     help="Without any limit, the quota is taken away.")
    if not keep:
        return
    try:
        quota = Quota(scope, name.strip(), limits[0] or None, limits[1] or None, _money(usd))
        if quota.requests_per_minute or quota.tokens_per_minute or quota.usd_per_minute:
            data.engine().gateway.quotas.put(quota)
            told = f"The {quota.label} is set."
        else:
            gone = data.engine().gateway.quotas.remove(scope, name.strip())
            told = f"The {quota.label} is taken away." if gone else "There was no such quota."
    except InputError as error:
        _tell(error)
        return
    st.session_state["_told"] = told
    st.rerun()


def show_history(zone: str) -> None:
    """Who changed which provider, newest first."""
    audit = data.engine().state.tables["audit"]
    rows = data.engine().state.rows("audit", audit.c.action.in_((SET, REMOVED)),
                                    order="audit_id")[::-1][:50]
    tables.show(pd.DataFrame([{
        "at_utc": each["at_utc"], "person": each["person"], "action": each["action"],
        "subject": each["subject"]} for each in rows]), "provider history", {
            "at_utc": "At", "person": "By", "action": "What", "subject": "Provider"},
        {"at_utc": "time"})


def _ask(before: ProviderConfig | None, kind: str) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", before.provider if before else "", max_chars=128, width=200,
                             disabled=before is not None, placeholder="openai")
        url = st.text_input("Address", before.base_url if before else "", max_chars=500,
                            width=300, disabled=kind in ("simulated", "bedrock"),
                            placeholder="the vendor's own", help="Base URL of its API.")
        variable = st.text_input(
            "Environment variable of the key", before.key_variable if before else
            _KEYS.get(kind, ""), max_chars=128, width=270, disabled=kind == "simulated",
            help="The key itself is never typed here, stored or shown.")
        position = st.number_input("Order", 0, 1_000, before.position if before else 0, width=110,
                                   help="Lower ones are preferred where all else is equal.")
        enabled = st.toggle("Switched on", before.enabled if before else True)
    if variable and kind != "simulated" and not os.environ.get(variable):
        st.caption(f"The server's environment has no {variable} now: calls would be refused.")
    st.markdown("**Models**", help="Prices go into the price book where it has none for them.")
    models = st.data_editor(
        pd.DataFrame([_model_row(each) for each in before.models] if before else [_FIRST],
                     columns=list(_COLUMNS)), num_rows="dynamic", hide_index=True,
        column_config=_model_columns(), key=f"models_{before.provider if before else kind}")
    with st.expander("Limits, breaker" + (", behaviour" if kind == "simulated" else "")):
        options = _ask_options(before, kind)
    return {"provider": name.strip(), "base_url": url.strip() if kind not in (
        "simulated", "bedrock") else "", "key_variable": "" if kind == "simulated"
        else variable.strip(), "position": int(position), "enabled": enabled, "options": options,
        "models": models}


def _ask_options(before: ProviderConfig | None, kind: str) -> dict[str, Any]:
    kept: Mapping[str, Any] = before.options if before else {}
    with st.container(horizontal=True):
        found: dict[str, Any] = {
            "places": st.number_input("Calls at once", 1, 10_000, int(kept.get("places", 32)),
                                      width=140),
            "queue": st.number_input("Places to wait", 0, 10_000, int(kept.get("queue", 64)),
                                     width=140),
            "timeout_s": st.number_input("Longest call (s)", 0.1, 3_600.0,
                                         float(kept.get("timeout_s", 60.0)), width=150),
            "failures": st.number_input("Breaker opens after failures", 1, 1_000,
                                        int(kept.get("failures", 5)), width=200),
            "first_pause_s": st.number_input("First pause (s)", 0.1, 600.0,
                                             float(kept.get("first_pause_s", 1.0)), width=140)}
    if kind == "bedrock":
        region = st.text_input("Region", str(kept.get("region_name", "")), max_chars=64)
        found |= {"region_name": region} if region else {}
    if kind == "simulated":
        profile = kept.get("profile", {})
        with st.container(horizontal=True):
            found["profile"] = {
                "latency_ms": st.number_input("Latency (ms)", 0.0, 600_000.0,
                                              float(profile.get("latency_ms", 300.0)), width=150),
                "tokens": st.number_input("Words of an answer", 1, 10_000,
                                          int(profile.get("tokens", 40)), width=170),
                "failures": {"unavailable": st.number_input(
                    "Calls that fail (%)", 0.0, 100.0, 100 * float(profile.get(
                        "failures", {}).get("unavailable", 0.0)), width=160) / 100}}
    return found


def _model_columns() -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {"name": text("Model", required=True), "context_tokens": number("Context (tokens)"),
            "max_output_tokens": number("Most output (tokens)"),
            "input_usd_per_mtok": number("Input (USD per million tokens)", format="%.6g"),
            "output_usd_per_mtok": number("Output (USD per million tokens)", format="%.6g"),
            "quality": number("Quality (0–100)", help="Declared, until it is measured here."),
            "latency_ms": number("Latency (ms)", help="Declared, until it is measured here."),
            "capabilities": text("Can do", help=", ".join(CAPABILITIES))}


def _model_row(model: Model) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(model, name) for name in _COLUMNS}
    for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
        row[name] = None if row[name] is None else float(row[name])
    return row | {"capabilities": ", ".join(sorted(model.capabilities))}


def _read_model(row: Mapping[str, Any]) -> Model:
    given: dict[str, Any] = {name: None if pd.isna(row[name]) else row[name]
                             for name in _COLUMNS}
    for name in ("context_tokens", "max_output_tokens"):
        given[name] = None if given[name] is None else int(given[name])
    for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
        given[name] = None if given[name] is None else Decimal(repr(float(given[name])))
    able = frozenset(each.strip() for each in str(given.pop("capabilities") or "").split(",")
                     if each.strip())
    if unknown := able - set(CAPABILITIES):
        raise InputError("unknown_capability", f"a model can do {', '.join(CAPABILITIES)}, not "
                                               f"{min(unknown)!r:.40}", "capabilities")
    return Model(**{**given, "name": str(given["name"] or "").strip()}, capabilities=able)


def _save(given: Mapping[str, Any], kind: str) -> None:
    try:
        models = tuple(_read_model(row) for row in given["models"].to_dict("records")
                       if str(row["name"] or "").strip())
        kept = data.engine().gateway.set_provider(ProviderConfig(
            **{**given, "kind": kind, "models": models}))
    except InputError as error:
        _tell(error)
        return
    data.forget_answers()
    st.session_state["_told"] = f"{kept.provider} is kept and in force."
    st.rerun()


@st.dialog("Remove the provider?")
def _confirm_removal(provider: str) -> None:
    st.markdown(f"**Remove {request_story.plain(provider)}**\n"
                "- **What will happen:** no question goes to it any more; what it answered stays "
                "recorded.\n- **Undo:** set it up again.")
    if st.button("Remove it", type="primary"):
        data.engine().gateway.providers.remove(provider)
        data.engine().gateway.forget()
        data.forget_answers()
        st.session_state["_told"] = f"{provider} is removed."
        st.rerun()


def _tell(error: InputError) -> None:
    field = f" ({error.field})" if error.field else ""
    st.error(f"{error.message[:1].upper()}{error.message[1:]}{field}.", icon=":material/block:")


def _money(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise InputError("not_a_number", f"{text!r:.20} is no amount in USD",
                         "usd_per_minute") from error
