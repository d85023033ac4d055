"""Allocation by features: what is noticed, what is learned, and where requests go."""

import numpy as np
import pytest

from brain.decisions.allocation import AllocationPolicy, check_allocation
from brain.decisions.allocation_context import (
    CONTEXT,
    Experience,
    decide_context_shares,
    learn_experience,
    read_context,
)
from brain.decisions.models.features import Features
from brain.decisions.reasons import InputError

PLAIN = read_context(Features(100))
CODE = read_context(Features(100, "high", task_class="code"))
POLICY = AllocationPolicy("p", context=True, floor_ratio=0.05)


def experience(route, at_plain, at_code, n=200):
    contexts = np.array([PLAIN, CODE] * (n // 2))
    rng = np.random.default_rng(3)
    rewards = (rng.random(n) < np.array([at_plain, at_code] * (n // 2))).astype(float)
    return learn_experience(route, contexts, rewards, np.ones(n), 0.0, 0.0)


def test_a_context_has_a_number_for_each_name():
    named = dict(zip(CONTEXT, read_context(Features(5_000, "medium", task_class="math")),
                     strict=True))
    assert named == {"any request": 1, "medium complexity": 1, "high complexity": 0, "code": 0,
                     "math": 1, "writing": 0, "beyond 500 tokens": 1, "beyond 4,000 tokens": 1}


@pytest.mark.parametrize("rule", ["thompson", "ucb"])
def test_each_sort_of_request_goes_where_it_is_served_best(rule):
    policy = AllocationPolicy("p", context=True, rule=rule, floor_ratio=0.05)
    arms = [experience("a/chat", 0.9, 0.2), experience("b/code", 0.4, 0.8)]
    plain, code = (decide_context_shares(arms, policy, each) for each in (PLAIN, CODE))
    assert plain["a/chat"] > 0.9 and code["b/code"] > 0.9
    assert min(*plain.values(), *code.values()) == pytest.approx(0.05, abs=0.01)  # the floor
    assert sum(plain.values()) == pytest.approx(1) == sum(code.values())


def test_cost_counts_at_its_declared_rate():
    arms = [experience("a/same", 0.8, 0.8), experience("b/dear", 0.8, 0.8)]
    dear = Experience("b/dear", arms[1].gram, arms[1].moment, arms[1].spread, 0.5, 0.0)
    policy = AllocationPolicy("p", context=True, reward_per_usd=1.0)
    assert decide_context_shares([arms[0], dear], policy, PLAIN)["a/same"] > 0.9


def test_experience_adds_up_and_is_kept_whole():
    found = learn_experience("a/b", np.array([PLAIN, CODE]), np.array([1.0, 0.5]),
                             np.array([1.0, 0.5]), 0.1, 0.2)
    assert found.gram[0][0] == 1.5  # the weights
    assert found.moment[0] == pytest.approx(1.0 + 0.25)
    assert Experience.from_json(found.to_json()) == found
    assert decide_context_shares([], POLICY, PLAIN) == {}


def test_rules_without_a_linear_form_are_refused():
    with pytest.raises(InputError) as caught:
        check_allocation(AllocationPolicy("p", context=True, rule="ucb1"))
    assert caught.value.field == "rule"
