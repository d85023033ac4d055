"""The learned router: from prompts with scores to the quality expected of each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit, logit

from analytics.routing.crowd import Crowd, grow_crowd, no_crowd
from analytics.routing.forest import Forest, grow_forest
from analytics.routing.outcomes import as_outcomes
from analytics.routing.text import (
    FORM,
    MOST_WORDS,
    Vocabulary,
    describe_form,
    learn_vocabulary,
    split_words,
    weigh_all,
)

Floats = npt.NDArray[np.float64]
FEWEST = 60
"""Scores of a model below which only its mean is learned."""
PRIOR_WEIGHT = 20
SOFTNESS = 0.2
"""C of the logistic regression: smaller keeps the weights of words nearer to 0."""
FORM_SCALE = 0.2
COMMON_WORDS = 150
FARTHEST = 4.0
"""Standard deviations at which a number of the form is cut off."""
_CHECKED_RATIO = 0.25
_CERTAIN = 1e-4


@dataclass(frozen=True, slots=True)
class Router:
    """Expected quality, 0 to 1, of each of ``models`` for a prompt.

    The mean of three judgements, brought to scale: a logistic regression on words, pairs of words
    and the prompt's form; boosted trees on its form and the rarity of its words; and randomised
    trees on that and common words, grown on what tells the models apart, where prompts have the
    scores of all. Plain numbers, so that it can be kept as such; see `brain.models.router_store`.
    """

    models: tuple[str, ...]
    vocabulary: Vocabulary
    center: Floats
    spread: Floats
    weights: Floats
    bias: Floats
    forest: Forest
    crowd: Crowd
    common: tuple[str, ...]
    slope: float
    shift: Floats
    learned: tuple[bool, ...]
    trained_on: int

    def predict(self, prompt: str) -> Floats:
        """The quality expected of each model, in their order."""
        words = split_words(prompt)
        form = self._scale(np.array([*describe_form(prompt),
                                     *self.vocabulary.rarity(_single(words))]))
        places, weights = self.vocabulary.weigh(words)
        linear = weights @ self.weights[places] + self.bias
        linear += FORM_SCALE * form[:len(FORM)] @ self.weights[len(self.vocabulary.terms):]
        crowd = self.crowd.judge(np.concatenate((form, _mark(words, self.common)))) \
            if len(self.crowd.root) else None
        return self._settle(linear, self.forest.judge(form[None, :])[0], crowd)

    def predict_all(self, prompts: Sequence[str]) -> Floats:
        """`predict` for many prompts: a row for each."""
        words = [split_words(each) for each in prompts]
        form = self._scale(_forms(prompts, words, self.vocabulary))
        linear = (weigh_all(self.vocabulary, words) @ self.weights[:len(self.vocabulary.terms)]
                  + self.bias
                  + FORM_SCALE * form[:, :len(FORM)] @ self.weights[len(self.vocabulary.terms):])
        crowd = self.crowd.judge_all(np.hstack((form, _mark_all(words, self.common)))) \
            if len(self.crowd.root) else None
        return self._settle(np.asarray(linear), self.forest.judge(form), crowd)

    def _scale(self, form: Floats) -> Floats:
        return np.asarray(np.minimum(np.maximum((form - self.center) / self.spread, -FARTHEST),
                                     FARTHEST))

    def _settle(self, linear: Floats, forest: Floats, crowd: Floats | None) -> Floats:
        mean = (expit(linear) + expit(forest)) / 2
        if crowd is not None:
            mean = (2 * mean + crowd) / 3
        told = logit(np.minimum(np.maximum(mean, _CERTAIN), 1 - _CERTAIN))
        return np.asarray(np.where(self.learned, expit(self.slope * told + self.shift),
                                   expit(self.bias)))


def train_router(prompts: Sequence[str], scores: Floats, models: Sequence[str],
                 priors: Sequence[float] = (), seed: int = 0) -> Router:
    """A router for any number of models; NaN in ``scores`` (a column per model) is no score.

    A model with fewer than FEWEST scores, or with all alike, keeps the mean of its scores and
    its prior (0–1, counting as PRIOR_WEIGHT scores; 0.5 without one). Scale and shift are fitted
    on a quarter of the prompts that an inner training leaves out.
    """
    words = [split_words(each) for each in prompts]
    form = np.array([describe_form(each) for each in prompts], float).reshape(-1, len(FORM))
    held = np.random.default_rng(seed).random(len(prompts)) < _CHECKED_RATIO
    known = ~np.isnan(scores)
    means = _prior_means(scores, known, priors)
    learned = np.array([known[:, place].sum() >= FEWEST and np.ptp(column[known[:, place]]) > 0
                        for place, column in enumerate(scores.T)])
    slope, shift = 1.0, np.zeros(len(models))
    if learned.any():
        inner = _fit(words, form, np.where(held[:, None], np.nan, scores), models, means, learned,
                     slope, shift, seed)
        told = inner.predict_all([prompts[place] for place in np.flatnonzero(held).tolist()])
        slope, shift = _bring_to_scale(told, scores[held], learned)
    return _fit(words, form, scores, models, means, learned, slope, shift, seed)


def _fit(words: Sequence[list[str]], form: Floats, scores: Floats, models: Sequence[str],
         means: Floats, learned: npt.NDArray[np.bool_], slope: float, shift: Floats,
         seed: int) -> Router:
    used = ~np.isnan(scores).all(axis=1)
    places = np.flatnonzero(used)
    found = [words[place] for place in places.tolist()]
    vocabulary = learn_vocabulary(found, 2, MOST_WORDS)
    told = np.hstack((form[used], np.array([vocabulary.rarity(_single(each), is_own=True)
                                            for each in found]).reshape(-1, 3)))
    center, spread = told.mean(axis=0), told.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    scaled = np.clip((told - center) / spread, -FARTHEST, FARTHEST)
    rows = sparse.hstack([weigh_all(vocabulary, found),
                          FORM_SCALE * scaled[:, :len(FORM)]]).tocsr()
    weights = np.zeros((rows.shape[1], len(models)))
    bias = np.asarray(logit(np.clip(means, _CERTAIN, 1 - _CERTAIN)))
    forests: list[Forest | None] = []
    for place in range(len(models)):
        column = scores[used, place]
        seen = ~np.isnan(column)
        if not learned[place] or np.ptp(column[seen]) == 0:
            forests.append(None)
            continue
        weights[:, place], bias[place] = _fit_linear(rows[seen], column[seen])
        forests.append(grow_forest(scaled[seen], column[seen], seed))
    whole = ~np.isnan(scores[used][:, learned]).any(axis=1)
    common: tuple[str, ...] = ()
    crowd = no_crowd(len(models))
    if learned.sum() > 1 and whole.sum() >= FEWEST:
        common = vocabulary.common_words(COMMON_WORDS)
        crowd = grow_crowd(np.hstack((scaled, _mark_all(found, common)))[whole],
                           scores[used][whole], learned.tolist(), seed)
    return Router(tuple(models), vocabulary, center, spread, weights, bias,
                  Forest.join(forests), crowd, common, slope, shift, tuple(learned.tolist()),
                  len(places))


def _fit_linear(rows: Any, column: Floats) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression
    rows, outcome, weight = as_outcomes(rows, column)
    found = LogisticRegression(C=SOFTNESS, max_iter=300, tol=1e-3).fit(
        rows, outcome, sample_weight=weight)
    return found.coef_[0], float(found.intercept_[0])


def _bring_to_scale(told: Floats, scores: Floats, learned: npt.NDArray[np.bool_]
                    ) -> tuple[float, Floats]:
    """One slope for all models, and a shift for each, by Newton's steps on the log likelihood.

    The slope is held near 1, the shifts near 0, as by PRIOR_WEIGHT observations.
    """
    x = np.asarray(logit(np.clip(told, _CERTAIN, 1 - _CERTAIN)))
    known = ~np.isnan(scores) & learned
    slope, shift = 1.0, np.zeros(x.shape[1])
    for _ in range(8):
        chance = expit(slope * x + shift)
        missed = np.where(known, np.nan_to_num(scores) - chance, 0.0)
        curve = np.where(known, chance * (1 - chance), 0.0)
        shift += (missed.sum(axis=0) - shift * PRIOR_WEIGHT / 4) / (
            curve.sum(axis=0) + PRIOR_WEIGHT / 4)
        slope += float(((missed * x).sum() - (slope - 1) * PRIOR_WEIGHT)
                       / ((curve * x * x).sum() + PRIOR_WEIGHT))
        slope = min(max(slope, 0.2), 3.0)
    return slope, shift


def _prior_means(scores: Floats, known: npt.NDArray[np.bool_], priors: Sequence[float]) -> Floats:
    prior = np.array(priors, float) if len(priors) else np.full(scores.shape[1], 0.5)
    total = np.where(known, np.nan_to_num(scores), 0.0).sum(axis=0)
    return np.asarray((PRIOR_WEIGHT * prior + total) / (PRIOR_WEIGHT + known.sum(axis=0)))


def _forms(prompts: Sequence[str], words: Sequence[list[str]], vocabulary: Vocabulary
           ) -> Floats:
    return np.array([[*describe_form(prompt), *vocabulary.rarity(_single(each))]
                     for prompt, each in zip(prompts, words, strict=True)], float).reshape(
                         -1, len(FORM) + 3)


def _single(words: Sequence[str]) -> list[str]:
    """The words without the pairs; of n words there are n - 1 pairs, behind them."""
    return list(words[:(len(words) + 1) // 2])


def _mark(words: Sequence[str], common: Sequence[str]) -> Floats:
    return np.fromiter(map(set(words).__contains__, common), float, len(common))


def _mark_all(words: Sequence[Sequence[str]], common: Sequence[str]) -> Floats:
    return np.array([_mark(each, common) for each in words]).reshape(len(words), len(common))
