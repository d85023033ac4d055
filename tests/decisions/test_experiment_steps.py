"""What a running experiment does by itself: harm first, then cost, then its ends, then its kind."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from brain.decisions.assignment.ramp import RampPolicy
from brain.decisions.bandits import Arm, BanditPolicy
from brain.decisions.experiment import Experiment, MetricDefinition, StopRules, Variant
from brain.decisions.experiment_steps import Seen, decide_step

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
AB = Experiment("e", "E", (Variant("a"), Variant("b")), MetricDefinition("m", "proportion"),
                state="running")
CANARY = replace(AB, kind="canary", traffic_ratio=0.01,
                 ramp=RampPolicy((1, 5, 100), hold_s=3_600, least_units=100))
BANDIT = replace(AB, kind="bandit", bandit=BanditPolicy(floor_ratio=0.05))
SEEN = Seen(NOW, 500, 2.0, {"b": {"errors": "safe"}}, cost_usd=Decimal("4"), held_s=7_200,
            step_units=300, arms=(Arm("a", 100, 10), Arm("b", 100, 30)),
            shares={"a": 0.5, "b": 0.5})
HARM = replace(SEEN, guards={"b": {"errors": "harm"}})


@pytest.mark.parametrize(("given", "seen", "action", "code"), [
    (AB, SEEN, "go_on", "nothing_due"),
    (replace(AB, state="paused"), HARM, "go_on", "not_running"),
    (AB, HARM, "pause", "guardrail_harm"),
    (replace(AB, stop_rules=StopRules(on_harm=False)), HARM, "go_on", "guardrail_harm"),
    (replace(AB, cost_cap_usd=Decimal("4")), SEEN, "pause", "cost_cap"),
    (replace(AB, cost_cap_usd=Decimal("4.01")), SEEN, "go_on", "nothing_due"),
    (replace(AB, cost_cap_usd=Decimal("1")), replace(SEEN, cost_usd=None), "go_on", "nothing_due"),
    (replace(AB, end_utc=NOW), SEEN, "stop", "ended"),
    (replace(AB, end_utc=NOW + dt.timedelta(seconds=1)), SEEN, "go_on", "nothing_due"),
    (replace(AB, stop_rules=StopRules(at_units=500)), SEEN, "stop", "units_reached"),
    (replace(AB, stop_rules=StopRules(at_units=501)), SEEN, "go_on", "nothing_due"),
    (replace(AB, stop_rules=StopRules(after_days=2)), SEEN, "stop", "days_reached"),
    (replace(AB, stop_rules=StopRules(on_winner=True)), replace(SEEN, winner="b"), "stop",
     "winner"),
    (AB, replace(SEEN, winner="b"), "go_on", "nothing_due"),
    (CANARY, SEEN, "ramp", "step_held"),
    (CANARY, HARM, "halt", "guardrail_harm"),
    (replace(CANARY, stop_rules=StopRules(on_harm=False)), HARM, "halt", "guardrail_harm"),
    (CANARY, replace(SEEN, held_s=3_599), "go_on", "held_too_short"),
    (CANARY, replace(SEEN, step_units=99), "go_on", "too_few_units"),
    (CANARY, replace(SEEN, guards={"b": {"errors": "unknown"}}), "go_on", "guardrail_unknown"),
    (replace(CANARY, traffic_ratio=1.0), SEEN, "go_on", "last_step"),
    (BANDIT, SEEN, "reallocate", "chance_to_be_best"),
    (BANDIT, HARM, "pause", "guardrail_harm")])
def test_the_step_and_its_reason(given, seen, action, code):
    step = decide_step(given, seen)
    assert (step.action, step.reasons[0].code) == (action, code)


def test_a_ramp_goes_to_the_next_share_and_a_halt_to_none():
    assert decide_step(CANARY, SEEN).traffic_ratio == 0.05
    assert decide_step(CANARY, HARM).traffic_ratio == 0.0


def test_better_arms_get_more_and_every_arm_its_floor():
    shares = decide_step(BANDIT, SEEN).shares
    assert shares["b"] > 0.9  # 30 against 10 of 100: a's chance to be best is below 0.001
    assert shares["a"] == pytest.approx(0.05, abs=0.001)
    lower = replace(BANDIT, primary=replace(AB.primary, better="lower"))
    assert decide_step(lower, SEEN).shares["a"] > 0.9


def test_a_harmed_arm_gets_nothing_while_others_go_on():
    given = replace(BANDIT, variants=(*BANDIT.variants, Variant("c")))
    seen = replace(HARM, arms=(*SEEN.arms, Arm("c", 100, 20)),
                   shares={"a": 0.2, "b": 0.6, "c": 0.2})
    step = decide_step(given, seen)
    assert (step.action, step.shares["b"]) == ("reallocate", 0.0)
    again = decide_step(given, replace(seen, shares=step.shares))
    assert (again.action, again.reasons[0].code) == ("go_on", "shares_hold")


def test_shares_that_hardly_move_stay():
    first = decide_step(BANDIT, SEEN)
    again = decide_step(BANDIT, replace(SEEN, shares=first.shares))
    assert (again.action, again.reasons[0].code) == ("go_on", "shares_hold")


@examples(st.sampled_from([AB, CANARY, BANDIT]), st.sampled_from(["safe", "harm", "unknown"]),
          st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 10_000),
          st.floats(0, 1e6))
def test_harm_never_widens_and_there_is_always_a_reason(given, guard, hits, misses, units, held_s):
    seen = replace(SEEN, guards={"b": {"errors": guard}}, units=units, step_units=units,
                   held_s=held_s, arms=(Arm("a", 100, 10), Arm("b", hits + misses, hits)))
    step = decide_step(given, seen)
    assert step.reasons
    if guard == "harm":
        assert step.action in ("halt", "pause")
    if guard == "unknown":
        assert step.action != "ramp"
    if step.shares is not None:
        assert sum(step.shares.values()) == pytest.approx(1)
