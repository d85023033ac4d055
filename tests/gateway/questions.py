"""Questions over this product's own documentation, each with the page that answers it."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
QUESTIONS = (
    ("How do I record events from a Python program?", "recording-events.md"),
    ("Which fields does a request event have?", "recording-events.md"),
    ("How can I send gzip compressed JSON lines?", "api.md"),
    ("What does readyz answer when a job failed?", "api.md"),
    ("How do I stop spending at a hard cap?", "budgets.md"),
    ("What happens when the ledger of reservations is silent?", "budgets.md"),
    ("When does a budget raise an alert?", "budgets.md"),
    ("How is the demonstration history made?", "demo-data.md"),
    ("How are distinct users counted?", "design.md"),
    ("What is a session chain of half hour pieces?", "design.md"),
    ("How is an experiment ended by its guardrails?", "experiments.md"),
    ("How is a unit assigned to a variant?", "experiments.md"),
    ("Which method forecasts monthly spend?", "forecasting.md"),
    ("How do I import a LiteLLM or Langfuse export?", "importing.md"),
    ("How can an import be undone?", "importing.md"),
    ("How does the console decide replicas for an autoscaler?", "scaling.md"),
    ("What does the stabilization window do?", "scaling.md"),
    ("Who may call the HTTP API without a key?", "security.md"),
    ("Is query text stored or only a hash?", "security.md"),
    ("Which setting changes the port?", "settings.md"),
    ("How do I change the timeout of Prometheus?", "settings.md"),
    ("Which Redis figures are read?", "sources.md"),
    ("What is read from pg_stat_statements?", "sources.md"),
    ("How do I run only the browser tests?", "testing.md"),
    ("Where does PostgreSQL for the tests come from?", "testing.md"),
    ("What is the definition of bounce rate?", "definitions.md"),
    ("How is p95 latency defined?", "definitions.md"),
    ("Which personal data is masked?", "guard.md"),
    ("Which kinds of documents can be read?", "knowledge.md"),
    ("What was measured on two cores for page data?", "benchmarks.md"),
)
RANKINGS = {"full text": ("bm25",), "vectors": ("vector",), "fused": ("bm25", "vector")}


def hit_ratios(index, most=3):
    """By ranking, the share of questions whose page is among the first ``most`` passages."""
    return {name: sum(page in [each.name for each in index.search(question, most, by)]
                      for question, page in QUESTIONS) / len(QUESTIONS)
            for name, by in RANKINGS.items()}


def index_docs():
    """The documentation's index, vectors learned."""
    from brain.gateway.passage_index import PassageIndex
    index = PassageIndex()
    for path in sorted(DOCS.glob("*.md")):
        index.put(path.name, path.name, path.read_text())
    index.fit()
    return index
