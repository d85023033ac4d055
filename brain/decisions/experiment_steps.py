"""What happens to a running experiment by itself: go on, ramp up, new shares, pause or stop."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from analytics.experiments.verdict import Guard
from brain.decisions.assignment.ramp import decide_ramp
from brain.decisions.bandits import Arm, decide_allocation
from brain.decisions.experiment import Experiment
from brain.decisions.reasons import Reason

LEAST_CHANGE = 0.01
"""Shares of a bandit that all move by less than this stay as they are."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a running experiment at ``now``.

    ``units`` of all variants; ``step_units`` saw a new variant since the last ramp, ``held_s``
    ago; ``guards`` by treatment and guardrail metric; ``arms`` what a bandit's variants earned;
    ``shares`` those in force.
    """

    now: dt.datetime
    units: int
    days: float
    guards: Mapping[str, Mapping[str, Guard]]
    winner: str | None = None
    cost_usd: Decimal | None = None
    held_s: float = 0.0
    step_units: int = 0
    arms: tuple[Arm, ...] = ()
    shares: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do; ``traffic_ratio`` with "ramp" and "halt", ``shares`` with "reallocate"."""

    action: Literal["go_on", "ramp", "halt", "reallocate", "pause", "stop"]
    reasons: tuple[Reason, ...]
    traffic_ratio: float | None = None
    shares: Mapping[str, float] | None = None


def decide_step(given: Experiment, seen: Seen) -> Step:
    """The next step of an experiment: harm first, then cost, then its ends, then its kind.

    A harmed canary halts: its share goes to 0 and it pauses. A harmed arm of a bandit gets no
    share any more; where every treatment is harmed, the experiment pauses. An unknown guardrail
    holds a ramp and ends nothing.
    """
    if given.state != "running":
        return Step("go_on", (Reason("not_running", f"The experiment is {given.state}."),))
    harmed = {variant: [name for name, guard in guards.items() if guard == "harm"]
              for variant, guards in seen.guards.items()}
    harmed = {variant: names for variant, names in harmed.items() if names}
    reasons = tuple(Reason("guardrail_harm", f"{name} is harmed by {variant}.")
                    for variant, names in harmed.items() for name in names)
    if given.kind == "canary" and harmed:
        return Step("halt", reasons, traffic_ratio=0.0)
    all_harmed = len(harmed) == len(given.variants) - 1
    if harmed and given.stop_rules.on_harm and (given.kind != "bandit" or all_harmed):
        return Step("pause", reasons)
    ended = _decide_end(given, seen)
    if ended is not None:
        return ended
    if given.kind == "canary":
        return _decide_ramp(given, seen)
    if given.kind == "bandit":
        return _decide_shares(given, seen, frozenset(harmed), reasons)
    return Step("go_on", reasons or (Reason("nothing_due", "No stop rule is met."),))


def _decide_end(given: Experiment, seen: Seen) -> Step | None:
    rules = given.stop_rules
    if given.cost_cap_usd is not None and seen.cost_usd is not None \
            and seen.cost_usd >= given.cost_cap_usd:
        return Step("pause", (Reason("cost_cap", f"Its units have cost {seen.cost_usd:,.2f} USD; "
                                                 f"the cap is {given.cost_cap_usd:,.2f} USD."),))
    if given.end_utc is not None and seen.now >= given.end_utc:
        return Step("stop", (Reason("ended", f"Its end, {given.end_utc:%Y-%m-%d %H:%M} UTC, has "
                                             "come."),))
    if rules.at_units is not None and seen.units >= rules.at_units:
        return Step("stop", (Reason("units_reached", f"{seen.units:,} units have seen it; the rule "
                                                     f"says {rules.at_units:,}."),))
    if rules.after_days is not None and seen.days >= rules.after_days:
        return Step("stop", (Reason("days_reached", f"It has run for {seen.days:,.1f} days; the "
                                                    f"rule says {rules.after_days:g}."),))
    if rules.on_winner and seen.winner is not None:
        return Step("stop", (Reason("winner", f"{seen.winner} is better on the primary metric."),))
    return None


def _decide_ramp(given: Experiment, seen: Seen) -> Step:
    guards = {f"{name} ({variant})": guard for variant, each in seen.guards.items()
              for name, guard in each.items()}
    found = decide_ramp(given.traffic_ratio * 100, seen.held_s, seen.step_units, guards,
                        given.ramp)
    if found.action == "advance":
        return Step("ramp", found.reasons, traffic_ratio=found.share_pct / 100)
    return Step("go_on", found.reasons)


def _decide_shares(given: Experiment, seen: Seen, harmed: frozenset[str],
                   reasons: tuple[Reason, ...]) -> Step:
    policy = replace(given.bandit, lower_is_better=given.primary.better == "lower")
    found = decide_allocation([replace(arm, is_harmed=arm.key in harmed) for arm in seen.arms],
                              policy)
    shares = dict(zip(found.arms, found.shares, strict=True))
    before = seen.shares or given.shares
    if all(abs(share - before.get(key, 0.0)) < LEAST_CHANGE for key, share in shares.items()) \
            and not any(before.get(key, 0.0) > 0 for key in harmed):
        return Step("go_on", (Reason("shares_hold", "No share would move by "
                                                    f"{LEAST_CHANGE:.0%} or more."),))
    return Step("reallocate", (*reasons, *found.reasons), shares=shares)
