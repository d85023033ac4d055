"""Whether a trained router may be used: it must judge unseen prompts better than plain means."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analytics.routing.router import Router, train_router
from analytics.routing.splits import group_near_duplicates, split_by_prompt
from brain.decisions.reasons import Reason

if TYPE_CHECKING:
    from brain.models.router_store import RouterVersion

Floats = npt.NDArray[np.float64]
FEWEST_SCORES = 200
"""Scores of prompts without which nothing is trained."""
_ONE_SIDED_95 = 1.644854


@dataclass(frozen=True, slots=True)
class RouterGate:
    """Squared errors on prompts held back: the router's, of plain means, of the router in force.

    ``gain`` is by how much the router is better than the better of the others, and ``least_gain``
    its lower bound (one-sided 95 %). It passes above 0.
    """

    passed: bool
    tested: int
    router_error: float
    means_error: float
    active_error: float | None
    gain: float
    least_gain: float
    reasons: tuple[Reason, ...]

    def to_json(self) -> str:
        """The gate as text to keep."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "RouterGate":
        """The gate of such a text."""
        kept = json.loads(text)
        return cls(**kept | {"reasons": tuple(Reason(**each) for each in kept["reasons"])})


@dataclass(frozen=True, slots=True)
class NotEnoughScores:
    """Why no router can be trained yet."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Trained:
    """What training did: what its gate says, the version kept (None where it was refused or only
    tried), and how many scores it learned from by where they are from."""

    gate: RouterGate
    version: "RouterVersion | None"
    trained_on: int
    models: tuple[str, ...]
    sources: Mapping[str, int]


def train_and_judge(prompts: Sequence[str], scores: Floats, models: Sequence[str],
                    priors: Sequence[float] = (), active: Router | None = None, seed: int = 0
                    ) -> tuple[Router, RouterGate] | NotEnoughScores:
    """A router on all prompts, and what one trained on 70 % of them did on the rest."""
    known = int((~np.isnan(scores)).sum())
    if known < FEWEST_SCORES or len(models) < 2:
        return NotEnoughScores("not_enough_scores", f"{known:,} judged prompts of {len(models)} "
                               f"models: at least {FEWEST_SCORES} of two models are needed.")
    split = split_by_prompt(group_near_duplicates(prompts), 0.3, seed)
    train = [prompts[place] for place in np.flatnonzero(split.train).tolist()]
    test = [prompts[place] for place in np.flatnonzero(split.test).tolist()]
    inner = train_router(train, scores[split.train], models, priors, seed)
    held = scores[split.test]
    seen = ~np.isnan(held)
    if seen.sum() < FEWEST_SCORES // 10:
        return NotEnoughScores("not_enough_scores", "Too few scores are left for a test.")
    means = _means(scores[split.train], priors)
    errors = {"router": (inner.predict_all(test) - held)[seen] ** 2,
              "means": (means - held)[seen] ** 2}
    if active is not None and set(models) <= set(active.models):
        places = [active.models.index(each) for each in models]
        errors["active"] = (active.predict_all(test)[:, places] - held)[seen] ** 2
    rival = min((each for each in errors if each != "router"),
                key=lambda each: float(errors[each].mean()))
    gains = errors[rival] - errors["router"]
    gain = float(gains.mean())
    least = gain - _ONE_SIDED_95 * float(gains.std(ddof=1)) / math.sqrt(len(gains))
    against = {"means": "the models' plain means", "active": "the router in force"}[rival]
    reason = Reason("passed", f"Better than {against} on {len(gains):,} scores it never saw.") \
        if least > 0 else Reason("refused", f"Not surely better than {against} on {len(gains):,} "
                                            "scores it never saw.")
    gate = RouterGate(least > 0, len(gains), float(errors["router"].mean()),
                      float(errors["means"].mean()),
                      float(errors["active"].mean()) if "active" in errors else None,
                      gain, least, (reason,))
    return train_router(prompts, scores, models, priors, seed), gate


def _means(scores: Floats, priors: Sequence[float]) -> Floats:
    known = (~np.isnan(scores)).sum(axis=0)
    prior = np.array(priors, float) if len(priors) else np.full(scores.shape[1], 0.5)
    return np.asarray((20 * prior + np.nansum(scores, axis=0)) / (20 + known))
