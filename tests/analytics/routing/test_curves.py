"""Cost-quality curves with their arithmetic, and splits that leak nothing."""

import numpy as np
import pytest

from analytics.routing.curves import Range, draw_curve, range_of, sweep
from analytics.routing.splits import group_near_duplicates, split_by_prompt, split_by_subject

OVER = Range(1.0, 5.0, 5.0, 0.8)


def test_hull_area_and_saving():
    # (2, 0.5) lies under the line from (1, 0.4) to (3, 0.8); (4, 0.7) is worse than (3, 0.8)
    curve = draw_curve("p", [1, 2, 3, 4, 5], [0.4, 0.5, 0.8, 0.7, 0.8], OVER)
    assert curve.hull_costs == (1, 3)
    # mean over 1..5: two units at (0.4 + 0.8)/2, then two at 0.8: (1.2 + 1.6)/4
    assert curve.aiq == pytest.approx(0.7)
    # 95 % of 0.8 is 0.76, at cost 1 + 2 × 0.36/0.4 = 2.8; 1 - 2.8/5
    assert curve.saving == pytest.approx(0.44)


def test_a_policy_that_is_never_good_enough_saves_nothing_that_can_be_told():
    assert draw_curve("p", [1, 5], [0.4, 0.7], OVER).saving is None
    assert draw_curve("p", [1], [0.9], OVER).saving == pytest.approx(0.8)
    free = Range(0.0, 0.0, 0.0, 0.5)
    assert draw_curve("p", [0.0], [0.5], free).saving is None


def test_the_range_is_that_of_the_models():
    scores, costs = np.array([[1, 1], [0, 1.0]]), np.array([[1, 4], [3, 6.0]])
    assert range_of(scores, costs) == Range(2.0, 5.0, 5.0, 1.0)


def test_a_sweep_goes_from_quality_alone_to_cost_alone():
    scores = np.array([[1, 1], [0, 1], [0, 0], [1, 0.0]])
    costs = np.tile([1.0, 10.0], (4, 1))
    at_costs, at_qualities = sweep(scores, costs, scores, costs)
    # an oracle: only the second prompt needs the dear model, (3 × 1 + 10)/4
    assert min(zip(at_costs, at_qualities, strict=True)) == (1.0, 0.5)
    curve = draw_curve("oracle", at_costs, at_qualities, range_of(scores, costs))
    assert (curve.hull_costs[-1], curve.hull_qualities[-1]) == (3.25, 0.75)


TEXTS = [f"question {n} asks about the {n * 37 % 91} rivers of land {n * 53 % 97} and their names"
         for n in range(300)]


def test_near_duplicates_stay_on_one_side():
    long = " ".join(f"word{n}" for n in range(60))
    prompts = [*TEXTS, long + " one", long + " two", long.upper() + " one"]
    groups = group_near_duplicates(prompts)
    assert len(set(groups[-3:].tolist())) == 1
    assert len(set(groups.tolist())) > 200
    for seed in range(5):
        split = split_by_prompt(groups, 0.3, seed)
        assert not set(groups[split.train].tolist()) & set(groups[split.test].tolist())
        assert split.test.mean() == pytest.approx(0.3, abs=0.05)


def test_subjects_of_the_test_are_never_trained():
    subjects = [f"s{n % 10}" for n in range(300)]
    prompts = [*TEXTS[:299], TEXTS[0]]
    split = split_by_subject(subjects, group_near_duplicates(prompts), 0.3, 1)
    trained, tested = ({subjects[place] for place in np.flatnonzero(each)}
                       for each in (split.train, split.test))
    assert not trained & tested
    assert len(tested) == 3
    assert not {prompts[place] for place in np.flatnonzero(split.train)} & {
        prompts[place] for place in np.flatnonzero(split.test)}
