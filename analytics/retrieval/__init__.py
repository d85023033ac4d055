"""Retrieval: passages of documents, full-text and vector scores, and their fusion."""
