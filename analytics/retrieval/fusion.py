"""Rankings by different scores made one."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

RANK_CONSTANT = 60


def best_rows(scores: NDArray[np.floating], limit: int) -> list[int]:
    """Rows with a score above 0, best first, at most ``limit``; equal ones in their order."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > limit:
        rows = rows[np.argpartition(-scores[rows], limit - 1)[:limit]]
    return [int(row) for row in rows[np.lexsort((rows, -scores[rows]))]]


def fuse_ranks(rankings: Mapping[str, Sequence[int]]) -> list[tuple[int, float]]:
    """Rows with their fused score, best first: sum of 1 / (60 + rank) over the rankings.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet" (2009).
    """
    scores: dict[int, float] = {}
    for ranked in rankings.values():
        for place, row in enumerate(ranked, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RANK_CONSTANT + place)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))
