"""An answer as the reader sees it: text, sources, route, cost, waterfall, and their verdict."""

import streamlit as st

from brain.decisions.reasons import InputError
from brain.gateway.question import Answer, Question
from pages.ui import ask_form, cards, data, filters, format, request_story

PAGE = "pages/brain/requests.py"
_NEXT_STEPS = {
    "no_documents": ("Add documents, or set up a provider that answers.",
                     "pages/brain/providers.py", "Set up a provider"),
    "no_route": ("No provider that is switched on offers a model for this.",
                 "pages/brain/providers.py", "Set up a provider"),
    "agent_disabled": ("Switch the agent on, or ask another one.", "pages/brain/prompts.py",
                       "Open agents"),
    "prompt_unusable": ("Mend the agent's prompt.", "pages/brain/prompts.py", "Open prompts"),
    "quota_reached": ("Ask again when the quota frees, or raise it.", "", ""),
    "busy": ("Every slot is taken: ask again in a moment.", "", ""),
    "budget": ("A hard budget is used up.", "", "")}


def answer(question: Question) -> None:
    """Ask the engine, and keep the answer for the page."""
    try:
        with st.spinner("Asking"):
            found = data.engine().gateway.ask(question)
    except InputError as error:
        st.error(f"{error.message[:1].upper()}{error.message[1:]}.", icon=":material/block:")
        return
    st.session_state["last_answer"] = (question, found)
    st.session_state.pop("rated", None)


def draw_last() -> None:
    """The last answer of this session, or how to begin."""
    if "last_answer" not in st.session_state:
        if not data.engine().gateway.providers.all():
            st.info("No provider is set up. Questions are answered from the workspace's documents; "
                    "where there are none, the answer says so.", icon=":material/info:")
            st.page_link("pages/brain/providers.py", label="Set up a provider",
                         icon=":material/dns:")
        return
    question, found = st.session_state["last_answer"]
    with cards.guarded("Answer"):
        request_story.outcome(found.status, simulated=found.simulated,
                              cached=bool(found.cache_tier))
        _text(found)
        _sources(found)
        _figures(found)
        _feedback(question, found)
        ask_form.suggestions(question.text)
    with cards.guarded("How it was answered", "Every step with its time, decision and reason."):
        request_story.draw(request_story.steps_of(found), "asked")
        st.page_link(PAGE, label="Open this request", icon=":material/timeline:",
                     query_params=filters.link_params(request=found.request_id))


def _text(found: Answer) -> None:
    if found.text:
        with st.container(border=True):
            st.text(found.text)
    if found.status == "ok":
        for reason in found.reasons:
            st.caption(reason.text)
        _next_step(found)
        return
    told = " ".join(reason.text for reason in found.reasons)
    again = f" Ask again in {found.retry_after_s:.0f} s." if found.retry_after_s else ""
    st.error(f"{request_story.plain(told or found.error)}{again}", icon=":material/block:")
    _next_step(found)


def _next_step(found: Answer) -> None:
    codes = (found.error, *(reason.code for reason in found.reasons))
    for code in codes:
        if code in _NEXT_STEPS:
            told, page, label = _NEXT_STEPS[code]
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(told)
                if page:
                    st.page_link(page, label=label, icon=":material/arrow_forward:")
            return


def _sources(found: Answer) -> None:
    if found.sources:
        st.markdown("**Sources**")
        for number, source in enumerate(found.sources, 1):
            with st.expander(f"{number}. {source.name or source.document_id}"):
                st.text(source.text)
                st.caption(f"Document {source.document_id}, score {source.score:.3g}")


def _figures(found: Answer) -> None:
    tokens = found.usage
    cards.row([
        cards.Card("Route", found.model or "none", "Provider and model that answered.",
                   note=found.provider),
        cards.Card("Time", format.ms(found.latency_ms), "From the question to the whole answer.",
                   note="" if found.ttft_ms is None else
                   f"first words after {format.ms(found.ttft_ms)}"),
        cards.Card("Cost", format.usd(found.cost_usd), "By the price book.",
                   note=request_story.TIERS.get(found.cache_tier, found.cache_tier)),
        cards.Card("Tokens", f"{tokens.input_tokens:,} + {tokens.output_tokens:,}",
                   "Input and output.", note="" if not tokens.cache_read_tokens else
                   f"{tokens.cache_read_tokens:,} read from the provider's cache")],
        min_width_px=200)


def _feedback(question: Question, found: Answer) -> None:
    if st.session_state.get("rated") == found.request_id:
        st.success("Thank you: your verdict counts for satisfaction, routes and experiments.",
                   icon=":material/check:")
        return
    with st.form("verdict", border=False):
        st.markdown("**Was this a good answer?**")
        stars = st.feedback("stars", key=f"stars_{found.request_id}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            comment = st.text_input("Comment", max_chars=5_000, width=420,
                                    placeholder="too long, too formal, wrong, …",
                                    help="Words about length and tone teach how you like answers.")
            sent = st.form_submit_button("Send the verdict", icon=":material/rate_review:")
    if not sent:
        return
    if stars is None:
        st.error("Choose one to five stars.", icon=":material/star:")
        return
    data.engine().gateway.feedback(
        found.request_id, stars + 1, comment.strip(), workspace_id=question.workspace_id,
        user_id=question.user_id, agent_id=question.agent_id)
    st.session_state["rated"] = found.request_id
    st.rerun()
