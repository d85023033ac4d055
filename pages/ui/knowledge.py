"""The parts of the Knowledge page: documents, adding and changing them, a search explained."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from analytics.retrieval.passages import clean_marks
from brain.decisions.reasons import InputError
from brain.gateway.extractive import Extract, answer_from
from brain.gateway.knowledge import ENDINGS, MOST_BYTES, Document, Passage
from pages.ui import data, filters, format, tables

_KIND_NAMES = {"text/plain": "Text", "text/markdown": "Markdown", "text/html": "HTML",
               "application/pdf": "PDF"}
_SHOWN = 5
_LONGEST_SHOWN = 500


def choose_workspace() -> str:
    """The workspace whose documents are shown: that of the filter if it is one, or typed."""
    filtered = filters.view().workspaces
    known = sorted({"default", *data.engine().knowledge.workspaces(),
                    *filters.choices()["workspace"], *filtered})
    first = filtered[0] if len(filtered) == 1 else "default"
    chosen = st.selectbox("Documents of workspace", known, index=known.index(first), width=320,
                          accept_new_options=True, key=f"documents_of_{first}",
                          help="Each workspace has documents of its own; no other finds them.")
    return str(chosen or first).strip()[:128] or first


def offer_sample(workspace: str) -> None:
    """A button that loads the product's own documentation as sample documents."""
    if st.button("Load sample documents", icon=":material/science:",
                 help="Marked “Sample”, and removed again by one click."):
        with st.spinner("Reading documents"):
            loaded = data.engine().knowledge.load_sample(workspace)
            data.engine().knowledge.reindex(workspace)
        _done(f"{loaded} sample documents are there. Try a search.")


def list_documents(workspace: str, documents: Sequence[Document]) -> None:
    """The table of documents, and what can be done with the chosen one."""
    frame = pd.DataFrame({
        "name": [each.name for each in documents],
        "origin": ["Sample" if each.is_demo else "Added" for each in documents],
        "kind": [_KIND_NAMES.get(each.media_type, each.media_type) for each in documents],
        "size_bytes": [each.size_bytes for each in documents],
        "chunks": [each.chunks for each in documents],
        "version": [each.version for each in documents],
        "updated_at_utc": [each.updated_at_utc for each in documents]})
    chosen = tables.show(frame, "documents", {
        "name": "Name", "origin": "Origin", "kind": "Kind", "size_bytes": "Size",
        "chunks": "Passages", "version": "Version", "updated_at_utc": "Updated"},
        {"size_bytes": "bytes", "chunks": "count", "version": "count", "updated_at_utc": "time"},
        helps={"version": "The workspace's version at the document's last change"}, select=True)
    if chosen:
        _act_on(workspace, documents[chosen[0]])
    else:
        st.caption("Choose a row to read, change or remove the document.")
    with st.container(horizontal=True):
        _offer_undo(workspace)
        if st.button("Re-index", icon=":material/refresh:", help="Cut all documents anew and learn "
                     "the vectors anew; an embedding endpoint makes its own anew too. Searches go "
                     "on meanwhile."):
            with st.spinner("Indexing"):
                state = data.engine().knowledge.reindex(workspace)
            _done(f"{state.passages:,} passages are indexed"
                  f"{', with vectors' if state.vectors else ''}.")
        if any(each.is_demo for each in documents) and st.button(
                "Remove sample documents", icon=":material/delete:"):
            removed = data.engine().knowledge.remove_sample(workspace)
            _done(f"{removed} sample documents were removed.")


def tell_vectors(workspace: str) -> None:
    """One sentence: whose vectors rank the passages, how many have them, what is in the way."""
    state = data.engine().knowledge.vector_state(workspace)
    if state.fault:
        st.warning(format.plain(state.told), icon=":material/sync_problem:")
    else:
        st.caption(format.plain(state.told))


def try_search(workspace: str) -> None:
    """A question, the sentences that answer it, and why each passage stands where it does."""
    query = st.text_input("Question", key="knowledge_query", bind="query-params", max_chars=500,
                          placeholder="How do I set a budget?")
    if not query:
        st.caption("Type a question to see which passages it finds, and why.")
        return
    searched = data.engine().knowledge.find(workspace, query, _SHOWN)
    found = searched.passages
    answer = answer_from(query, found)
    if isinstance(answer, Extract):
        st.success(format.plain(answer.text), icon=":material/format_quote:")
        st.caption("Sources: " + " · ".join(
            f"[{place}] {_place(each)}" for place, each in enumerate(answer.sources, start=1)))
    else:
        st.info(answer.text, icon=":material/search_off:")
    for reason in searched.reasons:
        st.caption(format.plain(reason.text))
    if not found:
        st.caption("No passage has any of its words.")
        return
    frame = pd.DataFrame({
        "passage": [_place(each) for each in found],
        "text": [clean_marks(each.text)[:_LONGEST_SHOWN] for each in found],
        "share": [each.share for each in found],
        "bm25": [_scored(each, "bm25") for each in found],
        "vector": [_scored(each, "vector") for each in found],
        "score": [each.score for each in found]})
    tables.show(frame, "found passages", {
        "passage": "Passage", "share": "Words found", "bm25": "Full text", "vector": "Vectors",
        "score": "Fused", "text": "Text"}, {"share": "share", "score": "usd_unit"}, helps={
            "share": "Part of the question's weight whose words stand in the passage; rare words "
                     "weigh more",
            "bm25": "BM25 score and rank", "vector": "Nearness (cosine) and rank",
            "score": "Sum of 1 / (60 + rank) over the two rankings"})


def add_documents(workspace: str) -> None:
    """Files to upload or a text to paste; what cannot be read is told by file."""
    with st.form("upload_documents", clear_on_submit=True, border=False):
        files = st.file_uploader(
            f"Text, Markdown, HTML or PDF, at most {format.size(MOST_BYTES)} each",
            type=[each[1:] for each in ENDINGS], accept_multiple_files=True)
        if st.form_submit_button("Add files", type="primary", icon=":material/upload:"):
            _add(workspace, [(each.name, each.getvalue()) for each in files or ()])
    with st.expander("Paste a text instead"), st.form("paste_document", border=False):
        name = st.text_input("Name", key="document_name", max_chars=256,
                             placeholder="opening-hours.md")
        text = st.text_area("Text", key="document_text", height=160,
                            placeholder="Plain text or Markdown")
        if st.form_submit_button("Add text", type="primary", icon=":material/add:"):
            _add(workspace, [(name or "", (text or "").encode())])


def _add(workspace: str, documents: Sequence[tuple[str, bytes]]) -> None:
    if not documents:
        st.warning("Choose a file first.", icon=":material/upload_file:")
        return
    faults, added = [], []
    bar = st.progress(0.0, "Reading")
    for place, (name, content) in enumerate(documents):
        bar.progress(place / len(documents), f"Reading {name}")
        try:
            added.append(data.engine().knowledge.ingest(workspace, name, content))
        except InputError as error:
            faults.append(f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.")
    bar.empty()
    for fault in faults:
        st.error(fault, icon=":material/block:")
    if added:
        passages = sum(each.chunks for each in added)
        told = (f"{added[0].name} is there" if len(added) == 1 else f"{len(added)} documents are "
                "there") + f", with {passages:,} passage{'s' * (passages != 1)}."
        if faults:
            st.success(told, icon=":material/check:")
        else:
            _done(told)


def _act_on(workspace: str, document: Document) -> None:
    with st.container(horizontal=True):
        if st.button("Read or change", icon=":material/edit:"):
            _change(workspace, document)
        if st.button("Remove", icon=":material/delete:", help="It can be brought back for a week."):
            data.engine().knowledge.delete(workspace, document.document_id)
            st.session_state["_removed_document"] = (workspace, document.document_id,
                                                     document.name)
            _done(f"{document.name} is found no more.")


def _offer_undo(workspace: str) -> None:
    removed = st.session_state.get("_removed_document")
    if removed is None or removed[0] != workspace:
        return
    if st.button(f"Bring {removed[2][:40]} back", icon=":material/undo:"):
        del st.session_state["_removed_document"]
        try:
            data.engine().knowledge.restore(workspace, removed[1])
        except (InputError, LookupError) as error:
            st.error(f"{error.args[0]}.", icon=":material/block:")
            return
        _done(f"{removed[2]} is there again.")


@st.dialog("A document's text", width="large")
def _change(workspace: str, document: Document) -> None:
    st.caption(f"{document.name}, {_KIND_NAMES.get(document.media_type, document.media_type)}, "
               f"version {document.version}")
    whole = data.engine().knowledge.text(workspace, document.document_id)
    text = st.text_area("Text", whole, height=380)
    st.caption("Saving replaces the text; questions are answered from the new one at once.")
    if st.button("Save", type="primary", disabled=not text or text == whole):
        try:
            data.engine().knowledge.update(workspace, document.document_id, (text or "").encode(),
                                           "text/markdown")
        except InputError as error:
            st.error(f"{str(error)[:1].upper()}{str(error)[1:]}.", icon=":material/block:")
            return
        _done(f"{document.name} was changed.")


def _place(passage: Passage) -> str:
    return f"{passage.name} › {passage.heading}" if passage.heading else passage.name


def _scored(passage: Passage, ranking: str) -> str:
    if ranking not in passage.ranks:
        return ""
    return f"{passage.scores[ranking]:.2f}, rank {passage.ranks[ranking]}"


def _done(told: str) -> None:
    st.session_state["_told"] = told
    st.rerun()
