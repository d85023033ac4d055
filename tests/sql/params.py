"""Which parameters each query of ``sql/`` is tried with."""

import datetime as dt
from typing import Any

from analytics import spans
from tests import sample

ONE_ENGINE = ("imports/", "migrate/", "postgres/", "spool/")
"""Topics that only ever run on one engine: private DuckDB, each store's own, a PostgreSQL that is
watched, SQLite."""

NAMES: dict[str, tuple[str, ...]] = {
    "kind": ("requests", "page_views", "interactions", "exposures", "outcomes", "feedback",
             "metric_samples", "deploys", "request_steps"),
    "rollup": ("usage_hour",),
    "statements_schema": ("public",),
}
"""Identifiers that are put into a query's text, by their name; each is tried."""

ALL_DAYS = {"start": sample.START, "end": sample.END}
DEFAULTS: dict[str, Any] = {
    **ALL_DAYS,
    "day_start": sample.START, "day_end": sample.END,
    "hour_start": sample.START, "hour_end": sample.END,
    "before_start": sample.START - dt.timedelta(days=3), "before_end": sample.START,
    "previous_start": sample.START - dt.timedelta(days=3), "previous_end": sample.START,
    "near_start": sample.START, "near_end": sample.END, "now": sample.END,
    "width_s": 3_600, "bucket_s": 3_600, "limit": 50, "most": 50, "top": 50, "offset": 0,
    "first_seq": 1, "last_seq": 1_000, "batch_seq": 1_000, "sketch_size": 4_096,
    "source": "demo", "model": "gpt-4o", "models": [], "providers": [], "provider": "openai",
    "workspaces": [], "agents": [], "regions": [], "devices": [], "sources": [], "metrics": [],
    "endpoints": [], "hashes": ["00000003", "00000005"], "request_start": sample.START,
    "users": [], "text": "", "least_ms": 0.0,
    "features": [], "topics": [], "variants": [], "statuses": [], "kinds": [],
    "workspace": "acme", "workspace_id": "acme", "agent": "helper", "region": "eu",
    "metric": "cpu_ratio", "instance": "host-1", "session_id": "night", "user_id": "night-owl",
    "event_id": "first-tick", "request_id": "r1", "objective_ms": 400.0, "gap_s": 1_800,
    "dimension": "model", "dimensions": [], "is_demo": 0,
    "minute_start": sample.START, "minute_end": sample.END,
    "event_start": sample.END, "event_end": sample.END,
    "scenario": "today", "first": "model", "second": "",
}
"""Values by parameter name, for a query without an entry of its own."""

FILTERED: dict[str, Any] = {
    **spans.query_params(spans.Span(sample.START + dt.timedelta(minutes=7),
                                    sample.END - dt.timedelta(hours=1, minutes=9))),
    "workspaces": [sample.WORKSPACES[1], sample.WORKSPACES[2]], "agents": ["helper"],
    "models": ["gpt-4o"], "providers": ["openai"], "regions": ["eu"], "devices": ["mobile"],
    "sources": ["demo"], "metrics": ["cpu_ratio"], "limit": 3, "most": 3,
}
"""A second try with filters, for the parameters that a query has."""

RAW = spans.query_params(spans.Span(sample.START + dt.timedelta(minutes=7),
                                    sample.START + dt.timedelta(minutes=55)))
HOURS = spans.query_params(spans.Span(sample.START + dt.timedelta(hours=3, minutes=7),
                                      sample.START + dt.timedelta(hours=30)))
WAYS = (RAW, HOURS)
"""Spans that are answered from the events alone, and from events and hours."""

_DIMENSIONS = tuple({"dimension": each} for each in (
    "workspace_id", "model", "agent_id", "provider", "region", "device", ""))
CASES: dict[str, tuple[dict[str, Any], ...]] = dict.fromkeys(
    ("usage/active_users", "usage/breakdown", "usage/series"), _DIMENSIONS)
CASES["usage/breakdowns"] = ({"dimensions": ["agent_id", "device"]},)
CASES["latency/by_name"] = tuple({"dimension": each} for each in ("endpoint", "agent_id", ""))
CASES["sessions/breakdown"] = tuple({"dimension": each} for each in (
    "workspace_id", "region", "device", "referrer", "entry_page"))
CASES |= dict.fromkeys(("sessions/totals", "sessions/series"), ({"models": ["gpt-4o"]},))
CASES["costs/owner_series"] = tuple(
    {"dimension": dimension, "owner": owner, "unit": unit} for dimension, owner, unit in (
        ("user_id", "user-3", "user"), ("api_key_id", "key-1", "user"),
        ("experiment", "new-prompt", "user"), ("experiment", "new-prompt", "session"),
        ("experiment", "new-prompt", "workspace")))
CASES["costs/breakdown"] = tuple(
    {"first": first, "second": second, "width_s": width_s} for first, second, width_s in (
        ("", "", 0), ("workspace_id", "agent_id", 0), ("provider", "", 86_400),
        ("feature", "variant", 0), ("api_key_id", "price_context", 0), ("user_id", "", 0),
        ("model", "", 3_600)))
CASES["costs/positive_answers"] = tuple({"dimension": each} for each in (
    "", "workspace_id", "agent_id", "user_id", "provider", "model", "price_context", "feature",
    "variant", "api_key_id"))
CASES["traffic/retention"] = ({"start": sample.DAY - dt.timedelta(days=6),
                               "end": sample.DAY + dt.timedelta(days=8)},)
CASES["ingest/count_batch"] = ({"kind": "requests", "batch_seq": 1},)
CASES["traffic/online_now"] = ({"now": sample.DAY + dt.timedelta(hours=12)},)
for _name in ("units", "metric_sums", "ratio_sums", "quantile_sums", "daily_sums", "costs",
              "unexposed", "segment_sums", "rewards", "cohort_sums"):
    CASES[f"experiments/{_name}"] = tuple({
        "experiment": "new-prompt", "unit": unit, "metrics": list(metrics), "metric": metrics[0],
        "denominator": metrics[-1], "cap": cap, "how": how, "quantile": quantile,
        "dimension": dimension}
        for unit, metrics, cap, how, quantile, dimension in (
            ("user", ("revenue_usd", "solved"), 1e300, "total", 0.5, "device"),
            ("user", ("solved", "requests"), 0.5, "mean", 0.9, "region"),
            ("user", ("llm_cost_usd", "requests"), 1e300, "total", 0.5, "model"),
            ("session", ("errors", "requests"), 1e300, "any", 0.5, "workspace"),
            ("user", ("latency_ms",), 300.0, "mean", 0.95, "device"),
            ("user", ("stars",), 1e300, "any", 0.5, "region")))
CASES["personalization/liked_queries"] = tuple(
    {"workspace_id": sample.WORKSPACES[n % 3], "user_id": f"user-{n % 7}", "stars": stars}
    for n in (0, 4, 12) for stars in (1, 4))
"""Further values for single queries, laid over the defaults."""

EMPTY_ALLOWED = frozenset({"ingest/compare_recent", "rollup/read_hour_bounds",
                           "rollup/read_session_bounds"})
"""Queries of faults, and of scratch space: no row is the right answer on sound data."""


def parameter_sets(name: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
    """The parameter sets of a query: defaults, filters, an empty span, its own cases.

    Raises LookupError naming a parameter that has no value here.
    """
    own = CASES.get(name, ())
    for parameter in wanted:
        if parameter not in DEFAULTS and not any(parameter in case for case in own):
            raise LookupError(f"${parameter} of sql/{name}.sql has no value: add one to "
                              "DEFAULTS or CASES in tests/sql/params.py")
    base = {**DEFAULTS, **(own[0] if own else {})}
    nothing = {parameter: sample.END + dt.timedelta(days=99) for parameter in wanted
               if parameter in {"start", "end", "day_start", "day_end"}}
    found: list[dict[str, Any]] = []
    for over in ({}, FILTERED, nothing, *WAYS, *own):
        values = {parameter: over.get(parameter, base.get(parameter)) for parameter in wanted}
        if values not in found:
            found.append(values)
    return found
