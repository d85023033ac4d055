"""The published hash of the GrowthBook SDK specification, and the ranges its buckets fall into."""

from collections.abc import Sequence

Range = tuple[float, float]
"""Half-open part of [0, 1): the buckets of one variant."""

START = 0x811C9DC5
_PRIME = 0x01000193
_MASK = 0xFFFFFFFF
HASH_VERSIONS = (1, 2)
MOST_OFF_ONE = 0.01
"""Weights whose sum is further from 1 than this are not taken as shares by the specification."""


def hash_fnv1a(text: str, state: int = START) -> int:
    """FNV-1a of 32 bits over the UTF-16 code units of the text, as the reference SDK takes them.

    ``state`` is the hash of what stands before the text. Source: Fowler, Noll, Vo.
    """
    if text.isascii():
        for letter in text.encode():
            state = ((state ^ letter) * _PRIME) & _MASK
        return state
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        state = ((state ^ (low | high << 8)) * _PRIME) & _MASK
    return state


def bucket_of(seed: str, unit: str, version: int = 2) -> float | None:
    """The unit's place in [0, 1), the same for ever; None for a hash version that is not known.

    Version 1 leaves similar seeds correlated and is for experiments brought from elsewhere.
    """
    if version == 2:
        return hash_fnv1a(str(hash_fnv1a(seed + unit))) % 10_000 / 10_000
    if version == 1:
        return hash_fnv1a(unit + seed) % 1_000 / 1_000
    return None


def divide_buckets(variants: int, coverage: float = 1.0,
                   weights: Sequence[float] | None = None) -> tuple[Range, ...]:
    """One range per variant: its weight's stretch of [0, 1), of which it gets the first part.

    More coverage lengthens each range and never moves a unit to another variant. Weights that
    are of another number than the variants, or do not add up to 1, are taken as equal, as the
    specification says; ``as_shares`` makes any positive weights add up.
    """
    if variants < 1:
        return ()
    covered = min(max(coverage, 0.0), 1.0)
    if weights is None or len(weights) != variants or not abs(sum(weights) - 1) <= MOST_OFF_ONE:
        weights = [1.0 / variants] * variants
    found = []
    start = 0.0
    for weight in weights:
        found.append((start, start + covered * weight))
        start += weight
    return tuple(found)


def as_shares(weights: Sequence[float]) -> tuple[float, ...]:
    """Positive weights divided by their sum."""
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def choose_range(bucket: float, ranges: Sequence[Range]) -> int:
    """Index of the first range that holds the bucket, -1 where none does."""
    for index, (start, end) in enumerate(ranges):
        if start <= bucket < end:
            return index
    return -1


def in_namespace(unit: str, namespace: str, start: float, end: float) -> bool:
    """Whether the unit falls into this part of the namespace; disjoint parts share no unit."""
    return start <= hash_fnv1a(f"{unit}__{namespace}") % 1_000 / 1_000 < end
