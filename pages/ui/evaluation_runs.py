"""Evaluations: starting one, following it, and what it has shown item by item."""

import json
from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from brain.decisions.evaluation import Summary
from brain.decisions.reasons import InputError
from brain.evaluation.asking import Candidate
from brain.evaluation.desk import Report, Run
from pages.ui import ask_form, cards, data, format, prompt_versions, request_search, tables

FOLLOW_S = 2.0
_NONE = "(no baseline)"
_STATES = {"done": "Done", "running": "Running", "cancelled": "Cancelled",
           "stopped": "Stopped: the money is used up", "failed": "Failed",
           "interrupted": "Cut off"}


def offer_start() -> None:
    """The form of a run."""
    evaluation = data.engine().studio.evaluation
    sets = [each.name for each in evaluation.sets.list()]
    if not sets:
        st.caption("A run needs a golden set: add one first.")
        return
    with st.form("evaluation", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Golden set to run", sets, width=200)
            candidate = _ask_side("Candidate", ())
            baseline = _ask_side("Baseline", (_NONE,))
            most = st.number_input("Highest cost (USD)", 0.01, 10_000.0, 5.0, width=160,
                                   help="The run stops there and keeps what is graded.")
        if not st.form_submit_button("Run", type="primary", icon=":material/play_arrow:"):
            return
    try:
        run = evaluation.start(name, candidate or Candidate(), baseline,
                               most_usd=Decimal(str(most)))
    except (InputError, LookupError) as error:
        prompt_versions.tell(error)
        return
    st.session_state["run"] = run.run_id
    st.rerun()


def draw() -> None:
    """The runs and the chosen one; both follow a run while it goes on."""
    runs = data.engine().studio.evaluation.runs(50)
    if not runs:
        st.info("Nothing was evaluated yet.", icon=":material/info:")
        return
    going_on = any(each.state == "running" for each in runs)

    def draw_again() -> None:
        with cards.safe("evaluations"):
            now = data.engine().studio.evaluation.runs(50)
            if going_on and not any(each.state == "running" for each in now):
                st.rerun()  # nothing goes on any more: the page stands still from here
            _draw(now)
    st.fragment(draw_again, run_every=FOLLOW_S if going_on else None)()


def _draw(runs: Sequence[Run]) -> None:
    with cards.guarded("Runs, newest first", "Choose a row to open it."):
        ids = [each.run_id for each in runs]

        def choose() -> None:
            places = st.session_state["evaluation_rows"]["selection"]["rows"]
            if places and places[0] < len(ids):
                st.session_state["run"] = ids[places[0]]
        tables.show(pd.DataFrame([{
            "started": each.started_at_utc, "set": f"{each.golden_set} v{each.set_version}",
            "candidate": each.candidate.label,
            "baseline": each.baseline.label if each.baseline else "",
            "state": _STATES.get(each.state, each.state),
            "progress": each.done / each.total if each.total else 0.0, "person": each.person,
            "run_id": each.run_id} for each in runs]), "evaluations", {
                "started": "Started", "set": "Set", "candidate": "Candidate",
                "baseline": "Baseline", "state": "State", "progress": "Graded", "person": "By",
                "run_id": "Run"}, {"started": "time", "progress": "share"},
            key="evaluation_rows", select=choose, most_rows=6)
    opened = st.session_state.get("run") or st.query_params.get("run") or ids[0]
    report = data.engine().studio.evaluation.report(opened if opened in ids else ids[0])
    with cards.guarded(f"{report.run.candidate.label} on {report.run.golden_set}"):
        _draw_one(report)


def _draw_one(report: Report) -> None:
    run = report.run
    _progress(run)
    _verdict(report)
    _figures(report.candidate, report.baseline)
    rows = []
    others = {each["item_id"]: each for each in report.grades["baseline"]}
    for each in report.grades["candidate"]:
        other = others.get(each["item_id"])
        rows.append({
            "item": each["item_id"], "score": each["score"],
            "baseline": other["score"] if other else None, "answer": each["answer"][:500],
            "reasons": " ".join(text for _, text in json.loads(each["reasons_json"])),
            "latency_ms": each["latency_ms"], "cost_usd": each["cost_usd"],
            "request_id": each["request_id"]})
    if rows:
        labels = {"item": "Item", "score": "Score", "baseline": "Baseline's score",
                  "answer": "Answer", "reasons": "Why", "latency_ms": "Latency (ms)",
                  "cost_usd": "Cost (USD)", "request_id": "Request"}
        if run.baseline is None:
            del labels["baseline"]
        tables.show(pd.DataFrame(rows), "grades", labels, {
            name: kind for name, kind in (("score", "number"), ("baseline", "number"),
                                          ("latency_ms", "ms"), ("cost_usd", "usd_exact"))
            if name in labels}, key="grades")
        first = next((row["request_id"] for row in rows if row["request_id"]), "")
        if first:
            st.page_link("pages/brain/requests.py", label="Open its first request",
                         icon=":material/timeline:", query_params=request_search.link(str(first)))


def _progress(run: Run) -> None:
    evaluation = data.engine().studio.evaluation
    if run.state == "running":
        st.progress(run.done / run.total if run.total else 0.0,
                    f"{run.done:,} of {run.total:,} answers graded")
        if st.button("Cancel the run", icon=":material/stop:"):
            evaluation.cancel(run.run_id)
        return
    st.caption(f"{_STATES.get(run.state, run.state)}. {run.done:,} of {run.total:,} answers "
               f"graded; by {run.person}. {run.note}")
    if run.state in ("interrupted", "cancelled", "stopped") and st.button(
            "Go on", icon=":material/play_arrow:", help="What is graded is not asked again."):
        evaluation.resume(run.run_id)
        st.rerun(scope="fragment")


def _verdict(report: Report) -> None:
    if report.gate is not None:
        word, icon, colour = prompt_versions.VERDICTS[report.gate.verdict]
        st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]
        for reason in report.gate.reasons:
            st.caption(reason.text)
    elif report.pairing is not None:
        st.markdown(f"**{report.pairing.text}**")


def _figures(candidate: Summary, baseline: Summary | None) -> None:
    def against(name: str, show: str) -> str:
        if baseline is None:
            return ""
        value = getattr(baseline, name)
        if value is None:
            return "baseline unknown"
        told = f"{value:.3f}" if show == "score" else \
            format.ms(value) if show == "ms" else format.usd(value)
        return f"baseline {told}"
    cards.row([
        cards.Card("Mean score", format.UNKNOWN if candidate.mean_score is None
                   else f"{candidate.mean_score:.3f}", "0 to 1 over all graded items.",
                   note=against("mean_score", "score")),
        cards.Card("Passed", f"{candidate.passed:,} of {candidate.items:,}",
                   "Items with a score of one half or more.",
                   note=f"{candidate.failed:,} without an answer" if candidate.failed else ""),
        cards.Card("p95 latency", format.ms(candidate.p95_latency_ms), "Of the answers.",
                   note=against("p95_latency_ms", "ms")),
        cards.Card("Cost per item", format.usd(candidate.usd_per_item),
                   "Judging is not part of it.", note=against("usd_per_item", "usd"))],
        min_width_px=190)


def _ask_side(label: str, first: tuple[str, ...]) -> Candidate | None:
    routes = ask_form.routes()
    prompts = {f"{prompt.name} v{version.version}": (prompt.name, version.version)
               for prompt in data.engine().studio.prompts.list()
               for version in data.engine().studio.prompts.versions(prompt.name)[:20]}
    route = st.selectbox(f"{label}: route", [*first, *routes], width=230)
    prompt = st.selectbox(f"{label}: prompt", ["", *prompts], width=190,
                          format_func=lambda each: each or "(none)")
    if route == _NONE and not prompt:
        return None
    provider, model = routes.get(route, ("", ""))
    name, version = prompts.get(prompt, ("", 0))
    return Candidate(provider, model, name, version)
