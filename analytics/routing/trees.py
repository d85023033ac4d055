"""Trees that scikit-learn has grown, as plain arrays that are walked without it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def flatten_trees(trees: Sequence[Any], value_of: Callable[[Any], Floats]) -> dict[str, Any]:
    """Nodes of all ``trees`` (scikit-learn's ``tree_``) in one row: arrays by name.

    ``root`` has each tree's first node. A node goes to ``left`` where its ``feature`` is at most
    ``threshold``, else to ``right``; a leaf leads to itself. ``value_of`` gives ``value``, a row
    for each node of a tree.
    """
    sizes = np.cumsum([0, *(each.node_count for each in trees)])
    parts: dict[str, list[npt.NDArray]] = {name: [] for name in (
        "feature", "threshold", "left", "right", "value")}
    for tree, offset in zip(trees, sizes, strict=False):
        itself = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        parts["left"].append(np.where(leaf, itself, tree.children_left) + offset)
        parts["right"].append(np.where(leaf, itself, tree.children_right) + offset)
        parts["value"].append(value_of(tree))
    return {"root": sizes[:-1].astype(np.int64),
            **{name: np.concatenate(found) for name, found in parts.items()}}
