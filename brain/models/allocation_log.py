"""The log of allocated choices: what each route did, and what other shares would have earned."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.experiments.off_policy import NO_LOG, Evaluation, evaluate_policy
from analytics.experiments.statistics import CannotTell
from brain.decisions.allocation import AllocationPolicy, RouteSeen
from brain.decisions.allocation_context import CONTEXT, Experience, learn_experience

MOST_CHOICES = 200_000
"""Latest choices that are read; older ones count as if they were beyond the window."""
Query = Callable[..., pd.DataFrame]


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What a policy would have scored, cost and taken per choice, by logged choices.

    ``quality`` is over the ``rated`` of ``n`` choices. ``cost_usd`` is null where a price is
    missing.
    """

    n: int
    rated: int
    quality: Evaluation | CannotTell
    cost_usd: Evaluation | CannotTell
    latency_s: Evaluation | CannotTell


def read_choices(query: Query, policy_id: str, start: dt.datetime, end: dt.datetime
                 ) -> pd.DataFrame:
    """One row for each choice of a policy, oldest first.

    Columns: at_utc, route, served (the route that answered), propensity, shares (of all routes
    possible then), failed, quality (0 to 1, NaN while nobody said), cost_usd, latency_s,
    query_hash, workspace_id, context (numbers, empty where it did not count).
    """
    rows = query("allocation/choices", start=start, end=end, limit=MOST_CHOICES)
    found = []
    for row in rows.to_dict("records"):
        logged = _allocated(row["steps"])
        if logged is None or logged.get("policy") != policy_id or row["status"] == "refused":
            continue  # what a budget refused says nothing of the route
        route, served = logged["route"], f"{row['provider']}/{row['model']}"
        failed = row["status"] != "ok" or served != route
        found.append({
            "at_utc": row["at_utc"], "route": route, "served": served,
            "propensity": float(logged["propensity"]), "shares": logged["shares"],
            "failed": failed, "quality": _quality(row, failed),
            "cost_usd": np.nan if row["cost_usd"] is None or pd.isna(row["cost_usd"])
            else float(row["cost_usd"]),
            "latency_s": float(row["latency_ms"] or 0.0) / 1_000,
            "context": tuple(logged.get("context") or ()),
            "query_hash": row["query_hash"], "workspace_id": row["workspace_id"]})
    columns = ["at_utc", "route", "served", "propensity", "shares", "failed", "quality",
               "cost_usd", "latency_s", "query_hash", "workspace_id", "context"]
    return pd.DataFrame(found[::-1], columns=columns)


def summarize_routes(choices: pd.DataFrame, policy: AllocationPolicy, now: dt.datetime,
                     resumed: Mapping[str, dt.datetime]) -> tuple[RouteSeen, ...]:
    """What every route of a policy did, by name; its listed routes are there in any case."""
    found = []
    for route in sorted({*choices["route"], *policy.routes}):
        rows = choices[choices["route"] == route]
        if rows.empty:
            found.append(RouteSeen(route))
            continue
        age_h = (pd.Timestamp(now) - rows["at_utc"]).dt.total_seconds().to_numpy() / 3_600
        weights = np.power(0.5, age_h / policy.half_life_h) if policy.half_life_h else \
            np.ones(len(rows))
        quality = rows["quality"].to_numpy(float)
        known = ~np.isnan(quality)
        rated = np.where(known, quality, 0.0)
        own = np.where(known, weights, 0.0)
        since = rows[rows["at_utc"] >= resumed[route]] if route in resumed else rows
        later = since["quality"].dropna()
        cost = rows["cost_usd"].to_numpy(float)
        priced = ~np.isnan(cost)
        found.append(RouteSeen(
            route, float(own.sum()), float((own * rated).sum()), float((own * rated**2).sum()),
            float(np.average(cost[priced], weights=weights[priced])) if priced.any() else 0.0,
            float(np.average(rows["latency_s"].to_numpy(float), weights=weights)),
            int((~known & (age_h < policy.wait_h)).sum()), len(since),
            int(since["failed"].sum()), len(later), float(later.sum())))
    return tuple(found)


def summarize_contexts(choices: pd.DataFrame, policy: AllocationPolicy, now: dt.datetime,
                       seen: Sequence[RouteSeen]) -> tuple[Experience, ...]:
    """What every route of ``seen`` earned by context, older choices counting less."""
    found = []
    known = choices[choices["quality"].notna()
                    & (choices["context"].map(len) == len(CONTEXT))] if len(choices) else choices
    for each in seen:
        rows = known[known["route"] == each.route] if len(known) else known
        age_h = (pd.Timestamp(now) - rows["at_utc"]).dt.total_seconds().to_numpy() / 3_600 \
            if len(rows) else np.zeros(0)
        weights = np.power(0.5, age_h / policy.half_life_h) if policy.half_life_h else \
            np.ones(len(rows))
        found.append(learn_experience(
            each.route, np.array(rows["context"].tolist(), float).reshape(-1, len(CONTEXT)),
            rows["quality"].to_numpy(float), weights, each.cost_usd, each.latency_s))
    return tuple(found)


def value_shares(choices: pd.DataFrame, target: Mapping[str, float]) -> PolicyValue:
    """What fixed shares would have earned on the logged choices.

    At each choice they count among the routes possible then; where none of the target's was,
    things are as they were.
    """
    routes = sorted({*choices["route"], *target, *(route for shares in choices["shares"]
                                                   for route in shares)})
    places = {route: place for place, route in enumerate(routes)}
    matrix = np.zeros((len(choices), len(routes)))
    for row, shares in enumerate(choices["shares"]):
        wanted = {route: target.get(route, 0.0) for route in shares}
        total = sum(wanted.values())
        for route, share in (wanted if total > 0 else shares).items():
            matrix[row, places[route]] = share / total if total > 0 else share
    arms = np.array([places[route] for route in choices["route"]], dtype=np.int64)
    chances = choices["propensity"].to_numpy(float)

    def value(name: str) -> Evaluation | CannotTell:
        figures = choices[name].to_numpy(float)
        known = ~np.isnan(figures)
        if known.sum() < 2:
            return NO_LOG
        return evaluate_policy(arms[known], figures[known], chances[known], matrix[known])
    return PolicyValue(len(choices), int(choices["quality"].notna().sum()), value("quality"),
                       value("cost_usd"), value("latency_s"))


def _allocated(steps: str) -> dict[str, Any] | None:
    """What the choosing step of a request says of its allocation."""
    try:
        told: Sequence[Mapping[str, Any]] = json.loads(steps)
    except ValueError:
        return None
    for step in told:
        logged = (step.get("facts") or {}).get("allocation")
        if isinstance(logged, dict):
            return logged
    return None


def _quality(row: Mapping[Any, Any], failed: bool) -> float:
    if failed:
        return 0.0
    if row["success"] is not None and not pd.isna(row["success"]):
        return min(max(float(row["success"]), 0.0), 1.0)
    if row["stars"] is not None and not pd.isna(row["stars"]):
        return min(max((float(row["stars"]) - 1) / 4, 0.0), 1.0)
    return float("nan")
