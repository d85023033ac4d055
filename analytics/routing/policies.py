"""Ways to predict how well each model answers a prompt, learned from prompts with scores."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from analytics.routing.outcomes import as_outcomes
from analytics.routing.router import train_router

Floats = npt.NDArray[np.float64]
Learner = Callable[[Sequence[str], Floats, Sequence[str]], Floats]
"""From training prompts, their scores (a column per model) and test prompts to predictions."""
NEIGHBOURS = 40


def predict_router(train: Sequence[str], scores: Floats, test: Sequence[str]) -> Floats:
    """Predictions of the console's own router; see `train_router`."""
    router = train_router(train, scores, [str(place) for place in range(scores.shape[1])])
    return router.predict_all(test)


def predict_logistic(train: Sequence[str], scores: Floats, test: Sequence[str]) -> Floats:
    """Plain logistic regression on TF-IDF of words, one for each model, all by default.

    A score between 0 and 1 counts as both outcomes by its share.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    words = TfidfVectorizer()
    known, asked = words.fit_transform(train), words.transform(test)
    found = np.empty((len(test), scores.shape[1]))
    for place, column in enumerate(scores.T):
        if np.ptp(column) == 0:
            found[:, place] = column[0]
        else:
            rows, outcome, weight = as_outcomes(known, column)
            found[:, place] = LogisticRegression(max_iter=1_000).fit(
                rows, outcome, sample_weight=weight).predict_proba(asked)[:, 1]
    return found


def predict_neighbours(train: Sequence[str], scores: Floats, test: Sequence[str]) -> Floats:
    """Mean scores of the NEIGHBOURS nearest training prompts by TF-IDF of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    words = TfidfVectorizer()
    known, asked = words.fit_transform(train).T.tocsr(), words.transform(test)
    count = min(NEIGHBOURS, len(train))
    found = np.empty((len(test), scores.shape[1]))
    for start in range(0, len(test), 500):
        alike = (asked[start:start + 500] @ known).toarray()
        nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        found[start:start + 500] = scores[nearest].mean(axis=1)
    return found


LEARNERS: tuple[tuple[str, Learner], ...] = (
    ("router", predict_router), ("logistic", predict_logistic),
    ("nearest_neighbours", predict_neighbours))
"""The policies that learn, by the names they are shown under."""
