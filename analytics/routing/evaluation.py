"""What a router would save: curves on prompts, or whole subjects, that it has never seen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analytics.routing.curves import Curve, draw_curve, range_of, sweep
from analytics.routing.policies import LEARNERS, Learner
from analytics.routing.splits import (
    Split,
    group_near_duplicates,
    split_by_prompt,
    split_by_subject,
)

Floats = npt.NDArray[np.float64]
SplitKind = Literal["prompt", "subject"]
FEWEST = 50
"""Prompts below which nothing is told."""


@dataclass(frozen=True, slots=True)
class RoutingData:
    """Prompts with the score (0–1) and cost in USD of each model; ``subjects`` may be empty."""

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    scores: Floats
    costs: Floats
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The curves of one split, its sizes and its seed."""

    kind: SplitKind
    seed: int
    trained: int
    tested: int
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A policy over all splits of a kind: means and standard deviations.

    ``gain`` is the difference of AIQ to plain logistic regression on the same splits;
    ``wins`` are splits where it is above 0. ``saving`` (on the hull) and ``saving_flat`` (at a
    single point) count splits that reach 95 % only.
    """

    kind: SplitKind
    policy: str
    splits: int
    aiq: float
    aiq_sd: float
    saving: float | None
    saving_sd: float | None
    saving_flat: float | None
    saving_flat_sd: float | None
    gain: float
    gain_sd: float
    wins: int


def evaluate(data: RoutingData, kinds: Sequence[SplitKind], seeds: Sequence[int],
             test_ratio: float = 0.3, learners: Sequence[tuple[str, Learner]] = LEARNERS
             ) -> Iterator[Evaluated]:
    """The curves of every kind of split and seed, one split at a time."""
    groups = group_near_duplicates(data.prompts)
    for kind in kinds:
        for seed in seeds:
            split = split_by_prompt(groups, test_ratio, seed) if kind == "prompt" else \
                split_by_subject(data.subjects, groups, test_ratio, seed)
            yield Evaluated(kind, seed, int(split.train.sum()), int(split.test.sum()),
                            _draw_all(data, split, learners))


def summarize(found: Sequence[Evaluated]) -> list[Summary]:
    """Each policy's means over the splits of each kind, in the order of the curves."""
    summaries = []
    for kind in dict.fromkeys(each.kind for each in found):
        splits = [{curve.name: curve for curve in each.curves} for each in found
                  if each.kind == kind]
        for name in splits[0]:
            aiq = np.array([each[name].aiq for each in splits])
            gain = aiq - [each["logistic"].aiq for each in splits]
            saving = _known(each[name].saving for each in splits)
            flat = _known(each[name].saving_flat for each in splits)
            several = len(splits) > 1
            summaries.append(Summary(
                kind, name, len(splits), float(aiq.mean()),
                float(aiq.std(ddof=1)) if several else 0.0,
                *_spread(saving), *_spread(flat),
                float(gain.mean()), float(gain.std(ddof=1)) if several else 0.0,
                int((gain > 0).sum())))
    return summaries


def _known(values: Iterable[float | None]) -> Floats:
    return np.array([value for value in values if value is not None])


def _spread(values: Floats) -> tuple[float | None, float | None]:
    return (float(values.mean()) if values.size else None,
            float(values.std(ddof=1)) if values.size > 1 else None)


def _draw_all(data: RoutingData, split: Split,
              learners: Sequence[tuple[str, Learner]]) -> tuple[Curve, ...]:
    train = [data.prompts[place] for place in np.flatnonzero(split.train)]
    test = [data.prompts[place] for place in np.flatnonzero(split.test)]
    known, scores = data.scores[split.train], data.scores[split.test]
    costs = data.costs[split.test]
    expected = _expect_costs(train, data.costs[split.train], test)
    over = range_of(scores, costs)
    # Any policy can also be left out: always the model that is cheapest, or best, in training.
    ends = [int(data.costs[split.train].mean(axis=0).argmin()), int(known.mean(axis=0).argmax())]
    end_costs = [float(costs[:, place].mean()) for place in ends]
    end_qualities = [float(scores[:, place].mean()) for place in ends]
    curves = []
    for name, learner in learners:
        at_costs, at_qualities = sweep(learner(train, known, test), expected, scores, costs)
        curves.append(draw_curve(name, [*at_costs, *end_costs], [*at_qualities, *end_qualities],
                                 over))
    curves.append(draw_curve("single_models", costs.mean(axis=0).tolist(),
                             scores.mean(axis=0).tolist(), over))
    curves.append(draw_curve("random", end_costs, end_qualities, over))  # their mixtures
    curves.append(draw_curve("oracle", *sweep(scores, costs, scores, costs), over))
    return tuple(curves)


def _expect_costs(train: Sequence[str], costs: Floats, test: Sequence[str]) -> Floats:
    """Cost by prompt length, a line for each model fitted on training prompts, above 0.

    All policies share it, so that only their judgement of quality is compared.
    """
    known = np.array([len(each) for each in train], float)
    asked = np.array([len(each) for each in test], float)
    deviation = known - known.mean()
    slope = (deviation @ costs) / max(float(deviation @ deviation), 1e-12)
    line = costs.mean(axis=0) + (asked - known.mean())[:, None] * slope
    return np.asarray(np.maximum(line, costs.min(axis=0)))
