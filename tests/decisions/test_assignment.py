"""Assignment: the published vectors, every one; then what a unit may rely on for ever."""

import datetime as dt
import itertools
import json
import time
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from brain.decisions.assignment import hashing
from brain.decisions.assignment.choosing import (
    Assigner,
    Experiment,
    Namespace,
    Variant,
    decide_assignment,
)
from brain.decisions.assignment.ramp import RampPolicy, decide_ramp
from brain.decisions.assignment.targeting import OPERATORS, Condition, holds
from brain.decisions.reasons import InputError
from brain.demo.trials import hash_unit
from tests.datasets import dataset

AB = (Variant("control", 50), Variant("variant-a", 50))
KNOWN_SECTIONS = {"specVersion", "hash", "getBucketRange", "chooseVariation", "inNamespace"}


def vectors():
    return json.loads(dataset("HASH_VECTORS").read_text())


def code(assignment):
    return assignment.reasons[0].code


def test_every_hash_vector():
    found = vectors()
    assert set(found) <= KNOWN_SECTIONS, "a section of the file is not run"
    run = 0
    for seed, unit, version, bucket in found.get("hash", []):
        assert hashing.bucket_of(seed, unit, version) == bucket, (seed, unit)
        run += 1
    for name, (count, coverage, weights), ranges in found.get("getBucketRange", []):
        given_ranges = hashing.divide_buckets(count, coverage, weights)
        assert len(given_ranges) == len(ranges), name
        for mine, theirs in zip(given_ranges, ranges, strict=True):
            assert mine == pytest.approx(theirs, abs=1e-12), name
        run += 1
    for name, bucket, ranges, index in found.get("chooseVariation", []):
        assert hashing.choose_range(bucket, ranges) == index, name
        run += 1
    for name, unit, (space, start, end), inside in found.get("inNamespace", []):
        assert hashing.in_namespace(unit, space, start, end) == inside, name
        run += 1
    assert run == sum(len(each) for each in found.values() if isinstance(each, list))
    assert run > 0


@pytest.mark.parametrize(("text", "expected"), [
    # published vectors of FNV-1a 32
    ("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv1a_vectors(text, expected):
    assert hashing.hash_fnv1a(text) == expected


def test_text_beyond_ascii_is_hashed_by_its_utf16_units():
    # "é" is the one unit 0xE9: (0x811C9DC5 ^ 0xE9) x 0x01000193 mod 2^32
    assert hashing.hash_fnv1a("é") == ((0x811C9DC5 ^ 0xE9) * 0x01000193) % 2**32
    # U+1F600 is the two units 0xD83D 0xDE00
    state = ((0x811C9DC5 ^ 0xD83D) * 0x01000193) % 2**32
    assert hashing.hash_fnv1a("\U0001F600") == ((state ^ 0xDE00) * 0x01000193) % 2**32


@pytest.mark.parametrize(("keys"), [("exp-1", "exp-2"), ("search-ui-v1", "search-ui-v2"),
                                    ("a", "aa")])
def test_a_million_units_are_uniform_and_independent_between_similar_keys(keys):
    names = [f"user-{number}" for number in range(1_000_000)]
    variants = (Variant("a", 50), Variant("b", 30), Variant("c", 20))
    places = []
    for key in keys:
        assigner = Assigner(Experiment(key, variants))
        buckets = hash_unit(key, names)
        for number in range(0, 1_000_000, 50_021):  # the fast hash is the product's
            assert assigner.assign(names[number]).bucket == buckets[number]
        seen = np.bincount((buckets * 10_000).round().astype(int) // 100, minlength=100)
        assert stats.chisquare(seen).pvalue > 0.001  # uniform over 100 equal stretches
        ends = [end for _, end in assigner.ranges[:-1]]
        place = np.searchsorted(ends, buckets, side="right")
        counts = np.bincount(place, minlength=3)
        assert stats.chisquare(counts, np.array([0.5, 0.3, 0.2]) * 1e6).pvalue > 0.001
        places.append(place)
    table = np.histogram2d(*places, bins=(3, 3))[0]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_takes_microseconds():
    assigner = Assigner(Experiment("search-ui-v2", AB))
    unit = "user-1234567"  # time grows with its letters: 36 of them take 4.3 µs
    fastest = min(timeit.repeat(lambda: assigner.assign(unit), number=2_000, repeat=20,
                                timer=time.process_time))  # of this process, not its neighbours
    assert fastest / 2_000 <= 5e-6


KEYS = st.text(min_size=1, max_size=12)
EXPERIMENTS = st.builds(
    lambda key, weights, coverage: Experiment(key, tuple(
        Variant(f"v{number}", weight) for number, weight in enumerate(weights)),
        traffic_ratio=coverage),
    KEYS, st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=6), st.floats(0, 1))


@given(EXPERIMENTS, KEYS)
def test_the_same_unit_gets_the_same_variant(experiment, unit):
    first = decide_assignment(experiment, unit)
    assert first == Assigner(experiment).assign(unit)
    assert first.variant in {None, *(variant.key for variant in experiment.variants)}
    assert first.reasons


@given(EXPERIMENTS, KEYS, st.floats(0, 1))
def test_more_coverage_never_moves_a_unit(experiment, unit, more):
    wider = Experiment(experiment.key, experiment.variants,
                       traffic_ratio=max(more, experiment.traffic_ratio))
    before = decide_assignment(experiment, unit).variant
    assert before is None or decide_assignment(wider, unit).variant == before


@given(EXPERIMENTS, st.floats(1e-3, 1e3))
def test_only_the_proportions_of_weights_matter(experiment, factor):
    scaled = Experiment(experiment.key, tuple(Variant(each.key, each.weight * factor)
                                              for each in experiment.variants),
                        traffic_ratio=experiment.traffic_ratio)
    for mine, theirs in zip(Assigner(experiment).ranges, Assigner(scaled).ranges, strict=True):
        assert mine == pytest.approx(theirs)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8), st.floats(0, 1))
def test_ranges_are_disjoint_and_cover_the_share(weights, coverage):
    ranges = hashing.divide_buckets(len(weights), coverage, hashing.as_shares(weights))
    assert sum(end - start for start, end in ranges) == pytest.approx(coverage)
    for (_, end), (start, _) in itertools.pairwise(ranges):
        assert end <= start + 1e-12


@given(KEYS, KEYS, st.floats(0.01, 0.99))
def test_disjoint_parts_of_a_namespace_share_no_unit(unit, space, cut):
    first = decide_assignment(Experiment("one", AB, namespace=Namespace(space, 0, cut)), unit)
    second = decide_assignment(Experiment("two", AB, namespace=Namespace(space, cut, 1)), unit)
    assert (first.variant is None) != (second.variant is None)
    assert "other_namespace" in (code(first), code(second))


def test_no_assignment_says_why_and_names_no_variant():
    start = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
    end = start + dt.timedelta(days=14)
    timed = Experiment("e", AB, start_utc=start, end_utc=end)
    cases = [
        (decide_assignment(None, "u"), "unknown_experiment"),
        (decide_assignment(Experiment("e", AB), ""), "no_unit"),
        (decide_assignment(timed, "", at_utc=start), "no_unit"),
        (decide_assignment(timed, "u", at_utc=start - dt.timedelta(seconds=1)), "not_started"),
        (decide_assignment(timed, "u", at_utc=end), "ended"),
        (decide_assignment(Experiment("e", AB, traffic_ratio=0), "u"), "not_covered"),
        (decide_assignment(Experiment("e", AB, targeting=(Condition("plan", "is", "pro"),)), "u",
                           {"plan": "free"}), "not_targeted")]
    cases += [(decide_assignment(Experiment("e", AB, state=state), "u"), f"experiment_{state}")
              for state in ("draft", "paused", "stopped", "decided")]
    for assignment, expected in cases:
        assert (assignment.variant, code(assignment)) == (None, expected)
        assert not assignment.is_counted
    assert code(decide_assignment(timed, "u", at_utc=start)) == "assigned"


def test_forced_units_are_served_also_in_a_draft_and_never_counted():
    for state in ("draft", "running"):
        found = decide_assignment(Experiment("e", AB, state=state, traffic_ratio=0,
                                             forced={"qa": "variant-a"}), "qa")
        assert (found.variant, found.is_counted, code(found)) == ("variant-a", False, "forced")
    stopped = Experiment("e", AB, state="stopped", forced={"qa": "variant-a"})
    assert decide_assignment(stopped, "qa").variant is None


def test_sticky_keeps_the_variant_unless_it_is_gone():
    experiment = Experiment("e", AB, sticky=True, traffic_ratio=0)
    assert decide_assignment(experiment, "u", previous="variant-a").variant == "variant-a"
    assert decide_assignment(experiment, "u", previous="removed").variant is None
    fresh = Experiment("e", AB, traffic_ratio=0)
    assert decide_assignment(fresh, "u", previous="variant-a").variant is None


@pytest.mark.parametrize(("condition", "attributes", "expected"), [
    (Condition("plan", "is", "pro"), {"plan": "pro"}, True),
    (Condition("plan", "is", "pro"), {}, False),
    (Condition("plan", "is_not", "pro"), {}, True),
    (Condition("plan", "in", ["pro", "team"]), {"plan": "team"}, True),
    (Condition("plan", "not_in", ["pro"]), {"plan": "pro"}, False),
    (Condition("seats", "at_least", 5), {"seats": 5}, True),
    (Condition("seats", "above", 5), {"seats": 5}, False),
    (Condition("seats", "at_most", 5), {"seats": "4"}, False),
    (Condition("seats", "below", 5), {"seats": True}, False),
    (Condition("flag", "is", 1), {"flag": True}, False),
    (Condition("flag", "is", True), {"flag": True}, True),
    (Condition("version", "at_least", "b"), {"version": "c"}, True),
    (Condition("mail", "starts_with", "qa-"), {"mail": "qa-1"}, True),
    (Condition("mail", "contains", "@x"), {"mail": 3}, False),
    (Condition("tags", "contains", "beta"), {"tags": ["beta"]}, True),
    (Condition("plan", "exists"), {"plan": None}, False),
    (Condition("plan", "missing"), {"plan": None}, True),
])
def test_targeting(condition, attributes, expected):
    assert holds(condition, attributes) == expected


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner, max_size=3) |
                    st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)


@given(st.sampled_from(OPERATORS), JSON, JSON)
def test_any_value_is_compared_or_refused(operator, wanted, seen):
    try:
        experiment = Experiment("e", AB, targeting=(Condition("x", operator, wanted),))
    except InputError as error:
        assert error.field.startswith("targeting[0]")
        return
    assert decide_assignment(experiment, "u", {"x": seen}).reasons


@pytest.mark.parametrize(("change", "field"), [
    ({"key": ""}, "key"), ({"variants": ()}, "variants"),
    ({"variants": (Variant("a"), Variant("a"))}, "variants[1].key"),
    ({"variants": (Variant("", 1),)}, "variants[0].key"),
    ({"variants": (Variant("a", 0),)}, "variants[0].weight"),
    ({"variants": (Variant("a", float("nan")),)}, "variants[0].weight"),
    ({"traffic_ratio": 1.5}, "traffic_ratio"), ({"hash_version": 3}, "hash_version"),
    ({"state": "ended"}, "state"), ({"namespace": Namespace("n", 0.5, 0.5)}, "namespace"),
    ({"forced": {"u": "nobody"}}, "forced"),
    ({"targeting": (Condition("x", "like", 1),)}, "targeting[0].operator"),
    ({"start_utc": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
      "end_utc": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "end_utc"),
])
def test_refuses_what_cannot_be_assigned_from(change, field):
    with pytest.raises(InputError) as caught:
        Experiment(**({"key": "e", "variants": AB} | change))
    assert caught.value.field == field


@pytest.mark.parametrize(("share", "held_s", "units", "guards", "expected"), [
    (0, 0, 0, {}, (1, "advance", "step_held")),
    (1, 86_400, 1_000, {"errors": "safe"}, (5, "advance", "step_held")),
    (50, 86_400, 1_000, {}, (100, "advance", "step_held")),
    (5, 3_600, 5_000, {}, (5, "hold", "held_too_short")),
    (5, 86_400, 999, {}, (5, "hold", "too_few_units")),
    (5, 86_400, 1_000, {"errors": "unknown"}, (5, "hold", "guardrail_unknown")),
    (20, 60, 10, {"errors": "harm", "p95": "safe"}, (0, "halt", "guardrail_harm")),
    (100, 86_400, 1_000, {"errors": "harm"}, (0, "halt", "guardrail_harm")),
    (100, 86_400, 1_000, {}, (100, "done", "last_step")),
])
def test_ramp(share, held_s, units, guards, expected):
    found = decide_ramp(share, held_s, units, guards, RampPolicy())
    assert (found.share_pct, found.action, found.reasons[0].code) == expected


def test_ramp_steps_must_rise():
    for steps in ((), (5, 5), (0, 10), (50, 101)):
        with pytest.raises(InputError):
            RampPolicy(steps)
