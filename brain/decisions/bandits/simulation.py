"""Bandits played against arms of known worth, many runs at once: regret by choices made."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brain.decisions.bandits.bounds import kl_ucb_bounds, ucb1_bounds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Index = Callable[[Floats, Floats, float, np.random.Generator], Floats]


@dataclass(frozen=True, slots=True)
class Strategy:
    """What plays: the ``rule`` of one choice, and how the past fades.

    "thompson", "ucb1", "kl_ucb", "epsilon_greedy" or "uniform"; each later choice makes one count
    ``discount`` times as much, only the last ``window`` choices count (0 for all).
    """

    rule: str = "thompson"
    discount: float = 1.0
    window: int = 0
    epsilon: float = 0.1


@dataclass(frozen=True, slots=True)
class Regret:
    """Rewards lost against the best arm of each moment, after ``choices``: mean over the runs and
    its standard error."""

    choices: Ints
    mean: Floats
    standard_error: Floats


def play(strategy: Strategy, rates: Floats, runs: int, rng: np.random.Generator,
         looks: int = 50, delay: int = 0) -> Regret:
    """Regret of a strategy on arms that pay 1 with chance ``rates`` (choices, arms), else 0.

    A reward comes ``delay`` choices late. Expected rewards are lost, not drawn ones, so that
    chance in the rewards adds nothing to the error.
    """
    choices, arms = rates.shape
    index = _RULES[strategy.rule](strategy)
    n, hits = np.zeros((runs, arms)), np.zeros((runs, arms))
    kept = np.zeros((choices, runs), np.int64)
    won = np.zeros((choices, runs))
    every = np.arange(runs)
    lost = np.zeros(runs)
    at = np.unique(np.linspace(1, choices, looks).round().astype(np.int64))
    means: list[float] = []
    errors: list[float] = []
    for step in range(choices):
        total = float(min(step, 1 / max(1 - strategy.discount, 1e-12), strategy.window or step))
        arm = index(n, hits, max(total, 1.0), rng).argmax(axis=1)
        kept[step] = arm
        won[step] = rng.random(runs) < rates[step, arm]
        lost += rates[step].max() - rates[step, arm]
        if strategy.discount < 1:
            n *= strategy.discount
            hits *= strategy.discount
        if (told := step - delay) >= 0:
            n[every, kept[told]] += 1
            hits[every, kept[told]] += won[told]
        if strategy.window and (old := told - strategy.window) >= 0:
            n[every, kept[old]] -= 1
            hits[every, kept[old]] -= won[old]
        if step + 1 == at[len(means)]:
            means.append(lost.mean())
            errors.append(lost.std(ddof=1) / runs**0.5 if runs > 1 else 0.0)
            if len(means) == len(at):
                break
    return Regret(at, np.array(means), np.array(errors))


def play_linear(slopes: Floats, choices: int, runs: int, rng: np.random.Generator,
                rule: str = "thompson", spread: float = 0.5, uses_context: bool = True) -> Regret:
    """Regret on arms that pay context · slope plus noise; ``slopes`` is (arms, numbers).

    Contexts are drawn anew for each choice, from a normal law beside a constant 1.
    "thompson" draws coefficients (LinTS), "ucb" adds one standard error (LinUCB). Without
    ``uses_context`` only the constant is seen: a bandit that knows nothing of the context.
    """
    arms, size = slopes.shape
    seen = size if uses_context else 1
    inverse = np.tile(np.eye(seen), (runs, arms, 1, 1))
    moment = np.zeros((runs, arms, seen))
    every, lost = np.arange(runs), np.zeros(runs)
    means: list[float] = []
    errors: list[float] = []
    at: list[int] = []
    for step in range(choices):
        context = np.column_stack([np.ones(runs), rng.normal(size=(runs, size - 1))])
        worth = context @ slopes.T  # (runs, arms)
        x = context[:, :seen]
        solved = np.einsum("raij,rj->rai", inverse, x)
        mean = np.einsum("rai,rai->ra", solved, moment)
        error = spread * np.sqrt(np.einsum("rai,ri->ra", solved, x))
        noise = rng.normal(size=(runs, arms)) if rule == "thompson" else 1.0
        arm = (mean + error * noise).argmax(axis=1)
        reward = worth[every, arm] + spread * rng.normal(size=runs)
        lost += worth.max(axis=1) - worth[every, arm]
        # Sherman and Morrison: the inverse after one more x x'.
        used = solved[every, arm]
        scale = 1 + np.einsum("ri,ri->r", used, x)
        inverse[every, arm] -= used[:, :, None] * used[:, None, :] / scale[:, None, None]
        moment[every, arm] += reward[:, None] * x
        if (step + 1) % max(1, choices // 50) == 0:
            at.append(step + 1)
            means.append(lost.mean())
            errors.append(lost.std(ddof=1) / runs**0.5 if runs > 1 else 0.0)
    return Regret(np.array(at, np.int64), np.array(means), np.array(errors))


def switching_rates(rates: Floats, choices: int, every: int) -> Floats:
    """Rates (choices, arms) that are passed on to the next arm ``every`` so many choices."""
    turns = np.arange(choices) // every
    return np.asarray(rates[(np.arange(len(rates))[None, :] - turns[:, None]) % len(rates)])


def _thompson(_: Strategy) -> Index:
    def draw(n: Floats, hits: Floats, total: float, rng: np.random.Generator) -> Floats:
        good = np.maximum(hits, 0.0)
        return rng.beta(1 + good, 1 + np.maximum(n - good, 0.0))
    return draw


def _ucb1(_: Strategy) -> Index:
    return lambda n, hits, total, rng: np.where(
        n > 1e-9, ucb1_bounds(_means(n, hits), np.maximum(n, 1e-9), total), np.inf)


def _kl_ucb(_: Strategy) -> Index:
    return lambda n, hits, total, rng: np.where(
        n > 1e-9, kl_ucb_bounds(_means(n, hits), n, total), 2.0)


def _epsilon_greedy(strategy: Strategy) -> Index:
    def choose(n: Floats, hits: Floats, total: float, rng: np.random.Generator) -> Floats:
        explores = rng.random((len(n), 1)) < strategy.epsilon
        return np.where(explores, rng.random(n.shape), np.where(n > 1e-9, _means(n, hits), 2.0))
    return choose


def _uniform(_: Strategy) -> Index:
    return lambda n, hits, total, rng: rng.random(n.shape)


def _means(n: Floats, hits: Floats) -> Floats:
    return np.clip(np.divide(hits, n, out=np.zeros_like(n), where=n > 1e-9), 0.0, 1.0)


_RULES: dict[str, Callable[[Strategy], Index]] = {
    "thompson": _thompson, "ucb1": _ucb1, "kl_ucb": _kl_ucb, "epsilon_greedy": _epsilon_greedy,
    "uniform": _uniform}
