"""How traffic is divided among routes (provider and model), from what each has been worth."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import special

from analytics.experiments.intervals import Z_95
from brain.decisions.bandits.arms import Arm
from brain.decisions.bandits.policy import BanditPolicy, PolicyName, check_policy
from brain.decisions.bandits.shares import decide_allocation
from brain.decisions.reasons import InputError, Reason

Mode = Literal["off", "dry_run", "on"]
MODES: tuple[Mode, ...] = ("off", "dry_run", "on")
LEAST_CHANGE = 0.01
"""Shares that all move by less than this stay as they are."""
HARM_EVIDENCE = 100.0
"""Times as likely as the limit allows, before a route is stopped: wrong once in 100 routes, however
often it is looked at."""
LEAST_HARM_N = 10
MOST_ROUTES = 50
BY_CONTEXT = ("thompson", "ucb", "epsilon_greedy", "uniform")
"""Rules that can go by a request's features: LinTS, LinUCB and the plain ones."""


@dataclass(frozen=True, slots=True)
class AllocationPolicy:
    """Which traffic is divided and how. An empty workspace, task class or list of routes is any.

    A choice's reward is its quality, 0 to 1 (task success, else stars; 0 for an error), less
    ``reward_per_usd`` for a USD of cost and ``reward_per_s`` for a second. Older choices count
    half after ``half_life_h`` (0: never) and nothing after ``window_days``. A choice without
    feedback is pending for ``wait_h``, then left out. A route is stopped where its errors are
    beyond ``max_error_ratio`` or its quality beneath ``min_quality`` beyond doubt. ``context``
    goes by the request's features too; see `brain.decisions.allocation_context`.
    """

    policy_id: str
    workspace_id: str = ""
    task_class: str = ""
    mode: Mode = "off"
    routes: tuple[str, ...] = ()
    rule: PolicyName = "thompson"
    floor_ratio: float = 0.05
    epsilon: float = 0.1
    half_life_h: float = 168.0
    window_days: float = 30.0
    wait_h: float = 24.0
    reward_per_usd: float = 0.0
    reward_per_s: float = 0.0
    max_error_ratio: float = 0.25
    min_quality: float = 0.0
    is_demo: bool = False
    context: bool = False


@dataclass(frozen=True, slots=True)
class RouteSeen:
    """What a route did: ``n`` rewards with their sums, weighted by age, and plain counts.

    ``choices`` and ``errors`` are plain counts since it was last resumed, as are ``rated`` and
    ``rated_sum`` of qualities; ``pending`` choices may still get feedback.
    """

    route: str
    n: float = 0.0
    sum: float = 0.0
    sum_squares: float = 0.0
    cost_usd: float = 0.0
    latency_s: float = 0.0
    pending: int = 0
    choices: int = 0
    errors: int = 0
    rated: int = 0
    rated_sum: float = 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of the choices per route. ``stopped`` are those that a guardrail stops now."""

    shares: Mapping[str, float]
    stopped: Mapping[str, Reason]
    reasons: tuple[Reason, ...]
    moved: bool


@dataclass(frozen=True, slots=True)
class RouteChoice:
    """The route chosen among those possible, with its exact probability and all others'."""

    route: str
    propensity: float
    shares: Mapping[str, float]
    reasons: tuple[Reason, ...]


def decide_shares(seen: Sequence[RouteSeen], policy: AllocationPolicy,
                  before: Mapping[str, float], stopped: Iterable[str] = ()) -> Shares:
    """Shares from now on. ``stopped`` routes stay stopped; where all are, no share is left."""
    shut = set(stopped)
    newly = {each.route: harm for each in seen if each.route not in shut
             and (harm := find_harm(each, policy)) is not None}
    arms = [_arm(each, policy, each.route in shut or each.route in newly) for each in seen]
    reasons = list(newly.values())
    if all(arm.is_harmed for arm in arms):
        none = Reason("all_stopped", "Every route is stopped: the rules of model choice decide."
                      if arms else "No route has been chosen yet.")
        return Shares({arm.key: 0.0 for arm in arms}, newly, (*reasons, none), bool(newly))
    found = decide_allocation(arms, _bandit(policy, len(arms)))
    shares = dict(zip(found.arms, found.shares, strict=True))
    reasons += [each for each in found.reasons if each.code != "arm_harmed"]
    if pending := sum(each.pending for each in seen):
        reasons.append(Reason("pending", f"{pending:,} choices wait for feedback."))
    moved = bool(newly) or set(shares) != set(before) or any(
        abs(share - before[route]) >= LEAST_CHANGE for route, share in shares.items())
    if not moved:
        reasons.append(Reason("shares_hold", "No share would move by 1 % or more."))
    return Shares(shares, newly, tuple(reasons), moved)


def choose_route(possible: Sequence[str], shares: Mapping[str, float], stopped: Iterable[str],
                 floor: float, draw: float) -> RouteChoice | None:
    """The route for a number drawn evenly from [0, 1), None where all possible ones are stopped.

    Shares count among those possible only. One that no share is known of, for it is new, gets
    an even share, so that something is learned of it.
    """
    shut = set(stopped)
    left = [route for route in dict.fromkeys(possible) if route not in shut]
    if not left:
        return None
    new = 1 / len(left)
    wanted = [max(shares.get(route, new), floor if route in shares else 0.0) for route in left]
    total = sum(wanted)
    if total <= 0:
        wanted, total = [1.0] * len(left), float(len(left))
    exact = {route: share / total for route, share in zip(left, wanted, strict=True)}
    reached, chosen = 0.0, left[-1]
    for route, share in exact.items():
        reached += share
        if draw < reached:
            chosen = route
            break
    text = f"{chosen} was drawn with probability {exact[chosen]:.1%} among {len(left)} routes."
    told = [Reason("allocated", text)]
    if gone := [route for route in possible if route in shut]:
        told.append(Reason("stopped", f"{', '.join(gone)[:200]} is stopped and not chosen."))
    return RouteChoice(chosen, exact[chosen], exact, tuple(told))


def find_harm(seen: RouteSeen, policy: AllocationPolicy) -> Reason | None:
    """Why a route has to be stopped, or None."""
    if policy.max_error_ratio < 1 and seen.choices >= LEAST_HARM_N and harm_evidence(
            seen.errors, seen.choices, policy.max_error_ratio) >= HARM_EVIDENCE:
        return Reason("too_many_errors", f"{seen.route}: {seen.errors:,} of {seen.choices:,} calls "
                      f"failed; the limit is {policy.max_error_ratio:.0%}.")
    if policy.min_quality > 0 and seen.rated >= LEAST_HARM_N and harm_evidence(
            seen.rated - seen.rated_sum, seen.rated, 1 - policy.min_quality) >= HARM_EVIDENCE:
        return Reason("too_low_quality", f"{seen.route}: mean quality "
                      f"{seen.rated_sum / seen.rated:.2f} of {seen.rated:,} answers; the least is "
                      f"{policy.min_quality:.2f}.")
    return None


def harm_evidence(bad: float, n: float, limit: float) -> float:
    """How many times more likely ``bad`` of ``n`` is above the limit than at it.

    The likelihood averaged over rates above the limit, by that at the limit: an e-value, so that
    it exceeds 100 for a route within its limit once in 100 times at most, at any number of looks.
    ``bad`` may add up parts between 0 and 1. Source: Ville 1939; Robbins, "Statistical Methods
    Related to the Law of the Iterated Logarithm", 1970 (mixtures).
    """
    good = max(n - bad, 0.0)
    limit = min(max(limit, 1e-9), 1 - 1e-9)
    above = float(special.betaincc(bad + 1, good + 1, limit))
    if above <= 0:
        return 0.0
    log = (float(special.betaln(bad + 1, good + 1)) + math.log(above) - math.log1p(-limit)
           - bad * math.log(limit) - good * math.log1p(-limit))
    return math.exp(min(log, 700.0))


def belief_of(seen: RouteSeen, policy: AllocationPolicy) -> tuple[float, float, float] | None:
    """Mean reward net of cost and latency, and its 95 % interval; None before two rewards."""
    if seen.n < 2:
        return None
    mean = seen.sum / seen.n
    spread = max(seen.sum_squares / seen.n - mean * mean, 0.25 / (seen.n + 4))
    net = mean - policy.reward_per_usd * seen.cost_usd - policy.reward_per_s * seen.latency_s
    reach = Z_95 * math.sqrt(spread / seen.n)
    return net, net - reach, net + reach


def check_allocation(policy: AllocationPolicy) -> None:
    """Raise InputError naming what cannot be used."""
    if not 0 < len(policy.policy_id) <= 64:
        raise InputError("invalid_value", "policy_id has 1 to 64 characters", "policy_id")
    for name, longest in (("workspace_id", 128), ("task_class", 64)):
        if len(getattr(policy, name)) > longest:
            raise InputError("too_long", f"{name} may have {longest} characters", name)
    if policy.mode not in MODES:
        raise InputError("invalid_value", f"mode must be one of {', '.join(MODES)}", "mode")
    if len(policy.routes) > MOST_ROUTES:
        raise InputError("too_many", f"at most {MOST_ROUTES} routes", "routes")
    for route in policy.routes:
        if not all(route.partition("/")) or len(route) > 512:
            raise InputError("invalid_value", f"a route is provider/model, not {route!r:.80}",
                             "routes")
    if len(set(policy.routes)) < len(policy.routes):
        raise InputError("repeated", "a route stands twice", "routes")
    if policy.context and policy.rule not in BY_CONTEXT:
        raise InputError("invalid_value", f"by context, rule is one of {', '.join(BY_CONTEXT)}",
                         "rule")
    for name, least, most in (
            ("half_life_h", 0.0, 1e5), ("window_days", 0.01, 400.0), ("wait_h", 0.0, 1e4),
            ("max_error_ratio", 0.0, 1.0), ("min_quality", 0.0, 1.0)):
        if not least <= getattr(policy, name) <= most:
            raise InputError("out_of_range", f"{name} must be between {least:g} and {most:g}", name)
    check_policy(BanditPolicy(policy.rule, policy.floor_ratio, policy.epsilon, 2.0, False,
                              policy.reward_per_usd, 1.0, policy.reward_per_s),
                 max(len(policy.routes), 1))


def _bandit(policy: AllocationPolicy, arms: int) -> BanditPolicy:
    return BanditPolicy(policy.rule, min(policy.floor_ratio, 1 / arms), policy.epsilon,
                        reward_per_usd=policy.reward_per_usd, reward_per_s=policy.reward_per_s)


def _arm(seen: RouteSeen, policy: AllocationPolicy, is_harmed: bool) -> Arm:
    binary = abs(seen.sum_squares - seen.sum) <= 1e-9 * max(seen.n, 1.0)
    return Arm(seen.route, seen.n, min(seen.sum, seen.n), None if binary else seen.sum_squares,
               seen.cost_usd, is_harmed, seen.latency_s, float(seen.pending))
