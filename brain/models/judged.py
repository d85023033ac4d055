"""Judged prompts that a router learns from: graders, task success and stars, by model."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.routing.evaluation import FEWEST, RoutingData
from brain.decisions.evaluation import read_item
from brain.sources.state import StateStore

Floats = npt.NDArray[np.float64]
MOST_PROMPTS = 20_000
LEARN_DAYS = 180
MOST_GRADES = 100_000
MOST_COMPARED = 3_000


@dataclass(frozen=True, slots=True)
class Judged:
    """Prompts with each model's mean score, 0 to 1, and cost in USD; NaN where there is none.

    ``sources`` counts scores by where they are from: grader, task success, stars.
    """

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    scores: Floats
    costs: Floats
    sources: Mapping[str, int] = field(default_factory=dict)

    def comparable(self) -> RoutingData | None:
        """The prompts on which the same models were all judged, at known costs; None if such are
        fewer than evaluation.FEWEST. Models that were judged least are left out first."""
        known = ~np.isnan(self.scores) & ~np.isnan(self.costs)
        kept = list(range(len(self.models)))
        while len(kept) >= 2:
            rows = np.flatnonzero(known[:, kept].all(axis=1))[:MOST_COMPARED]
            if len(rows) >= FEWEST:
                return RoutingData(
                    tuple(self.prompts[row] for row in rows.tolist()),
                    tuple(self.models[place] for place in kept),
                    self.scores[rows][:, kept], self.costs[rows][:, kept])
            kept.remove(min(kept, key=lambda place: (int(known[:, place].sum()), -place)))
        return None


@dataclass(frozen=True, slots=True)
class _Score:
    prompt: str
    model: str
    score: float
    cost_usd: float
    source: str


def read_judged(query: Callable[..., pd.DataFrame], state: StateStore, now: dt.datetime) -> Judged:
    """Everything judged in LEARN_DAYS days; of several scores of a model on one prompt the mean.

    A grader's verdict on an answer counts before its asker's.
    """
    found = [*_read_graded(state, now), *_read_rated(query, now)]
    prompts = {text: place for place, text in enumerate(dict.fromkeys(
        each.prompt for each in found))}
    models = {name: place for place, name in enumerate(sorted({each.model for each in found}))}
    shape = (len(prompts), len(models))
    sums, counts, costs, priced = (np.zeros(shape) for _ in range(4))
    for each in found:
        at = prompts[each.prompt], models[each.model]
        sums[at] += each.score
        counts[at] += 1
        if not np.isnan(each.cost_usd):
            costs[at] += each.cost_usd
            priced[at] += 1
    with np.errstate(invalid="ignore"):
        return Judged(tuple(prompts), tuple(models), sums / counts, costs / priced,
                      dict(Counter(each.source for each in found)))


def _read_rated(query: Callable[..., pd.DataFrame], now: dt.datetime) -> Iterator[_Score]:
    """Verdicts of those who asked: whether the task was solved, else 1 to 5 stars as 0 to 1."""
    rows = query("models/rated_prompts", start=now - dt.timedelta(days=LEARN_DAYS), end=now,
                 limit=MOST_PROMPTS)
    for row in rows.to_dict("records"):
        solved = row["success"] is not None and not pd.isna(row["success"])
        score = float(row["success"]) if solved else (row["stars"] / row["verdicts"] - 1) / 4
        yield _Score(str(row["prompt"]), str(row["model"]), min(max(score, 0.0), 1.0), float("nan"),
                     "task success" if solved else "stars")


def _read_graded(state: StateStore, now: dt.datetime) -> Iterator[_Score]:
    """Grades of evaluations of a named model on golden questions, without a prompt around them."""
    since = (now - dt.timedelta(days=LEARN_DAYS)).astimezone(dt.UTC).replace(tzinfo=None)
    runs = state.tables["evaluation_runs"].c
    sets: dict[tuple[str, int], dict[int, str]] = {}
    left = MOST_GRADES
    for run in reversed(state.rows("evaluation_runs", runs.started_at_utc >= since,
                                   order="started_at_utc")):
        sides = {side: _named(run[f"{side}_json"]) for side in ("candidate", "baseline")}
        if not any(sides.values()) or left <= 0:
            continue
        key = run["set_name"], run["set_version"]
        if key not in sets:
            sets[key] = _questions(state, *key)
        grades = state.tables["evaluation_grades"].c
        for row in state.rows("evaluation_grades", grades.run_id == run["run_id"]):
            text, model = sets[key].get(row["item_number"]), sides.get(row["side"])
            if text and model and row["score"] is not None and not row["failed"]:
                left -= 1
                yield _Score(text, model, min(max(float(row["score"]), 0.0), 1.0),
                             float("nan") if row["cost_usd"] is None
                             else float(Decimal(row["cost_usd"])), "grader")


def _named(text: str) -> str:
    """The model of a candidate that names one and puts no prompt around the question."""
    candidate: Mapping[str, Any] = json.loads(text or "null") or {}
    return str(candidate.get("model") or "") if not candidate.get("prompt") else ""


def _questions(state: StateStore, name: str, version: int) -> dict[int, str]:
    """Questions by number; none for items whose answer was made elsewhere."""
    columns = state.tables["golden_items"].c
    items = {row["item_number"]: read_item(json.loads(row["item_json"]), row["item_number"])
             for row in state.rows("golden_items", columns.set_name == name,
                                   columns.version == version)}
    return {number: each.question for number, each in items.items() if each.answer is None}
