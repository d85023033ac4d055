"""Knowledge: which documents questions are answered from, and what a question finds in them."""

import streamlit as st

from pages.ui import cards, data, format, knowledge
from pages.ui.cards import Card

st.title("Knowledge")
workspace = knowledge.choose_workspace()
shelf = data.engine().knowledge
documents = shelf.documents(workspace)

if not documents:
    with cards.guarded("No documents yet"):
        st.markdown("Questions of a workspace are answered from its documents, by a model or, "
                    "without one, by their best sentences. Add a document below, or look around "
                    "with this product's own documentation.")
        knowledge.offer_sample(workspace)
else:
    cards.row([
        Card("Documents", format.count(len(documents)), "Documents of this workspace."),
        Card("Passages", format.count(sum(each.chunks for each in documents)),
             "Parts of documents that a search finds, of about 900 characters."),
        Card("Size", format.size(sum(each.size_bytes for each in documents)),
             "Size of the documents as they were added."),
        Card("Version", format.count(shelf.version(workspace)),
             "Counts up with every change. Cached answers of an older version are not used."),
    ], min_width_px=160)
    knowledge.tell_vectors(workspace)
    with cards.guarded("Try a search", "Full text (BM25) and vectors each rank the passages; the "
                       "two rankings are fused: the sum of 1 / (60 + rank)."):
        knowledge.try_search(workspace)
    with cards.guarded("Documents"):
        knowledge.list_documents(workspace, documents)

with cards.guarded("Add a document", "A document of the same name is replaced."):
    knowledge.add_documents(workspace)
