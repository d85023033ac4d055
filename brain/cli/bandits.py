"""``brain bandits``: which arm to choose, and what another policy would have earned."""

from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from brain.cli.bandits_replay import ReplayIn, ReplayOut, prepare_replay
from brain.cli.command import Command, Option
from brain.cli.machine import Form, ReasonOut
from brain.decisions.assignment.hashing import bucket_of
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.decisions.bandits import Arm, LinearArm

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e12)]
Count = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Price = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Vector = Annotated[list[float], msgspec.Meta(max_length=200)]
LINEAR = {"lin_ts": "thompson", "lin_ucb": "ucb"}
"""Names of policies that take linear arms only, and how they choose."""


class ArmIn(msgspec.Struct, forbid_unknown_fields=True):
    """An arm: ``n`` rewards and their ``sum``, with ``sum_squares`` unless each is 0 or 1.

    ``pending`` choices wait for their reward. A linear arm has ``gram`` (sum of x x') and
    ``moment`` (sum of reward × x) instead. With a ``history`` both may be left out.
    """

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    n: Count | None = None
    sum: float | None = None
    sum_squares: float | None = None
    gram: list[list[float]] | None = None
    moment: list[float] | None = None
    spread: Positive = 1.0
    cost_usd: float = 0.0
    latency_s: Price = 0.0
    pending: Count = 0.0
    harmed: bool = False


class ChosenIn(msgspec.Struct, forbid_unknown_fields=True):
    """A choice of the past; ``reward`` is null until it comes."""

    arm: str
    reward: float | None = None
    context: Vector = []


class DecideIn(msgspec.Struct, forbid_unknown_fields=True):
    """Arms, how to choose among them, and ``context`` for linear arms.

    The choice follows ``draw``, else the hash of ``unit`` (the same unit chooses alike while the
    shares stay), else ``seed``, else a random number. ``history``, oldest first, adds to the
    arms: a choice counts ``discount`` times as much with each later one, only the last ``window``
    choices count, and one without reward is pending for ``wait`` choices, then missing: worth
    ``missing_reward``, or left out. "lin_ts" and "lin_ucb" are "thompson" and "ucb" for linear
    arms. Rewards of "ucb1" and "kl_ucb" lie from ``lowest_reward`` to ``highest_reward``.
    """

    arms: Annotated[list[ArmIn], msgspec.Meta(min_length=1, max_length=200)]
    policy: Literal["thompson", "ucb1", "kl_ucb", "ucb", "epsilon_greedy", "uniform", "lin_ts",
                    "lin_ucb"] = "thompson"
    context: Vector = []
    floor_ratio: Ratio | None = None
    epsilon: Ratio = 0.1
    exploration: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 2.0
    ridge: Positive = 1.0
    better: Literal["higher", "lower"] = "higher"
    lowest_reward: float = 0.0
    highest_reward: float = 1.0
    reward_per_usd: Price = 0.0
    reward_per_s: Price = 0.0
    history: Annotated[list[ChosenIn], msgspec.Meta(max_length=200_000)] = []
    discount: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    window: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0
    wait: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] | None = None
    missing_reward: float | None = None
    draw: Annotated[float, msgspec.Meta(ge=0, lt=1)] | None = None
    unit: str | None = None
    seed: str | int | None = None


class DecideOut(msgspec.Struct, frozen=True):
    """The arm and the exact probability it had; both belong into the log. ``shares`` are all
    arms'."""

    arm: str
    propensity: float
    shares: dict[str, float]
    draw: float
    reasons: list[ReasonOut]


def prepare_decide(arguments: Arguments) -> Callable[[Any], DecideOut]:
    """The function that chooses one arm; ``--seed`` makes its random numbers those of a seed."""
    from random import Random, SystemRandom

    from brain.decisions.bandits import BanditPolicy, Chooser, decide_allocation
    from brain.decisions.bandits.history import Chosen, Memory, remember
    seed = getattr(arguments, "seed", None)
    draw_number = SystemRandom().random if seed is None else Random(seed).random  # noqa: S311

    def decide(given: DecideIn) -> DecideOut:
        floor = given.floor_ratio
        if floor is None:
            floor = min(BanditPolicy().floor_ratio, 1 / len(given.arms))
        name = LINEAR.get(given.policy, given.policy)
        policy = BanditPolicy(
            name, floor, given.epsilon, given.exploration,  # type: ignore[arg-type]
            given.better == "lower", given.reward_per_usd, given.ridge, given.reward_per_s,
            given.lowest_reward, given.highest_reward)
        arms = [_read_arm(arm, f"arms[{place}]", given) for place, arm in enumerate(given.arms)]
        told: tuple[Any, ...] = ()
        if given.history:
            found = remember(arms, [Chosen(each.arm, each.reward, tuple(each.context))
                                    for each in given.history],
                             Memory(given.discount, given.window, given.wait,
                                    given.missing_reward))
            arms, told = list(found.arms), found.reasons
        allocation = decide_allocation(arms, policy, given.context)
        draw = _draw(given, draw_number)
        choice = Chooser(allocation).choose(draw)
        return DecideOut(choice.arm, choice.propensity,
                         dict(zip(allocation.arms, allocation.shares, strict=True)), draw,
                         [ReasonOut(each.code, each.text) for each in (*told, *allocation.reasons)])
    return decide


def _draw(given: DecideIn, draw_number: Callable[[], float]) -> float:
    if given.draw is not None:
        return given.draw
    if given.unit is not None:
        return bucket_of("bandit" if given.seed is None else str(given.seed), given.unit) or 0.0
    if given.seed is not None:
        from random import Random
        return Random(given.seed).random()  # noqa: S311
    return draw_number()


def _read_arm(given: ArmIn, field: str, line: DecideIn) -> "Arm | LinearArm":
    from brain.decisions.bandits import Arm, LinearArm
    linear = given.gram is not None or given.moment is not None
    if not linear and line.history and given.n is None and given.sum is None and line.context:
        size = len(line.context)  # nothing known before the history
        return LinearArm(given.key, ((0.0,) * size,) * size, (0.0,) * size, given.spread,
                         given.cost_usd, given.harmed, given.latency_s)
    if linear:
        if given.gram is None or given.moment is None:
            raise InputError("missing_field", "a linear arm needs gram and moment",
                             f"{field}.{'gram' if given.gram is None else 'moment'}")
        return LinearArm(given.key, tuple(map(tuple, given.gram)), tuple(given.moment),
                         given.spread, given.cost_usd, given.harmed, given.latency_s)
    if line.policy in LINEAR:
        raise InputError("missing_field", f"{line.policy} needs linear arms: gram and moment",
                         f"{field}.gram")
    for name in ("n", "sum"):
        if getattr(given, name) is None and not line.history:
            raise InputError("missing_field", f"an arm needs {name}", f"{field}.{name}")
    return Arm(given.key, given.n or 0.0, given.sum or 0.0, given.sum_squares, given.cost_usd,
               given.harmed, given.latency_s, given.pending)


COMMANDS: tuple[Command, ...] = (
    Command("bandits", "decide", "Choose an arm, with the probability it had.",
            (Option("--seed", "Seed of the random numbers, for lines without draw, unit and seed.",
                    int, metavar="NUMBER"),),
            form=Form(DecideIn, DecideOut, prepare_decide)),
    Command("bandits", "replay", "Value a policy on logged decisions: IPS, SNIPS, DR.",
            form=Form(ReplayIn, ReplayOut, prepare_replay)),
)
