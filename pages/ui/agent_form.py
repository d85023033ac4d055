"""Agents: the table of them, and the form that keeps one."""

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.gateway.agents import CAPABILITIES, Agent, as_body, read_agent
from brain.gateway.question import PRIORITIES
from pages.ui import ask_form, data, prompt_versions, tables

_NEW = "(a new one)"


def draw(agents: Sequence[Agent]) -> None:
    """The table, and under it the form."""
    if not agents:
        st.info("No agent is registered. An agent that a question names is recorded all the same; "
                "registering one gives it a prompt, tools and a cost cap.",
                icon=":material/info:")
    else:
        tables.show(pd.DataFrame([{
            "agent_id": each.agent_id, "state": "on" if each.enabled else "off",
            "objective": each.objective, "capabilities": ", ".join(each.capabilities),
            "tools": ", ".join(tool.name for tool in each.tools), "prompt": each.prompt,
            "model": each.model, "cost_cap_usd": each.cost_cap_usd} for each in agents]),
            "agents", {"agent_id": "Agent", "state": "State", "objective": "Objective",
                       "capabilities": "Can do", "tools": "Tools", "prompt": "Prompt",
                       "model": "Model", "cost_cap_usd": "Cost cap (USD)"},
            {"cost_cap_usd": "usd_exact"})
    by_id = {each.agent_id: each for each in agents}
    chosen = st.selectbox("Agent to keep", [_NEW, *by_id], key="agent_kept", bind="query-params",
                          width=280)
    before = by_id.get(chosen)
    given = _ask(before, chosen)
    if given is not None:
        _keep(given)
    if before is not None:
        with st.container(horizontal=True):
            if st.button("Remove the agent", icon=":material/delete:",
                         help="It can be brought back: “Undo”."):
                data.engine().studio.agents.remove(before.agent_id)
                st.session_state["_told"] = f"{before.agent_id} is removed."
                st.session_state["removed_agent"] = before.agent_id
                st.rerun()
            if st.button("Undo its last change", icon=":material/undo:"):
                _undo(before.agent_id)
    elif (gone := st.session_state.get("removed_agent")) and st.button(
            f"Bring {gone} back", icon=":material/undo:"):
        del st.session_state["removed_agent"]
        _undo(gone)


def _ask(before: Agent | None, chosen: str) -> dict[str, Any] | None:
    kept = as_body(before) if before else {}
    prompts = ["", *(each.name for each in data.engine().studio.prompts.list())]
    with st.form(f"agent_{chosen}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            agent_id = st.text_input("Id", kept.get("agent_id", ""), max_chars=128, width=200,
                                     disabled=before is not None)
            name = st.text_input("Name", kept.get("name", ""), max_chars=256, width=200)
            enabled = st.toggle("Switched on", kept.get("enabled", True))
        objective = st.text_area("Objective", kept.get("objective", ""), max_chars=4_000, height=68)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            capabilities = st.multiselect("Can do", CAPABILITIES, kept.get("capabilities", []),
                                          width=320, placeholder="nothing further")
            prompt = st.selectbox("Prompt of the agent", prompts, prompts.index(kept["prompt"])
                                  if kept.get("prompt") in prompts else 0, width=200,
                                  format_func=lambda each: each or "(none)")
            routes = ask_form.routes()
            labels, now = list(routes), (kept.get("provider", ""), kept.get("model", ""))
            route = st.selectbox("Model of the agent", labels, next(
                (place for place, each in enumerate(labels) if routes[each] == now), 0), width=240)
            priority = st.selectbox("Priority", PRIORITIES, PRIORITIES.index(
                kept.get("priority", "balanced")), width=140)
            cap = st.text_input("Cost cap (USD per question)", kept.get("cost_cap_usd") or "",
                                max_chars=20, width=200, placeholder="none")
        tools = st.text_area("Tools (JSON list of name, description, parameters)", json.dumps(
            kept.get("tools", []), indent=2), height=100, max_chars=100_000)
        if not st.form_submit_button("Keep the agent", type="primary", icon=":material/check:"):
            return None
    provider, model = routes[route]
    return {"agent_id": agent_id.strip(), "name": name.strip(), "objective": objective.strip(),
            "capabilities": capabilities, "prompt": prompt, "provider": provider, "model": model,
            "priority": priority, "cost_cap_usd": cap.strip() or None, "enabled": enabled,
            "tools": tools}


def _keep(given: dict[str, Any]) -> None:
    try:
        tools = json.loads(given["tools"] or "[]")
        cap = None if given["cost_cap_usd"] is None else Decimal(given["cost_cap_usd"])
        agent = data.engine().studio.agents.put(read_agent({
            **given, "tools": tools, "cost_cap_usd": None if cap is None else f"{cap:f}"}))
    except InvalidOperation:
        st.error("The cost cap is no amount in USD.", icon=":material/block:")
        return
    except ValueError as error:
        if isinstance(error, InputError):
            prompt_versions.tell(error)
        else:
            st.error("The tools are no JSON.", icon=":material/block:")
        return
    st.session_state["_told"] = f"{agent.agent_id} is kept."
    st.rerun()


def _undo(agent_id: str) -> None:
    try:
        data.engine().studio.agents.undo(agent_id)
    except LookupError as error:
        prompt_versions.tell(error)
        return
    st.session_state["_told"] = f"{agent_id} is as before its last change."
    st.rerun()
