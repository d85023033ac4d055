"""What was measured of models here: requests, errors, latency, quality, length of answers."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from brain.decisions.models.catalogue import Measured

Key = tuple[str, str]
DAYS = 7
"""Days over which figures are measured: long enough for counts, short enough for today's model."""


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


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
