"""Bandits: a choice in microseconds, and the regret of each policy beside the others."""

from collections.abc import Iterator

import numpy as np

from brain.decisions.bandits import Arm, BanditPolicy, Chooser, decide_allocation
from brain.decisions.bandits.bounds import lai_robbins_constant
from brain.decisions.bandits.simulation import (
    Regret,
    Strategy,
    play,
    play_linear,
    switching_rates,
)
from tests.bench.measuring import Figure, Plan, repeat_ms

RUNS = 200
CHOICES = 5_000
STEADY = np.array([0.5, 0.45, 0.45, 0.4, 0.3])
DRIFTING = np.array([0.8, 0.5, 0.2])
SWITCH_EVERY = 1_250
STRATEGIES = {
    "Thompson": Strategy(), "UCB1": Strategy("ucb1"), "KL-UCB": Strategy("kl_ucb"),
    "discounted Thompson 0.995": Strategy(discount=0.995),
    "sliding Thompson 500": Strategy(window=500),
    "sliding KL-UCB 500": Strategy("kl_ucb", window=500),
    "epsilon-greedy 0.1": Strategy("epsilon_greedy"), "uniform": Strategy("uniform")}
CHOOSE_MOST_US = 20.0


def measure(_plan: Plan) -> Iterator[Figure]:
    """One choice, one decision of shares, and mean regret on steady, drifting and linear arms."""
    arms = [Arm(str(place), 1_000, 100 + place) for place in range(5)]
    chooser = Chooser(decide_allocation(arms, BanditPolicy()))
    yield Figure("bandit choice", "5 arms", "us", _per_call_us(lambda: chooser.choose(0.7)),
                 most=CHOOSE_MOST_US)
    for name in ("thompson", "ucb1", "kl_ucb"):
        policy = BanditPolicy(name)  # type: ignore[arg-type]
        yield Figure(f"bandit shares, {name}", "5 arms", "us", tuple(
            each * 1000 for each in repeat_ms(lambda policy=policy: decide_allocation(
                arms, policy), 200, warm=5)))
    steady = np.tile(STEADY, (CHOICES, 1))
    drifting = switching_rates(DRIFTING, CHOICES, SWITCH_EVERY)
    least = lai_robbins_constant(STEADY) * np.log(CHOICES)
    for world, rates in (("steady", steady), ("drifting", drifting)):
        for name, strategy in STRATEGIES.items():
            found = play(strategy, rates, RUNS, np.random.default_rng(1), looks=5)
            note = f"; asymptote of Lai and Robbins: {least:,.0f}" if world == "steady" else ""
            yield _regret(f"regret, {world}: {name}", f"{CHOICES:,} choices", found, note)
    slopes = np.array([[0.5, 0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.0, 0.5]])
    for name, how in (("LinTS", {}), ("LinUCB", {"rule": "ucb"}),
                      ("without context", {"uses_context": False})):
        found = play_linear(slopes, CHOICES // 2, RUNS, np.random.default_rng(1), **how)  # type: ignore[arg-type]
        yield _regret(f"regret, linear: {name}", f"{CHOICES // 2:,} choices", found, "")


def _regret(case: str, size: str, found: Regret, note: str) -> Figure:
    curve = ", ".join(f"{mean:,.1f} ± {error:,.1f} after {choices:,}" for choices, mean, error in
                      zip(found.choices[-4:], found.mean[-4:], found.standard_error[-4:],
                          strict=True))
    return Figure(case, size, "rewards", (float(found.mean[-1]),),
                  note=f"{RUNS} runs: {curve}{note}")


def _per_call_us(work: object) -> tuple[float, ...]:
    def many() -> None:
        for _ in range(1_000):
            work()  # type: ignore[operator]
    return repeat_ms(many, 30)  # ms per 1,000 are us for each
