"""Boosted trees as plain arrays: grown by scikit-learn, judged without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.routing.trees import Floats, Places, flatten_trees

TREES, DEPTH, PACE = 120, 2, 0.06


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of all models in one row; ``owner`` says whose each tree is.

    A node goes left where its ``feature`` is at most ``threshold``; a leaf leads to itself and
    adds its ``value``. ``start`` is each model's log odds before any tree.
    """

    start: Floats
    owner: Places
    root: Places
    feature: Places
    threshold: Floats
    left: Places
    right: Places
    value: Floats

    @classmethod
    def join(cls, forests: Sequence["Forest | None"]) -> "Forest":
        """One forest of those of single models; None is a model without trees."""
        parts: dict[str, list[npt.NDArray]] = {name: [] for name in (
            "owner", "root", "feature", "threshold", "left", "right", "value")}
        offset = 0
        for place, each in enumerate(forests):
            if each is None:
                continue
            parts["owner"].append(np.full(len(each.root), place))
            for name in ("root", "left", "right"):
                parts[name].append(getattr(each, name) + offset)
            for name in ("feature", "threshold", "value"):
                parts[name].append(getattr(each, name))
            offset += len(each.value)
        whole: dict[str, Any] = {
            name: (np.concatenate(found) if found else np.zeros(0)).astype(
                float if name in ("threshold", "value") else np.int64)
            for name, found in parts.items()}
        return cls(np.array([0.0 if each is None else float(each.start[0]) for each in forests]),
                   **whole)

    def judge(self, rows: Floats) -> Floats:
        """Log odds of each row for each model."""
        found = np.tile(self.start, (len(rows), 1))
        if not len(self.root):
            return found
        at = np.tile(self.root, (len(rows), 1))
        number = np.arange(len(rows))[:, None]
        for _ in range(DEPTH):
            goes_left = rows[number, self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        leaves = self.value[at]
        for place in np.unique(self.owner):
            found[:, place] += leaves[:, self.owner == place].sum(axis=1)
        return found


def grow_forest(rows: Floats, scores: Floats, seed: int) -> Forest:
    """The trees of one model, from rows and its scores of 0 to 1 that are not all alike."""
    from sklearn.ensemble import GradientBoostingClassifier

    from analytics.routing.outcomes import as_outcomes
    rows, outcome, weight = as_outcomes(rows, scores)
    grown = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=PACE, subsample=0.6, max_features=0.3,
        min_samples_leaf=max(2, min(60, len(scores) // 20)), random_state=seed).fit(
            rows, outcome, sample_weight=weight)
    mean = float(np.average(outcome, weights=weight))

    def value_of(tree: Any) -> Floats:
        return np.where(tree.children_left < 0, PACE * tree.value[:, 0, 0], 0.0)
    trees = [each.tree_ for each in grown.estimators_[:, 0]]
    return Forest(np.array([np.log(mean / (1 - mean))]), np.zeros(len(trees), dtype=np.int64),
                  **flatten_trees(trees, value_of))
