"""What no strategy passes: one run at a time, cool-downs, the hour's actions, the cost cap."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from brain.decisions.optimization.actions import Action, Platform
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.effects import price_of_replica
from brain.decisions.optimization.learning import PastRun
from brain.decisions.optimization.metrics import TITLES, latency_of
from brain.decisions.optimization.strategies import Strategy
from brain.decisions.reasons import Reason
from brain.decisions.targets import Target

HOUR_S = 3600.0
LONGEST_REST_S = 86_400.0
_IDLE = ("cancelled", "recommended")


def find_bound(strategy: Strategy, history: Sequence[PastRun], running: bool,
               values: Mapping[str, float], unmet: bool, rules: Configuration,
               targets: Mapping[str, Target]) -> Reason | None:
    """Why a triggered strategy may not act now; None where it may."""
    if running:
        return Reason("run_in_progress", "A run is under way; only one at a time.")
    acted = sorted((run for run in history if run.verdict not in _IDLE),
                   key=lambda run: run.age_s)
    own = [run for run in acted if run.strategy == strategy.key]
    if own and own[0].age_s < rules.cool_down_s:
        return _wait("cool_down", "It acted a short time ago", rules.cool_down_s - own[0].age_s)
    if rest := _rest_after_rollbacks(own, rules):
        return rest
    if not strategy.changes_capacity:
        return None
    way = "up" if any(step.kind == "scale_up" for step in strategy.steps) else "down"
    capacity = [run for run in acted if run.capacity]
    if capacity and capacity[0].age_s < rules.cool_down_s:
        return _wait("capacity_cool_down", "Capacity was changed a short time ago",
                     rules.cool_down_s - capacity[0].age_s)
    if sum(run.age_s < HOUR_S for run in capacity) >= rules.capacity_actions_per_h:
        return Reason("capacity_limit", f"{rules.capacity_actions_per_h} capacity actions were "
                                        "made in the last hour, as many as may be.")
    opposite = next((run for run in capacity if run.capacity != way and not run.rolled_back),
                    None)
    rest_s = rules.down_after_up_s if way == "down" else rules.down_after_up_s / 2
    if opposite and opposite.age_s < rest_s and strategy.priority != 1:
        return _wait("no_flip_flop", f"Capacity went {opposite.capacity} a short time ago",
                     rest_s - opposite.age_s)
    return _not_down_now(values, unmet, targets) if way == "down" else None


def fit_cost(action: Action, values: Mapping[str, float], platform: Platform,
             rules: Configuration) -> tuple[Action | None, Reason | None]:
    """The action as far as the cost cap lets it go, None for not at all; and what the cap did."""
    cap = rules.cost_cap_usd_per_h
    if cap is None or action.kind != "scale_up":
        return action, None
    price = price_of_replica(values, platform, rules)
    if price is None or not action.after:
        return None, Reason("cost_unknown", f"There is a cap of {cap:g} USD per hour, and what "
                                            "this would cost is unknown.")
    now, wanted = action.before["replicas"], action.after["replicas"]
    spend = values.get("spend_usd_per_h", now * price)
    most = wanted if price == 0 and spend <= cap else now if price == 0 else now + math.floor(
        round((cap - spend) / price, 9))
    if most >= wanted:
        return action, None
    if most <= now:
        return None, Reason("cost_cap", f"{wanted} in place of {now} would cost "
                            f"{spend + (wanted - now) * price:,.4g} USD per hour; the cap is "
                            f"{cap:g} and nothing passes it.")
    return replace(action, factor=most / now, after={"replicas": most}), Reason(
        "cost_cap", f"The cap of {cap:g} USD per hour allows {most}, not {wanted}.")


def _rest_after_rollbacks(own: Sequence[PastRun], rules: Configuration) -> Reason | None:
    """A strategy that was rolled back rests, twice as long each time in a row, a day at most."""
    failed = 0
    for run in own:
        if not run.rolled_back:
            break
        failed += 1
    if not failed:
        return None
    rest_s = min(LONGEST_REST_S, rules.cool_down_s * 2.0 ** min(failed + 1, 30))
    if own[0].age_s >= rest_s:
        return None
    return _wait("was_rolled_back", f"It was rolled back the last {failed} times" if failed > 1
                 else "It was rolled back the last time", rest_s - own[0].age_s)


def _not_down_now(values: Mapping[str, float], unmet: bool,
                  targets: Mapping[str, Target]) -> Reason | None:
    if unmet:
        return Reason("demand_unmet", "Requests wait or are turned away: no capacity is taken "
                                      "away.")
    for name in (latency_of(values), "error_pct"):
        target = targets.get(name)
        if name in values and target and target.warning is not None \
                and values[name] > target.warning:
            return Reason("not_well", f"{TITLES[name]} is past its warning level: no "
                                      "capacity is taken away.")
    return None


def _wait(code: str, text: str, left_s: float) -> Reason:
    return Reason(code, f"{text}: it may act again in {left_s:,.0f} s.")
