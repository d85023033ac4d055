"""ServeGen windows: how often each client asked in each ten minutes, made into requests.

Each window gets the requests its rate says, spread by gaps of its own distribution (Gamma or
Weibull with shape p1) stretched to fill the window, as the ServeGen generator does. Counts are
rounded so that each client's total is right to within one request. ``scale`` lowers every rate
and leaves the shape of the bursts. A client becomes a workspace.

Source: Xiang et al., "ServeGen: Workload Characterization and Generation of Large Language Model
Serving in Production", 2025; github.com/alibaba/ServeGen, servegen/construct.py.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from brain.events import Rejection
from brain.sources.importers.judging import Judged
from brain.sources.importers.parquet_file import column_names, open_file
from brain.sources.importers.plan import ImportPlan, ImportRefused
from brain.sources.importers.reading import ROWS_AT_ONCE, Format, Opened, Reading, first_line

COLUMNS = ("model", "client", "t_s", "rate_rps", "arrival_pattern", "p1")
WINDOW_S = 600
START = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
MOST_BY_DEFAULT = 10_000_000
MOST_REQUESTS = 2_000_000_000
_WINDOW_US = WINDOW_S * 1_000_000
_SHAPES = (0.05, 1_000.0)


@dataclass(frozen=True, slots=True)
class Windows:
    """Sound windows in order of time: client by number, expected requests, gap shape."""

    names: tuple[tuple[str, int], ...]
    client: np.ndarray
    start_s: np.ndarray
    expected: np.ndarray
    shape: np.ndarray
    is_gamma: np.ndarray


def looks_like(names: list[str]) -> bool:
    """Whether a Parquet file has the columns of ServeGen windows."""
    return {"t_s", "rate_rps", "arrival_pattern"} <= set(names)


def open_windows(reading: Reading) -> Opened:
    """A Parquet file of ServeGen windows."""
    plan = reading.plan
    if plan.kind != "requests":
        raise ImportRefused("bad_option", "ServeGen windows hold requests", "kind")
    windows, rejected, ignored = _read_windows(reading)
    start = (plan.start or START).astimezone(dt.UTC)
    if len(windows.start_s):
        end = start + dt.timedelta(seconds=int(windows.start_s[-1]) + WINDOW_S)
        if end > reading.latest:
            raise ImportRefused("in_future", f"with this start the last window ends "
                                f"{end.isoformat()}, ahead of this clock", "start")
    scale = plan.scale or default_scale(float(windows.expected.sum()))
    total = float(windows.expected.sum()) * scale
    if total > MOST_REQUESTS:
        raise ImportRefused("too_large", f"these windows make {total:,.0f} requests; choose a "
                            "smaller scale", "scale")
    notes = [f"{len(windows.start_s):,} windows of {len(windows.names)} clients describe "
             f"{windows.expected.sum():,.0f} requests; made at scale {scale:g}, seed {plan.seed}, "
             f"from {start.isoformat()}"]
    if not plan.input_tokens and not plan.output_tokens:
        notes.append("the windows hold no token counts: tokens are 0 unless given as options")
    return Opened(_make(windows, rejected, plan, start, scale), round(total), ignored, notes,
                  "servegen")


def default_scale(expected: float) -> float:
    """The largest power of ten, at most 1, that keeps to ten million requests."""
    return 10.0 ** -max(0, math.ceil(math.log10(max(expected, 1.0) / MOST_BY_DEFAULT)))


def count_requests(windows: Windows, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Requests in each window; a client's sum is its expected total, rounded up or down."""
    counts = np.zeros(len(windows.client), dtype=np.int64)
    order = np.argsort(windows.client, kind="stable")
    borders = np.flatnonzero(np.diff(windows.client[order])) + 1
    for places in np.split(order, borders):
        if len(places):
            reached = np.floor(np.cumsum(windows.expected[places] * scale) + rng.random())
            counts[places] = np.diff(reached, prepend=0.0).astype(np.int64)
    return counts


def spread(counts: np.ndarray, shape: np.ndarray, is_gamma: np.ndarray,
           rng: np.random.Generator) -> np.ndarray:
    """Microseconds from the start of its window for each request, window after window."""
    draws = counts + 1
    of_window = np.repeat(np.arange(len(counts)), draws)
    gaps = np.empty(len(of_window))
    gamma = is_gamma[of_window]
    shapes = shape[of_window]
    gaps[gamma] = rng.standard_gamma(shapes[gamma]) / shapes[gamma]
    means = np.array([math.gamma(1 + 1 / each) for each in shape[~is_gamma].tolist()])
    mean = np.ones(len(counts))
    mean[~is_gamma] = means
    gaps[~gamma] = rng.weibull(shapes[~gamma]) / mean[of_window[~gamma]]
    reached = np.cumsum(gaps)
    ends = np.cumsum(draws) - 1
    before = np.concatenate(([0.0], reached[ends[:-1]]))
    length = reached[ends] - before
    gone = length < 1e-6  # gaps too small to add up: one after the other, evenly
    even = (np.arange(len(of_window)) - (ends - counts)[of_window] + 1) / draws[of_window]
    within = np.where(gone[of_window], even, (reached - before[of_window])
                      / np.where(gone, 1.0, length)[of_window])
    is_request = np.ones(len(of_window), dtype=bool)
    is_request[ends] = False
    micros = (within[is_request] * _WINDOW_US).astype(np.int64)
    return np.clip(micros, 0, _WINDOW_US - 1)


def _make(windows: Windows, rejected: list[Rejection], plan: ImportPlan, start: dt.datetime,
          scale: float) -> Iterator[Judged]:
    rng = np.random.Generator(np.random.PCG64(plan.seed))
    counts = count_requests(windows, scale, rng)
    prefix = plan.workspace or "servegen"
    workspaces = pa.array([f"{prefix}-{model}-{client}"[:128] for model, client in windows.names],
                          pa.string())
    models = pa.array([model for model, _ in windows.names], pa.string())
    if rejected:
        yield Judged("requests", pa.table({"line": pa.array([], pa.int64())}), rejected,
                     len(rejected))
    start_us = round(start.timestamp()) * 1_000_000
    slabs = np.flatnonzero(np.diff(np.cumsum(counts) // ROWS_AT_ONCE)) + 1
    for places in np.split(np.arange(len(counts)), slabs):
        rows = int(counts[places].sum())
        if not rows:
            continue
        within = spread(counts[places], windows.shape[places], windows.is_gamma[places], rng)
        owner = np.repeat(places, counts[places])
        at_us = start_us + windows.start_s[owner] * 1_000_000 + within
        order = np.argsort(at_us, kind="stable")
        client = pa.array(windows.client[owner][order])
        yield Judged("requests", pa.table({
            "at_utc": pa.array(at_us[order]).cast(pa.timestamp("us")),
            "workspace_id": workspaces.take(client), "model": models.take(client),
            "input_tokens": pa.repeat(pa.scalar(plan.input_tokens, pa.int64()), rows),
            "output_tokens": pa.repeat(pa.scalar(plan.output_tokens, pa.int64()), rows),
            "line": pa.array(owner[order] + 1)}), [], rows)


def _read_windows(reading: Reading) -> tuple[Windows, list[Rejection], tuple[str, ...]]:
    file = open_file(reading.ready)
    names, nested = column_names(file)
    if missing := [name for name in COLUMNS if name not in names]:
        raise ImportRefused("wrong_header", "ServeGen windows have the columns "
                            f"{', '.join(COLUMNS)}; this file has no {missing[0]}", "header")
    try:
        table = file.read(columns=list(COLUMNS))
        model = np.array(["" if each is None else str(each)
                          for each in table["model"].to_pylist()], dtype=object)
        pattern = np.array([str(each).lower() for each in table["arrival_pattern"].to_pylist()],
                           dtype=object)
        client, start_s, rate, shape = (
            table[name].cast(pa.float64()).to_numpy() for name in ("client", "t_s", "rate_rps",
                                                                   "p1"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportRefused("broken_parquet", f"the windows cannot be read: {first_line(error)}",
                            "file") from error
    faults = (
        (np.array([not each or len(each) > 100 or not each.isprintable()
                   for each in model.tolist()], dtype=bool), "model", "must be a short name"),
        (_not_whole(client, 2**40), "client", "must be a whole number"),
        (_not_whole(start_s, 10**9), "t_s", "must be a whole number of seconds"),
        (~(np.isfinite(rate) & (rate >= 0) & (rate <= 1e7)), "rate_rps",
         "must be a rate of 0 to 10,000,000"),
        (~np.isin(pattern, ["gamma", "weibull"]), "arrival_pattern", "must be Gamma or Weibull"),
        (~(np.isfinite(shape) & (shape > 0)), "p1", "must be a shape above 0"))
    bad = np.zeros(len(model), dtype=bool)
    rejected = []
    for mask, name, right in faults:
        rejected += [Rejection(place + 1, "bad_window", f"{name} {right}", name)
                     for place in np.flatnonzero(mask & ~bad).tolist()]
        bad |= mask
    chosen = np.flatnonzero(~bad)
    chosen = chosen[np.lexsort((client[chosen], model[chosen].astype(str), start_s[chosen]))]
    clients = list(zip(model[chosen].tolist(), client[chosen].astype(np.int64).tolist(),
                       strict=True))
    known = {pair: number for number, pair in enumerate(sorted(set(clients)))}
    windows = Windows(
        tuple(known), np.array([known[pair] for pair in clients], dtype=np.int64),
        start_s[chosen].astype(np.int64), rate[chosen] * WINDOW_S,
        np.clip(shape[chosen], *_SHAPES), pattern[chosen] == "gamma")
    rejected.sort(key=lambda row: row.line)
    return windows, rejected, tuple(name for name in (*names, *nested) if name not in COLUMNS)


def _not_whole(values: np.ndarray, most: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return ~(np.isfinite(values) & (values == np.floor(values)) & (values >= 0)
                 & (values <= most))


SERVEGEN = Format("servegen", "ServeGen windows, made into requests", open_windows)
