"""Extremely randomised trees of all models at once, as plain arrays: grown by scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.routing.trees import Floats, Places, flatten_trees

TREES, DEPTH = 120, 10
STRETCH = 2.0
"""How much more a difference between models counts than their common level, when trees grow."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Trees whose leaves hold a score, 0 to 1, for each model (columns of ``value``).

    A node goes left where its ``feature`` is at most ``threshold``; a leaf leads to itself. Without
    a ``root`` nothing was learned.
    """

    root: Places
    feature: Places
    threshold: Floats
    left: Places
    right: Places
    value: Floats

    def judge(self, row: Floats) -> Floats:
        """The mean score of each model for one row."""
        at = self.root
        for _ in range(DEPTH):
            goes_left = row[self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        return np.asarray(self.value[at].mean(axis=0))

    def judge_all(self, rows: Floats) -> Floats:
        """`judge` for many rows."""
        found = np.zeros((len(rows), self.value.shape[1]))
        number = np.arange(len(rows))
        for root in self.root.tolist():
            at = np.full(len(rows), root)
            for _ in range(DEPTH):
                goes_left = rows[number, self.feature[at]] <= self.threshold[at]
                at = np.where(goes_left, self.left[at], self.right[at])
            found += self.value[at]
        return found / max(len(self.root), 1)


def no_crowd(models: int) -> Crowd:
    """A crowd that learned nothing."""
    none = np.zeros(0, np.int64)
    return Crowd(none, none, np.zeros(0), none, none, np.zeros((0, models)))


def grow_crowd(rows: Floats, scores: Floats, learned: Sequence[bool], seed: int) -> Crowd:
    """The trees, from rows whose scores (a column per model) are all known for learned models.

    They split by what tells the models apart: differences from a prompt's mean score are
    stretched, and shrunk again in the leaves. Source: Geurts, Ernst and Wehenkel, "Extremely
    randomized trees", 2006.
    """
    from sklearn.ensemble import ExtraTreesRegressor
    columns = np.flatnonzero(learned)
    wanted = scores[:, columns]
    level = wanted.mean(axis=1, keepdims=True)
    grown = ExtraTreesRegressor(
        TREES, max_depth=DEPTH, min_samples_leaf=max(8, len(rows) // 80), max_features=0.4,
        random_state=seed).fit(rows, level + STRETCH * (wanted - level))

    def value_of(tree: Any) -> Floats:
        told = tree.value.reshape(tree.node_count, -1)[:, :len(columns)]
        common = told.mean(axis=1, keepdims=True)
        value = np.zeros((tree.node_count, scores.shape[1]))
        value[:, columns] = common + (told - common) / STRETCH
        return value
    return Crowd(**flatten_trees([each.tree_ for each in grown.estimators_], value_of))
