"""Splits for honest evaluation: near-duplicates stay together, whole subjects are held back."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ALIKE = 0.8
"""Share of five-word pieces in common (Jaccard) from which two prompts are near-duplicates."""
_HASHES = 64
_BANDS = 16
_WORD = re.compile(r"\w+")


def group_near_duplicates(prompts: Sequence[str]) -> Places:
    """A group's number for each prompt: those that are alike share one.

    MinHash over five-word pieces in 16 bands of 4; pairs that meet in a band and agree in
    ALIKE of 64 hashes are joined. Source: Broder, "On the resemblance of documents", 1997.
    """
    rng = np.random.default_rng(20_240_607)
    # Odd factors that wrap at 64 bits: each orders the pieces in another way.
    factors = rng.integers(0, 1 << 63, _HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = rng.integers(0, 1 << 63, _HASHES, dtype=np.uint64)
    signatures = np.empty((len(prompts), _HASHES), dtype=np.uint64)
    for place, prompt in enumerate(prompts):
        pieces = _pieces(prompt)
        signatures[place] = ((pieces[:, None] * factors + shifts) >> np.uint64(20)).min(axis=0)
    parents = list(range(len(prompts)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place
    width = _HASHES // _BANDS
    for band in range(_BANDS):
        met: dict[bytes, int] = {}
        for place in range(len(prompts)):
            key = signatures[place, band * width:(band + 1) * width].tobytes()
            first = met.setdefault(key, place)
            if first != place and root(first) != root(place) and float(np.mean(
                    signatures[first] == signatures[place])) >= ALIKE:
                parents[root(place)] = root(first)
    return np.array([root(place) for place in range(len(prompts))], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Split:
    """Which prompts train, and which are the test; near-duplicates of the test are in neither."""

    train: Flags
    test: Flags


def split_by_prompt(groups: Places, test_ratio: float, seed: int) -> Split:
    """Groups of near-duplicates drawn at random until the test has its share of the prompts."""
    test = _draw(groups, test_ratio, seed)
    return Split(~test, test)


def split_by_subject(subjects: Sequence[str], groups: Places, test_ratio: float,
                     seed: int) -> Split:
    """Whole subjects drawn at random, which the training then never sees."""
    names = {name: number for number, name in enumerate(sorted(set(subjects)))}
    test = _draw(np.array([names[name] for name in subjects], dtype=np.int64), test_ratio, seed)
    return Split(~test & ~np.isin(groups, groups[test]), test)


def _draw(units: Places, test_ratio: float, seed: int) -> Flags:
    """Whole units until the share is reached; at least one is left."""
    names, numbers, counts = np.unique(units, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))[:max(len(names) - 1, 1)]
    before = np.concatenate(([0], np.cumsum(counts[order])[:-1]))
    return np.isin(numbers, order[before < test_ratio * len(units)])


def _pieces(prompt: str) -> npt.NDArray[np.uint64]:
    words = _WORD.findall(prompt.lower())
    texts = {" ".join(words[place:place + 5]) for place in range(max(len(words) - 4, 1))}
    return np.array([int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"),
                                                    digest_size=8).digest()) for text in texts],
                    dtype=np.uint64)
