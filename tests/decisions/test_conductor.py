"""Plans: what is refused, in which order steps run, and when a run ends."""

from decimal import Decimal
from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.conductor import Plan, PlanLimits, PlanStep, decide_next, order_plan
from brain.decisions.reasons import InputError

LIMITS = PlanLimits(parallel=2)


def plan(**needs: str) -> Plan:
    return Plan("test", tuple(PlanStep(key, "ask", needs=tuple(named.split()))
                              for key, named in needs.items()))


def test_steps_run_in_waves() -> None:
    order = order_plan(plan(sum="a b", a="", b="", tell="sum"), LIMITS)
    assert order.waves == (("a", "b"), ("sum",), ("tell",))
    assert order.reasons[0].code == "ordered"


@pytest.mark.parametrize(("given_plan", "code"), [
    (plan(), "no_steps"), (plan(a="b"), "unknown_need"), (plan(**{"a b": ""}), "invalid_key"),
    (Plan("x", (PlanStep("a", "ask"),) * 2), "double_key"),
    (Plan("x", (PlanStep("a", "shell"),)), "unknown_kind"),  # type: ignore[arg-type]
    (Plan("x", (PlanStep("a", "ask", retries=4),)), "too_many_retries"),
    (Plan("x", (PlanStep("a", "ask", time_s=0),)), "out_of_range"),
    (Plan("x", tuple(PlanStep(f"s{n}", "ask") for n in range(51))), "too_many_steps")])
def test_a_plan_that_cannot_run_is_refused(given_plan: Plan, code: str) -> None:
    with pytest.raises(InputError) as refused:
        order_plan(given_plan, LIMITS)
    assert refused.value.code == code


def test_a_cycle_is_told_step_by_step() -> None:
    with pytest.raises(InputError, match="b → c → d → b"):
        order_plan(plan(a="", b="a c", c="d", d="b"), LIMITS)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_a_cycle_is_found_where_the_standard_library_finds_one(
        pairs: list[tuple[int, int]]) -> None:
    needs: dict[str, set[str]] = {f"s{n}": set() for n in range(8)}
    for one, other in pairs:
        needs[f"s{one}"].add(f"s{other}")
    steps = tuple(PlanStep(key, "ask", needs=tuple(sorted(named))) for key, named in needs.items())
    try:
        TopologicalSorter(needs).prepare()
    except ValueError:
        with pytest.raises(InputError, match="wait for each other"):
            order_plan(Plan("x", steps), LIMITS)
        return
    waves = order_plan(Plan("x", steps), LIMITS).waves
    place = {key: number for number, wave in enumerate(waves) for key in wave}
    assert all(place[need] < place[key] for key, named in needs.items() for need in named)
    assert len(place) == 8


def test_only_as_many_start_as_may_run_at_once() -> None:
    states = {"a": "running", "b": "waiting", "c": "waiting"}
    found = decide_next(plan(a="", b="", c=""), states, 0, Decimal(0), LIMITS)  # type: ignore
    assert (found.start, found.verdict) == (("b",), "")


def test_what_needs_a_failed_optional_step_is_skipped_near_and_far() -> None:
    given_plan = Plan("x", (PlanStep("a", "ask", optional=True), PlanStep("b", "ask", needs=("a",)),
                            PlanStep("c", "ask", needs=("b",)), PlanStep("d", "ask")))
    states = {"a": "failed", "b": "waiting", "c": "waiting", "d": "done"}
    found = decide_next(given_plan, states, 0, Decimal(0), LIMITS)  # type: ignore[arg-type]
    assert (found.skip, found.verdict) == (("b", "c"), "done")


@pytest.mark.parametrize(("state", "elapsed_s", "spent", "cancelled", "verdict", "code"), [
    ("failed", 0, "0", False, "failed", "step_failed"),
    ("running", 120, "0", False, "stopped", "time_limit"),
    ("running", 0, "1", False, "stopped", "cost_limit"),
    ("running", 0, "0", True, "cancelled", "cancelled")])
def test_a_run_ends(state: str, elapsed_s: float, spent: str, cancelled: bool, verdict: str,
                    code: str) -> None:
    found = decide_next(plan(a="", b="a"), {"a": state, "b": "waiting"},  # type: ignore[dict-item]
                        elapsed_s, Decimal(spent), LIMITS, cancelled=cancelled)
    assert (found.verdict, found.reasons[0].code, found.start) == (verdict, code, ())
    assert found.skip == ("b",)
