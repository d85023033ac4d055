"""Which spans a rollup computes anew."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

Span = tuple[dt.datetime, dt.datetime]
_HOUR = dt.timedelta(hours=1)


def plan_spans(hours: Sequence[dt.datetime], requests: Mapping[dt.datetime, int], *,
               most_spans: int = 24, most_hours: int = 2_000,
               most_requests: int = 2_000_000) -> tuple[list[Span], list[dt.datetime]]:
    """Half-open spans that cover the first hours, and those hours.

    At most ``most_hours`` are taken at once, and at least one; with all that lie between them
    they hold at most ``most_requests``, which bounds memory and how long a writer waits.
    ``requests`` says how many each hour has. Neighbours join; where more than ``most_spans`` are
    left, those with the smallest gaps between them join too, for computing an hour that is right
    already does no harm and one scan costs less than many.
    """
    chosen = sorted(set(hours))[:most_hours]
    if not chosen:
        return [], []
    total = 0
    for hour in sorted(each for each in requests if chosen[0] <= each <= chosen[-1]):
        total += requests[hour]
        if total > most_requests and hour > chosen[0]:
            chosen = [each for each in chosen if each < hour]
            break
    gaps = sorted(((after - before, index) for index, (before, after)
                   in enumerate(pairwise(chosen))
                   if after - before > _HOUR), reverse=True)[:most_spans - 1]
    cuts = sorted(index for _, index in gaps)
    starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(chosen) - 1]
    return [(chosen[first], chosen[last] + _HOUR)
            for first, last in zip(starts, ends, strict=True)], chosen
