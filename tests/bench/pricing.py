"""Pricing by the dated price book, beside pandas."""

import datetime as dt
from collections.abc import Iterator

import pandas as pd

from analytics.spans import Span
from brain.costs.repricing import price_span
from brain.engine import Engine
from tests.bench import data
from tests.bench.measuring import Figure, Plan, forget_peak, peak_bytes, repeat_ms, timed_ms

ROWS = 5_000_000
_PRICED = """
select count(*), sum(cost_pico_usd)::decimal(38, 0),
       sum(case when cost_pico_usd is null then 1 else 0 end)
from priced_requests where at_utc >= $start and at_utc < $end
"""
_ROWS = """
select at_utc, provider, model, input_tokens, cache_read_tokens, output_tokens, cached
from requests where at_utc >= $start and at_utc < $end
"""


def measure(plan: Plan) -> Iterator[Figure]:
    """The cost of five million requests out of the 20 million."""
    size = next((each for each in plan.sizes if each >= ROWS), plan.sizes[-1])
    engine = data.open_engine(data.folder(size))
    wanted = min(ROWS, size)
    start = data.START.replace(tzinfo=None)
    span = {"start": start, "end": start + dt.timedelta(days=data.DAYS * wanted / size)}
    with engine.store.transaction() as cursor:
        def price() -> None:
            cursor.execute(_PRICED, span).fetchone()
        forget_peak()
        times = repeat_ms(price, 7)
        peak = peak_bytes()
        rows = cursor.execute(_ROWS, span).df()
    prices = _price_frame(engine)
    yield Figure("pricing by dated prices", f"{len(rows):,}", "ms", times,
                 "pandas merge_asof", timed_ms(lambda: price_with_pandas(rows, prices)),
                 most=1_000.0, peak_bytes=peak)
    whole = Span(data.START, data.START + dt.timedelta(days=data.DAYS * wanted / size))
    with engine.store.transaction() as cursor:
        twice = timed_ms(lambda: [cursor.execute(_PRICED, span).fetchone() for _ in range(2)])

    def reprice() -> None:
        price_span(engine, whole, ("billed", "today"))
    yield Figure("re-pricing in two ways, by model", f"{len(rows):,}", "ms",
                 repeat_ms(reprice, 5), "pricing each way by a join", twice, most=1_000.0)
    for by in (("Model",), ("Feature", "API key"), ("Day", "Model"), ("User",)):
        def break_down(by: tuple[str, ...] = by) -> None:
            engine.costs.breakdown(Span(data.START, data.NOW), by)
        yield Figure(f"spend by {' and '.join(by).lower()}, {data.DAYS} days", f"{size:,}", "ms",
                     repeat_ms(break_down, 5), most=None if by == ("User",) else 100.0)
    engine.close()


def price_with_pandas(rows: pd.DataFrame, prices: pd.DataFrame) -> float:
    """Cost in USD, in floats: the last price before each request, multiplied."""
    priced = pd.merge_asof(rows.sort_values("at_utc"), prices, left_on="at_utc",
                           right_on="valid_from_utc", by=["provider", "model"])
    cost = (priced["input_tokens"] * priced["input_pico_usd"]
            + priced["cache_read_tokens"] * priced["cache_read_pico_usd"].fillna(0)
            + priced["output_tokens"] * priced["output_pico_usd"])
    return float(cost.where(~priced["cached"], 0).sum() / 1e12)


def _price_frame(engine: Engine) -> pd.DataFrame:
    with engine.store.transaction() as cursor:
        frame: pd.DataFrame = cursor.execute(
            "select * from price_ranges where tier_from_tokens = 0 "
            "and price_context = ''").df()
    return frame.sort_values("valid_from_utc")
