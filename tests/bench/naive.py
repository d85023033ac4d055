"""What a dashboard of plain pandas does: all requests in one frame, every answer from its rows."""

import datetime as dt

import pandas as pd

from analytics import spans
from brain.engine import Engine
from tests.bench import data

_COLUMNS = ("at_utc", "workspace_id", "model", "user_id", "status", "cached", "latency_ms",
            "input_tokens", "cache_read_tokens", "output_tokens")
_DIMENSION = "workspace_id"


class Naive:
    """Requests in memory, prices applied in floats; loading is not counted."""

    def __init__(self, engine: Engine) -> None:
        columns = ", ".join(_COLUMNS)
        with engine.store.transaction() as cursor:
            self.rows: pd.DataFrame = cursor.execute(f"select {columns} from requests").df()
            prices = cursor.execute(
                "select model, max(input_pico_usd) as input_price, max(output_pico_usd) as "
                "output_price from price_ranges group by model").df()
        self.rows = self.rows.merge(prices, on="model", how="left")
        self.rows["cost_usd"] = (self.rows["input_tokens"] * self.rows["input_price"]
                                 + self.rows["output_tokens"] * self.rows["output_price"]) / 1e12

    def answer(self, wanted: str) -> None:
        """The main answers of a page: totals now and before, a series, a breakdown."""
        span = spans.parse_range(wanted, data.NOW)
        self._totals(spans.previous(span))
        rows = self._totals(span)
        width = dt.timedelta(seconds=spans.bucket_width_s(span))
        by_time = rows.groupby(rows["at_utc"].dt.floor(width))
        by_time.agg(requests=("at_utc", "size"), cost_usd=("cost_usd", "sum"),
                    input_tokens=("input_tokens", "sum"))
        by_time["latency_ms"].quantile([0.5, 0.95])
        rows.groupby(_DIMENSION).agg(requests=("at_utc", "size"), cost_usd=("cost_usd", "sum"),
                                     users=("user_id", "nunique"))

    def _totals(self, span: spans.Span) -> pd.DataFrame:
        start, end = (each.replace(tzinfo=None) for each in (span.start, span.end))
        rows = self.rows[(self.rows["at_utc"] >= start) & (self.rows["at_utc"] < end)]
        rows[["input_tokens", "output_tokens", "cost_usd"]].sum()
        rows["latency_ms"].quantile([0.5, 0.95, 0.99])
        rows["user_id"].nunique()
        (rows["status"] == "error").sum()
        return rows
