"""Points of a chart: every bucket once, and few enough to draw."""

import itertools

import numpy as np
import pandas as pd

from analytics.spans import Span

MOST_POINTS = 2_000


def fill_buckets(frame: pd.DataFrame, at: str, span: Span, width_s: int,
                 zeros: tuple[str, ...] = ()) -> pd.DataFrame:
    """The frame with one row per bucket of the span, in order.

    ``at`` holds each bucket's aware UTC start. A bucket without a row gets 0 in the columns
    ``zeros`` (counts) and a gap in the others (measurements).
    """
    width = pd.Timedelta(seconds=width_s)
    epoch = pd.Timestamp(0, tz="UTC")
    first = span.start - (pd.Timestamp(span.start) - epoch) % width
    grid = pd.DataFrame({at: pd.date_range(first, span.end, freq=width, inclusive="left")})
    grid[at] = grid[at].astype("datetime64[us, UTC]")
    held = frame.assign(**{at: frame[at].astype("datetime64[us, UTC]")})
    filled = grid.merge(held, on=at, how="left")
    for name in zeros:
        filled[name] = filled[name].fillna(0)
    return filled


def covered_s(starts: pd.Series, width_s: int, span: Span) -> np.ndarray:
    """How many seconds of each bucket lie inside the span; rates divide by this."""
    at = starts.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    first = np.maximum(at, span.start.timestamp())
    last = np.minimum(at + width_s, span.end.timestamp())
    return np.clip(last - first, 0.0, None)


def keep_spikes(values: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Positions of at most ``most`` points that keep the line's look, in order.

    The line is cut into equal pieces; each keeps its lowest and its highest value, and its
    first gap. First and last point always stay.
    """
    total = len(values)
    if total <= most:
        return np.arange(total)
    pieces = max(1, (most - 2) // 3)
    edges = np.linspace(0, total, pieces + 1).astype(int)
    kept = {0, total - 1}
    for first, last in itertools.pairwise(edges):
        piece = values[first:last]
        gaps = np.flatnonzero(np.isnan(piece))
        if len(gaps):
            kept.add(int(first + gaps[0]))
        if len(gaps) < len(piece):
            kept.add(int(first + np.nanargmin(piece)))
            kept.add(int(first + np.nanargmax(piece)))
    return np.array(sorted(kept))
