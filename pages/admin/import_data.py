"""Import: bring in a file of requests, see what it holds first, take it back if it was wrong."""

import streamlit as st

from brain.imports import ImportRefused
from pages.ui import cards, data, import_form, importing

st.title("Import")


@st.fragment(run_every=0.5)
def follow() -> None:
    """Show how far the import is; once it is over the whole page is drawn anew."""
    if job is None or job.is_over:
        data.forget_answers()
        st.rerun()
    else:
        st.progress(job.ratio(), text=f"**{job.file_name}** {job.sentence()}")
        st.caption("It goes on if you leave this page. If the program is stopped, nothing is kept.")


job = st.session_state.get("import_job") or importing.running()
if job and not job.is_over:
    with st.container(border=True):
        follow()
elif job:
    with cards.guarded("Outcome"):
        if job.report:
            import_form.show_report(job.report)
        elif job.refused:
            st.error(f"**{job.file_name}** was not imported: {job.refused.message}.",
                     icon=":material/block:")
        st.button("Import another file", on_click=st.session_state.pop, args=("import_job", None),
                  type="primary")
else:
    with cards.guarded("A file"):
        upload = st.file_uploader(
            "CSV, JSON lines or Parquet, also packed with gzip; OpenTelemetry, LiteLLM, OpenAI, "
            "Anthropic, Langfuse and Helicone exports; Azure and ServeGen traces",
            help="Big files go in faster by the command `brain import FILE`.")
        kept = st.session_state.get("upload")
        if kept and (upload is None or kept[0] != upload.file_id):
            importing.drop_upload(kept[1])
            kept = st.session_state["upload"] = None
        if upload is None:
            st.caption("The format is found by looking into the file. Nothing is kept before you "
                       "have seen the first rows and say so. The same file twice adds nothing.")
        else:
            if not kept:
                with st.spinner("Taking the file"):
                    kept = (upload.file_id, importing.keep_upload(upload.name, upload))
                st.session_state["upload"] = kept
            try:
                plan, preview = import_form.choose_plan(kept[1], upload.name)
            except ImportRefused as refused:
                st.error(f"{refused.message}.", icon=":material/block:")
            else:
                import_form.show_preview(preview)
                if st.button("Import this file", type="primary", icon=":material/upload:",
                             disabled=preview.refused is not None):
                    if job := importing.start(kept[1], plan):
                        st.session_state.update({"upload": None, "import_job": job})
                        st.rerun()
                    st.warning("Another import is still running.", icon=":material/hourglass:")

with cards.guarded("Imports so far"):
    import_form.list_imports()
