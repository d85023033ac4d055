"""The learned router: it learns what decides, one prompt like many, and only from known scores."""

import numpy as np
import pytest

from analytics.routing.curves import draw_curve, range_of
from analytics.routing.evaluation import RoutingData, evaluate, summarize
from analytics.routing.router import train_router
from analytics.routing.text import FORM, describe_form, learn_vocabulary, split_words, weigh_all


def made(count, seed=0):
    """Prompts on 40 topics; a small model fails at sums, a large one at few of them."""
    rng = np.random.default_rng(seed)
    prompts, scores = [], []
    for number in range(count):
        hard = rng.random() < 0.4
        words = " ".join(f"w{each}" for each in rng.integers(0, 400, rng.integers(8, 25)))
        prompts.append(f"{words} {number * 7 % 89} + {number % 83} = ?" if hard
                       else f"name the {words}")
        scores.append([float(rng.random() < (0.15 if hard else 0.85)),
                       float(rng.random() < (0.8 if hard else 0.9)), 0.5])
    return prompts, np.array(scores)


PROMPTS, SCORES = made(900)
ROUTER = train_router(PROMPTS[:600], SCORES[:600], ["small", "large", "flat"])


def test_learns_what_decides():
    found = ROUTER.predict_all(PROMPTS[600:])
    hard = np.array(["=" in each for each in PROMPTS[600:]])
    assert found[hard, 0].mean() == pytest.approx(0.15, abs=0.1)
    assert found[~hard, 0].mean() == pytest.approx(0.85, abs=0.1)
    assert found[hard, 1].mean() > 0.65
    assert found[:, 2] == pytest.approx(0.5)  # all its scores are alike


def test_one_prompt_is_judged_like_many():
    many = ROUTER.predict_all([*PROMPTS[600:620], "", "\x00 ÿ", "zzz"])
    one = np.array([ROUTER.predict(each) for each in [*PROMPTS[600:620], "", "\x00 ÿ", "zzz"]])
    assert one == pytest.approx(many, abs=1e-9)


def test_a_model_with_few_scores_keeps_its_prior():
    scores = SCORES[:200, :2].copy()
    scores[5:, 1] = np.nan  # five scores are left
    router = train_router(PROMPTS[:200], scores, ["small", "new"], [0.5, 0.9])
    # (20 × 0.9 + sum of five) / 25
    wanted = (18 + scores[:5, 1].sum()) / 25
    assert router.predict_all(PROMPTS[:3])[:, 1] == pytest.approx(wanted)


def test_training_twice_gives_the_same():
    again = train_router(PROMPTS[:600], SCORES[:600], ["small", "large", "flat"])
    assert again.predict_all(PROMPTS[600:610]) == pytest.approx(
        ROUTER.predict_all(PROMPTS[600:610]), abs=1e-12)


def test_words_weigh_as_in_the_textbook():
    documents = [split_words(each) for each in ("aa bb aa", "aa cc", "aa bb")]
    vocabulary = learn_vocabulary(documents, 2, 10)
    # "aa" in 3 of 3: ln(4/4) + 1 = 1; "bb" and "aa bb" in 2 of 3: ln(4/3) + 1
    assert vocabulary.terms.keys() == {"aa", "bb", "aa bb"}
    rows = weigh_all(vocabulary, documents).toarray()
    rare, twice = np.log(4 / 3) + 1, 1 + np.log(2)
    assert rows[0, vocabulary.terms["aa"]] == pytest.approx(
        twice / np.sqrt(twice ** 2 + 2 * rare ** 2))
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1])


def test_the_form_has_a_number_for_each_name():
    found = dict(zip(FORM, describe_form("Is 2 + 2 = 4?\nA. yes\nB. 12"), strict=True))
    assert (found["options"], found["numeric_options"], found["questions"]) == (2, 0.5, 1)
    assert all(np.isfinite(describe_form(each)).all() for each in ("", "\n", "?" * 50))


def test_rarity_leaves_out_the_document_that_the_words_are_from():
    documents = [["aa", "bb"], ["aa", "cc"], ["aa", "bb"]]
    vocabulary = learn_vocabulary(documents, 2, 10)
    # "aa" in 3 of 3: ln(4/4) = 0; "bb" in 2: ln(4/3); "zz" in none: ln(4)
    mean, rarest, unseen = vocabulary.rarity(["aa", "bb", "zz"])
    assert mean == pytest.approx((np.log(4 / 3) + np.log(4)) / 3)
    assert (rarest, unseen) == (pytest.approx(np.log(4)), pytest.approx(1 / 3))
    # seen from one of them: "aa" in 2 others ln(4/3), "bb" in 1 other ln(4/2)
    own = vocabulary.rarity(["aa", "bb"], is_own=True)
    assert own[0] == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
    assert vocabulary.rarity([]) == [0.0, 0.0, 0.0]
    assert vocabulary.common_words(1) == ("aa",)


def test_trees_of_all_models_need_prompts_with_all_scores():
    assert len(ROUTER.crowd.root)
    told = ROUTER.crowd.judge_all(np.zeros((2, len(FORM) + 3 + len(ROUTER.common))))
    assert told[0] == pytest.approx(ROUTER.crowd.judge(np.zeros(len(FORM) + 3
                                                                + len(ROUTER.common))))
    rng = np.random.default_rng(1)
    one_each = SCORES[:600, :2].copy()  # as in the gateway: each prompt was answered once
    one_each[np.arange(600), rng.integers(0, 2, 600)] = np.nan
    router = train_router(PROMPTS[:600], one_each, ["small", "large"])
    assert not len(router.crowd.root)
    hard = np.array(["=" in each for each in PROMPTS[600:]])
    assert router.predict_all(PROMPTS[600:])[hard, 0].mean() == pytest.approx(0.15, abs=0.15)


def test_a_point_saves_no_more_than_the_hull():
    over = range_of(np.array([[0.5, 1.0]]), np.array([[1.0, 10.0]]))
    curve = draw_curve("x", [1, 4, 10], [0.5, 0.6, 1.0], over)
    # quality 0.95 lies 9/10 of the way from (1, 0.5) to (10, 1.0): cost 9.1, of 10
    assert curve.saving == pytest.approx(0.09)
    assert curve.saving_flat == 0.0  # the only point of at least 0.95 is the best model
    assert draw_curve("x", [1, 5], [0.5, 0.96], over).saving_flat == pytest.approx(0.5)
    assert draw_curve("x", [1], [0.5], over).saving_flat is None


def test_evaluation_shows_all_policies_and_the_router_saves():
    costs = np.tile([0.001, 0.02, 0.005], (900, 1))
    data = RoutingData(tuple(PROMPTS), ("small", "large", "flat"), SCORES, costs,
                       tuple(f"s{n % 12}" for n in range(900)))
    found = list(evaluate(data, ("prompt", "subject"), (0,)))
    rows = {(each.kind, each.policy): each for each in summarize(found)}
    for kind in ("prompt", "subject"):
        router, oracle = rows[kind, "router"], rows[kind, "oracle"]
        assert rows[kind, "random"].aiq < router.aiq < oracle.aiq
        assert rows[kind, "single_models"].aiq < router.aiq
        assert router.saving > 0.3
    assert {name for _, name in rows} == {"router", "logistic", "nearest_neighbours",
                                             "single_models", "random", "oracle"}
