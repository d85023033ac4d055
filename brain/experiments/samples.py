"""Experiments that come with the product: two samples as drafts, and the demonstration's."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.experiment import Experiment, MetricDefinition, MetricKind, Variant

_COST = {"key": "llm_cost_usd", "kind": "llm_cost", "better": "lower", "name": "LLM cost per user",
         "smallest_effect": 0.05}
_ERRORS = {"key": "errors", "kind": "ratio", "denominator": "requests", "better": "lower",
           "name": "Error rate", "smallest_effect": 0.1}
_LATENCY = {"key": "latency_ms", "kind": "quantile", "quantile": 0.95, "better": "lower",
            "name": "p95 latency (ms)", "smallest_effect": 0.1}

SAMPLES: tuple[dict[str, Any], ...] = (
    {"key": "search-ui-v2", "name": "Compact search",
     "hypothesis": "A compact search page lets more people solve their task, and sooner.",
     "variants": [{"key": "control", "name": "Current UI", "weight": 50},
                  {"key": "variant-a", "name": "Compact UI", "weight": 50}],
     "start_utc": "2025-11-01T00:00:00Z",
     "primary": {"key": "task_success", "kind": "proportion", "name": "Task success",
                 "smallest_effect": 0.05},
     "secondary": [{"key": "minutes_to_answer", "kind": "mean", "better": "lower",
                    "name": "Minutes to the answer"}],
     "guardrails": [_ERRORS, _LATENCY, _COST]},
    {"key": "response-format", "name": "Form of the answer",
     "hypothesis": "Structured answers are rated higher and need fewer follow-up questions.",
     "variants": [{"key": "markdown", "name": "Markdown", "weight": 33},
                  {"key": "structured", "name": "Structured", "weight": 33},
                  {"key": "hybrid", "name": "Hybrid", "weight": 34}],
     "start_utc": "2025-11-01T00:00:00Z",
     "primary": {"key": "answer_score", "kind": "mean", "name": "Answer score",
                 "smallest_effect": 0.02},
     "secondary": [{"key": "follow_ups", "kind": "count", "better": "lower",
                    "name": "Follow-up questions"}],
     "guardrails": [_ERRORS, _LATENCY, _COST]},
)
"""Definitions of the two samples."""

_KINDS: dict[str, MetricKind] = {"bernoulli": "proportion", "poisson": "count"}
"""Kind of a metric by the law of the demonstration; any other law gives a mean."""


def demo_experiments(described: Mapping[str, Any]) -> Iterator[Experiment]:
    """The running experiments of a demonstration, from its record of true effects."""
    words = {each["key"]: each for each in SAMPLES}
    for each in described["experiments"]:
        sample = words.get(each["key"], {})
        names = {variant["key"]: variant["name"] for variant in sample.get("variants", ())}
        told = {metric["key"]: metric for metric in
                (sample.get("primary"), *sample.get("secondary", ())) if metric}
        metrics = [MetricDefinition(
            one["metric"], _KINDS.get(one["law"], "mean"), one["better"],
            told.get(one["metric"], {}).get("smallest_effect", 0.0),
            told.get(one["metric"], {}).get("name", "")) for one in each["metrics"]]
        start = dt.datetime.fromisoformat(each["start_utc"])
        yield Experiment(
            each["key"], each["name"],
            tuple(Variant(key, names.get(key, ""), weight) for key, weight in
                  zip(each["variants"], each["weights"], strict=True)),
            metrics[0], sample.get("hypothesis", ""), "Demo", secondary=tuple(metrics[1:]),
            guardrails=tuple(MetricDefinition(**one) for one in sample.get("guardrails", ())),
            planned_units=4_000, state="running", created_at_utc=start, started_at_utc=start,
            is_demo=True, source="demo")
