"""Model choice: what a request is, which models can serve it, and which one shall."""
