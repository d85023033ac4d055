"""The commands of bandits: choices with propensities, and policies valued on logs."""

import io
import json
from argparse import Namespace

import jsonschema
import numpy as np
import pytest

from brain.cli import bandits
from brain.cli.machine import answer_lines

FORMS = {command.verb: command.form for command in bandits.COMMANDS}
OUTPUTS = {verb: jsonschema.Draft202012Validator(form.schema()["output"])
           for verb, form in FORMS.items()}
ARMS = [{"key": "a", "n": 1_000, "sum": 100}, {"key": "b", "n": 1_000, "sum": 150}]


def run(verb, *records, **options):
    out = io.BytesIO()
    text = "\n".join(json.dumps(each) for each in records)
    status = answer_lines(FORMS[verb], FORMS[verb].prepare(Namespace(**options)),
                          io.BytesIO(text.encode()), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    for each in answers:
        OUTPUTS[verb].validate(each)
    return status, answers


def test_chooses_by_draw_by_unit_or_at_random():
    status, (low, high, unit, again, chance) = run(
        "decide", {"arms": ARMS, "draw": 0.0}, {"arms": ARMS, "draw": 0.999},
        {"arms": ARMS, "unit": "u1"}, {"arms": ARMS, "unit": "u1"}, {"arms": ARMS})
    assert status == 0
    # an arm that is never the best keeps its floor of 2 %
    assert (low["arm"], low["propensity"]) == ("a", pytest.approx(0.02, abs=1e-3))
    assert (high["arm"], high["propensity"]) == ("b", pytest.approx(0.98, abs=1e-3))
    assert unit == again
    assert 0 <= chance["draw"] < 1
    assert chance["propensity"] == chance["shares"][chance["arm"]]


def test_linear_arms_need_a_context():
    arms = [{"key": key, "gram": [[9, 0], [0, 9]], "moment": moment}
            for key, moment in (("a", [9, 0]), ("b", [0, 9]))]
    status, (found, bad, half) = run(
        "decide", {"arms": arms, "context": [1, 0], "policy": "ucb", "draw": 0.5},
        {"arms": arms, "draw": 0.5}, {"arms": [{"key": "a", "gram": [[1]]}], "context": [1]})
    assert (status, found["arm"]) == (1, "a")
    assert bad["error"]["field"] == "context"
    assert half["error"]["field"] == "arms[0].moment"


def test_the_same_seed_chooses_alike():
    lines = [{"arms": ARMS, "floor_ratio": 0.4}] * 40
    (_, first), (_, again), (_, other) = (run("decide", *lines, seed=seed) for seed in (3, 3, 4))
    assert first == again != other
    assert {each["arm"] for each in first} == {"a", "b"}  # a seed is of the run, not of each line
    _, (one, two) = run("decide", *[{"arms": ARMS, "seed": 12}] * 2)
    assert one == two


@pytest.mark.parametrize("policy", ["thompson", "ucb1", "kl_ucb", "ucb", "epsilon_greedy",
                                    "uniform"])
def test_every_policy_gives_a_distribution(policy):
    status, (found,) = run("decide", {"arms": [*ARMS, {"key": "c", "n": 0, "sum": 0}],
                                      "policy": policy, "seed": 1})
    assert status == 0
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert found["propensity"] == found["shares"][found["arm"]] >= 0.02 - 1e-9


def test_a_history_makes_the_arms():
    arms = [{"key": "a"}, {"key": "b"}]
    history = [{"arm": "a", "reward": 1}] * 50 + [{"arm": "b", "reward": 0}] * 50
    turned = history + [{"arm": "a", "reward": 0}] * 50 + [{"arm": "b", "reward": 1}] * 50
    _, (old, new) = run("decide", {"arms": arms, "history": turned, "draw": 0.5},
                        {"arms": arms, "history": turned, "discount": 0.95, "draw": 0.5})
    assert old["shares"]["b"] == pytest.approx(0.5, abs=0.01)
    assert new["shares"]["b"] > 0.95
    assert new["reasons"][0]["code"] == "discounted"
    contexts = [{"arm": "a", "reward": each, "context": [1, each]} for each in (0, 1)] * 30
    _, (found,) = run("decide", {"arms": arms, "history": contexts, "context": [1, 1],
                                 "policy": "lin_ts", "draw": 0.1})
    assert found["shares"]["a"] > 0.5


@pytest.mark.parametrize(("line", "field"), [
    ({"arms": ARMS, "policy": "lin_ucb"}, "arms[0].gram"),
    ({"arms": ARMS, "history": [{"arm": "z", "reward": 1}]}, "history[0].arm"),
    ({"arms": ARMS, "discount": 0}, "discount"),
    ({"arms": [{"key": "a", "n": 1e300, "sum": 1}]}, "arms[0].n"),
    ({"arms": [{"key": "a", "n": 0, "sum": 0, "latency_s": -1}]}, "arms[0].latency_s"),
    ({"arms": ARMS, "lowest_reward": 1}, "highest_reward"),
    ({"arms": [{"key": "a", "gram": [[1e200]], "moment": [1]}], "context": [1]}, "arms[0]"),
    ({"arms": []}, "arms"), ({"arms": [{"key": "a"}]}, "arms[0].n"),
    ({"arms": ARMS, "draw": 1}, "draw"), ({"arms": ARMS, "floor_ratio": 0.6}, "floor_ratio"),
    ({"arms": ARMS, "policy": "best"}, "policy"), ({"arms": [ARMS[0], ARMS[0]]}, "arms[1].key"),
])
def test_says_which_field_cannot_be_used(line, field):
    status, (found,) = run("decide", line)
    assert (status, found["error"]["field"]) == (1, field)


def test_replays_a_log_at_another_policy():
    rng = np.random.default_rng(6)
    log = []
    for _ in range(3_000):
        arm = "b" if rng.random() < 0.2 else "a"
        log.append({"arm": arm, "reward": float(rng.random() < (0.5 if arm == "b" else 0.3)),
                    "propensity": 0.2 if arm == "b" else 0.8})
    _, (found, unseen, clipped) = run(
        "replay", {"log": log, "target": {"b": 1.0}}, {"log": log, "target": {"b": 0.5, "c": 0.5}},
        {"log": log, "target": {"b": 1.0}, "most_weight": 2})
    for name in ("ips", "snips", "dr"):  # the second arm pays 0.5
        assert found[name]["lower"] <= 0.5 <= found[name]["upper"]
    # only the 600 choices of b count, all alike
    assert found["effective_n"] == pytest.approx(sum(row["arm"] == "b" for row in log))
    assert "unseen_arms" in [reason["code"] for reason in unseen["reasons"]]
    assert clipped["clipped"] == found["effective_n"]


def test_a_policy_may_change_from_row_to_row():
    log = [{"arm": "a", "reward": 1, "propensity": 0.5, "target": {"a": 1.0},
            "predictions": {"a": 0.9, "b": 0.2}},
           {"arm": "a", "reward": 0, "propensity": 0.5, "target": {"b": 1.0},
            "predictions": {"a": 0.1, "b": 0.6}}]
    _, (found,) = run("replay", {"log": log})
    assert found["ips"]["estimate"] == pytest.approx(1.0)  # weights 2 and 0: (2 x 1 + 0) / 2
    assert found["dr"]["estimate"] == pytest.approx(0.85)  # (0.9 + 2 x 0.1 + 0.6) / 2


@pytest.mark.parametrize(("line", "field"), [
    ({"log": [{"arm": "a", "reward": 1, "propensity": 0}], "target": {"a": 1}},
     "log[0].propensity"),
    ({"log": [{"arm": "a", "reward": 1, "propensity": 1}], "target": {"a": 0.4}}, "target"),
    ({"log": [{"arm": "a", "reward": 1, "propensity": 1}]}, "target"),
    ({"log": [{"arm": "a", "reward": 1, "propensity": 1, "predictions": {"b": 1}}],
      "target": {"a": 1}}, "log[0].predictions"),
])
def test_logs_that_cannot_be_used(line, field):
    status, (found,) = run("replay", line)
    assert (status, found["error"]["field"]) == (1, field)


def test_little_overlap_has_estimates_and_no_interval():
    log = [{"arm": "a", "reward": number % 2, "propensity": 0.99, "context": [number]}
           for number in range(20)]
    status, (found,) = run("replay", {"log": log, "target": {"a": 0.1, "b": 0.9}})
    assert (status, found["unknown"]["code"]) == (0, "not_enough_overlap")
    assert found["dr"]["estimate"] is not None
    assert (found["dr"]["lower"], found["dr"]["upper"]) == (None, None)


def test_cost_is_valued_like_the_reward_and_missing_rewards_are_left_out():
    log = [{"arm": arm, "reward": reward, "propensity": 0.5, "outcomes": {"cost_usd": cost}}
           for arm, reward, cost in (("a", 1, 0.01), ("b", 1, 0.03), ("b", None, 0.03),
                                     ("a", 0, 0.01)) * 20]
    _, (found,) = run("replay", {"log": log, "target": {"b": 1}})
    assert found["n"] == 60
    assert found["outcomes"]["cost_usd"]["snips"]["estimate"] == pytest.approx(0.03)
    assert found["outcomes"]["cost_usd"]["logged"]["estimate"] == pytest.approx(0.05 / 3)
    assert "missing" in [reason["code"] for reason in found["reasons"]]


@pytest.mark.parametrize("reward", [1e308, -1e308])
def test_a_reward_too_large_is_named(reward):
    status, (found,) = run("replay", {"log": [{"arm": "a", "reward": reward, "propensity": 1}] * 3,
                                      "target": {"a": 1}})
    assert (status, found["error"]["field"]) == (1, "log[0].reward")


def test_an_empty_log_is_an_answer():
    status, (found,) = run("replay", {"log": [], "target": {"a": 1}})
    assert (status, found["unknown"]["code"], found["ips"]) == (0, "no_decisions", None)
