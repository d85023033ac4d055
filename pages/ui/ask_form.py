"""The question box with its choices, what the reader prefers, and questions to ask again."""

from decimal import Decimal

import streamlit as st

from brain.decisions.personalization import TONES, VERBOSITIES
from brain.gateway.question import PRIORITIES, Question
from brain.kept import whoami
from pages.ui import data, filters

ANY = "(the engine chooses)"
NO_AGENT = "(none)"
_PRIORITY_HELP = ("What counts most where the engine chooses: balanced weighs quality, latency "
                  "and cost by how hard the question is.")


def reader() -> str:
    """The name that the reader's questions carry: that of who sits at this machine."""
    return whoami()


def workspace() -> str:
    """The workspace that is asked: the only one filtered by, else the default one."""
    chosen = filters.view().workspaces
    return chosen[0] if len(chosen) == 1 else "default"


def ask() -> Question | None:
    """The question, when it is sent."""
    engine = data.engine()
    again = st.session_state.pop("_ask_again", "")
    if again:
        st.session_state["question"] = again
    with st.form("ask", border=False, enter_to_submit=False):
        text = st.text_area("Your question", key="question", height=110, max_chars=20_000,
                            placeholder="What do you want to know?")
        with st.container(horizontal=True):
            agents = [NO_AGENT, *(each.agent_id for each in engine.studio.agents.list()
                                  if each.enabled)]
            agent = st.selectbox("Agent", agents, key="ask_agent", bind="query-params", width=200,
                                 help="Brings its prompt, tools, model and cost cap.")
            offered = routes()
            route = st.selectbox("Model", list(offered), key="ask_model", bind="query-params",
                                 width=260)
            priority = st.selectbox("Priority", PRIORITIES, key="ask_priority", width=160,
                                    bind="query-params", help=_PRIORITY_HELP)
        with st.expander("Limits and session"), st.container(horizontal=True):
            most_usd = st.number_input("Highest cost (USD)", 0.0, 1_000.0, 0.0, 0.01, width=180,
                                       help="0 for no limit of its own.")
            most_s = st.number_input("Longest wait (s)", 0.0, 3_600.0, 0.0, 1.0, width=180,
                                     help="0 for the setting's.")
            session = st.text_input("Session", max_chars=256, width=200,
                                    help="Groups questions that belong together.")
            use_cache = st.checkbox("Use the answer cache", value=True)
            use_knowledge = st.checkbox("Use the workspace's documents", value=True)
        sent = st.form_submit_button("Ask", type="primary", icon=":material/send:")
    st.caption(f"Asked as {reader()} in workspace {workspace()}. Choose one workspace in the frame "
               "to ask in another.")
    if not sent:
        return None
    if not text.strip():
        st.error("Write a question first.", icon=":material/edit:")
        return None
    provider, model = offered[route]
    return Question(
        text.strip(), workspace_id=workspace(), user_id=reader(), session_id=session.strip(),
        agent_id="" if agent == NO_AGENT else agent, provider=provider, model=model,
        priority=priority, use_cache=use_cache, use_knowledge=use_knowledge, source="console",
        max_cost_usd=Decimal(str(most_usd)) if most_usd else None,
        max_latency_ms=most_s * 1000 if most_s else None)


def preference() -> None:
    """What holds for the reader, why, and how it is set or forgotten."""
    personal = data.engine().studio.personalization
    here, who = workspace(), reader()
    found = personal.preference(here, who)
    for reason in found.reasons:
        st.markdown(f"- {reason.text}")
    chosen = personal.settings(here, who)
    with st.form("preference", border=False), st.container(horizontal=True,
                                                           vertical_alignment="bottom"):
        verbosity = _choose("Length", VERBOSITIES, chosen.get("verbosity", ""))
        tone = _choose("Tone", TONES, chosen.get("tone", ""))
        if st.form_submit_button("Set", icon=":material/check:"):
            personal.set(here, who, verbosity, tone)
            st.session_state["_told"] = "Your preference holds from the next question on."
            st.rerun()
    if st.button("Reset", icon=":material/restart_alt:", key="reset_preference",
                 disabled=not chosen and not personal.signals(here, who),
                 help="Forgets what you set and what was learned from your feedback."):
        personal.reset(here, who)
        st.session_state["_told"] = "Forgotten: the default holds."
        st.rerun()


def suggestions(text: str) -> None:
    """Buttons for the reader's own liked questions that are near this one."""
    found = data.engine().studio.personalization.suggest(workspace(), reader(), text)
    if not found:
        return
    st.markdown("**You liked the answers to these**",
                help="Your own questions with four stars or more, near what you asked.")
    for number, each in enumerate(found):
        if st.button(each.text[:200], key=f"again_{number}", icon=":material/replay:",
                     type="tertiary", help=f"{each.similarity:.0%} alike"):
            st.session_state["_ask_again"] = each.text
            st.rerun()


def _choose(label: str, allowed: tuple[str, ...], chosen: str) -> str:
    options = ["", *allowed]
    return str(st.selectbox(label, options, options.index(chosen), width=150,
                            format_func=lambda each: each or "by feedback"))


def routes() -> dict[str, tuple[str, str]]:
    """Provider and model by their label, the engine's own choice first."""
    models = data.engine().gateway.providers.models()
    return {ANY: ("", ""), **{f"{each.provider} / {each.name}": (each.provider, each.name)
                              for each in models}}
