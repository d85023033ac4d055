"""What was measured of models here: requests, errors, latency, quality, length of answers."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brain.decisions.models.catalogue import Measured

Key = tuple[str, str]
DAYS = 7
"""Days over which figures are measured: long enough for counts, short enough for today's model."""
MOST_PROMPTS = 20_000
LEARN_DAYS = 180


@dataclass(frozen=True, slots=True)
class Judged:
    """Prompts with the score, 0 to 1, of the model that answered; NaN for the others."""

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    scores: npt.NDArray[np.float64]


def measure(query: Callable[..., pd.DataFrame], now: dt.datetime
            ) -> Mapping[Key, tuple[Measured, ...]]:
    """Figures of the last DAYS days by provider and model: all tasks first, then each topic."""
    rows = query("models/measured", start=now - dt.timedelta(days=DAYS), end=now)
    found: dict[Key, list[Measured]] = defaultdict(list)
    for row in rows.sort_values(["provider", "model", "task_class"]).to_dict("records"):
        verdicts = int(row["quality_n"])
        found[row["provider"], row["model"]].append(Measured(
            row["task_class"], int(row["requests"]), int(row["errors"]), _known(row["p50_ms"]),
            _known(row["p95_ms"]), _known(row["ttft_ms"]),
            row["quality_sum"] / verdicts if verdicts else None, verdicts,
            float(row["output_tokens"]) / float(row["input_tokens"])
            if row["input_tokens"] > 0 else None))
    return {key: tuple(each) for key, each in found.items()}


def read_judged(query: Callable[..., pd.DataFrame], now: dt.datetime,
                models: Sequence[str] = ()) -> Judged:
    """The newest judged prompts; stars of 1 to 5 are scores of 0 to 1."""
    rows = query("models/rated_prompts", start=now - dt.timedelta(days=LEARN_DAYS), end=now,
                 limit=MOST_PROMPTS)
    if models:
        rows = rows[rows["model"].isin(list(models))]
    names = tuple(sorted(rows["model"].unique()))
    places = {name: place for place, name in enumerate(names)}
    scores = np.full((len(rows), len(names)), np.nan)
    for number, row in enumerate(rows.to_dict("records")):
        scores[number, places[row["model"]]] = (row["stars"] / row["verdicts"] - 1) / 4
    return Judged(tuple(map(str, rows["prompt"])), names, scores)


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
