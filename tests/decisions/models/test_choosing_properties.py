"""Model choice: what must hold for any catalogue, criteria and state."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.models.catalogue import Measured, Model, prepare_catalogue
from brain.decisions.models.choosing import choose_model
from brain.decisions.models.constraints import (
    CONSTRAINTS,
    BudgetLeft,
    Criteria,
    State,
    find_broken,
    prepare_ask,
)
from brain.decisions.models.estimates import expect
from brain.decisions.models.features import Features
from brain.decisions.quotas import Left
from brain.decisions.reasons import InputError

THOUSAND = Features(1_000, "low", is_estimated=False)


def codes(found):
    return [each.code for each in found.reasons]


amounts = st.one_of(st.none(), st.integers(0, 4).map(lambda n: Decimal(10) ** n / 10),
                    st.decimals(0, 100, places=3))
figures = st.one_of(st.none(), st.integers(0, 100).map(float), st.floats(0, 100))
models = st.builds(
    Model, st.sampled_from("abcdefgh"), st.sampled_from(["", "p", "q"]),
    st.one_of(st.none(), st.integers(1, 10_000)), st.one_of(st.none(), st.integers(1, 5_000)),
    amounts, amounts, amounts, figures, figures, st.none(),
    st.frozensets(st.sampled_from(["tools", "json"])),
    regions=st.frozensets(st.sampled_from(["eu", "us"])), no_training=st.booleans() | st.none(),
    measured=st.builds(lambda n, p50, q: (Measured("", n, 0, p50, p50, quality=q, quality_n=n),),
                       st.integers(0, 200), figures, figures) | st.just(()))
catalogues = st.lists(models, max_size=6, unique_by=lambda each: each.key)
requests = st.builds(Features, st.integers(0, 9_000), st.sampled_from(["low", "medium", "high"]),
                     has_personal_data=st.booleans(),
                     output_tokens=st.none() | st.integers(0, 3_000))
wishes = st.builds(
    Criteria, st.sampled_from(["balanced", "cost", "latency", "quality"]),
    amounts, figures, figures, st.frozensets(st.sampled_from(["tools", "json"]), max_size=1),
    st.frozensets(st.sampled_from(["eu", "us"]), max_size=1), st.booleans(), st.booleans(),
    st.none() | st.integers(0, 4_000))
states = st.builds(
    State, st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["open", "closed"])),
    st.dictionaries(st.sampled_from("abcd"), st.builds(
        Left, st.integers(0, 2) | st.none(), st.none() | st.integers(0, 20_000), amounts)),
    amounts, amounts, st.lists(st.builds(
        BudgetLeft, st.decimals(-1, 100, places=3), amounts, st.just("budget"),
        st.sampled_from(["", "p"]), st.sampled_from(["", "a", "b"])), max_size=2).map(tuple))


@settings(max_examples=60)
@given(requests, wishes, catalogues, states, st.randoms(use_true_random=False))
def test_never_a_model_that_breaks_a_constraint(features, criteria, catalogue, state, rng):
    found = choose_model(features, criteria, catalogue, state)
    shuffled = rng.sample(catalogue, len(catalogue))
    assert choose_model(features, criteria, shuffled, state) == found
    assert (found.chosen is None) == (found.no_model is not None)
    assert len(found.reasons) >= 1
    if found.chosen is None:
        assert found.no_model.constraint in (*CONSTRAINTS, "catalogue")
        return
    for each in (found.chosen, *found.alternatives):
        model, expected = each.model, each.expected
        assert model.capabilities >= criteria.needs
        assert not criteria.regions or criteria.regions & model.regions
        assert model.no_training or not (criteria.no_training or (
            features.has_personal_data and criteria.no_training_for_personal_data))
        assert criteria.max_latency_ms is None or expected.latency.value <= criteria.max_latency_ms
        assert criteria.min_quality is None or expected.quality.value >= criteria.min_quality
        for most in (criteria.max_cost_usd, state.budget_remaining_usd):
            assert most is None or expected.cost_pico <= most * 10**12
        for budget in state.budgets:
            if budget.provider in ("", model.provider) and budget.model in ("", model.name):
                assert expected.cost_pico <= budget.remaining_usd * 10**12
        assert state.breakers.get(model.name) != "open"
        left = state.quotas.get(model.name, Left())
        assert left.requests is None or left.requests >= 1
        assert left.tokens is None or left.tokens >= expected.input_tokens + expected.output_tokens
        assert left.usd is None or expected.cost_pico <= left.usd * 10**12
        assert model.context_tokens is None or features.input_tokens < model.context_tokens
        assert all(0 <= part <= 100 for part in (each.scores.quality, each.scores.latency,
                                                 each.scores.cost, each.scores.total))
    (priced, *_) = prepare_catalogue([found.chosen.model])
    assert not find_broken(priced, found.chosen.expected, prepare_ask(features, criteria, state))


@settings(max_examples=60)
@given(requests, st.lists(models, min_size=1, max_size=6, unique_by=lambda each: each.key),
       st.integers(0, 30_000))
def test_never_beyond_a_quota_of_tokens(features, catalogue, tokens):
    found = choose_model(features, Criteria(), catalogue, State(quotas={
        each.name: Left(tokens=tokens) for each in catalogue}))
    able = [each for each in (found.chosen, *found.alternatives) if each is not None]
    assert all(each.expected.input_tokens + each.expected.output_tokens <= tokens for each in able)
    for each in found.excluded:  # and none is left out that fits
        (priced,) = prepare_catalogue([each.model])
        expected = expect(priced, features)
        assert [one.constraint for one in each.broken] != ["quota"] or (
            expected.input_tokens + expected.output_tokens > tokens)


@settings(max_examples=60)
@given(requests, st.lists(models, min_size=1, max_size=6, unique_by=lambda each: each.key))
def test_prompts_that_name_a_person_never_go_where_data_may_train(features, catalogue):
    found = choose_model(replace(features, has_personal_data=True),
                         Criteria(no_training_for_personal_data=True), catalogue)
    able = [each for each in (found.chosen, *found.alternatives) if each is not None]
    assert all(each.model.no_training for each in able)


@settings(max_examples=60)
@given(requests, wishes, catalogues, st.lists(st.decimals(0, 1, places=4), min_size=2, max_size=2),
       st.sampled_from(["max_cost_usd", "budget_remaining_usd"]))
def test_more_budget_is_never_a_worse_choice(features, criteria, catalogue, budgets, name):
    """By the scores of the larger budget's candidates, the larger budget's choice is best."""
    less, more = sorted(budgets)

    def choose(amount):
        if name == "max_cost_usd":
            return choose_model(features, replace(criteria, max_cost_usd=amount), catalogue)
        return choose_model(features, criteria, catalogue, State(budget_remaining_usd=amount))
    small, large = choose(less), choose(more)
    if small.chosen is None:
        return
    assert large.chosen is not None
    scores = {each.model.key: each.scores for each in (large.chosen, *large.alternatives)}
    if "budget_pressure" in codes(large):
        left = more * 10**12 * 9 / 10
        if large.chosen.expected.cost_pico >= left:  # all press: the cheapest, as before
            assert small.chosen.expected.cost_pico == large.chosen.expected.cost_pico
        elif small.chosen.expected.cost_pico < left:
            assert scores[small.chosen.model.key].total <= large.chosen.scores.total
        return
    assert scores[small.chosen.model.key].total <= large.chosen.scores.total
    if criteria.priority == "quality":
        assert (small.chosen.expected.quality.value or 0) <= (
            large.chosen.expected.quality.value or 0) + 1e-6


priced_models = st.builds(
    Model, st.sampled_from("abcdefgh"), st.just("p"),
    input_usd_per_mtok=st.integers(1, 40).map(Decimal),
    output_usd_per_mtok=st.integers(1, 40).map(Decimal), quality=st.integers(1, 99).map(float),
    latency_ms=st.integers(1, 9_000).map(float))


@settings(max_examples=100)
@given(st.lists(priced_models, min_size=2, max_size=6, unique_by=lambda each: each.name),
       st.lists(st.integers(1, 30), min_size=2, max_size=2, unique=True),
       st.sampled_from(["max_cost_usd", "budget_remaining_usd"]))
def test_more_budget_never_buys_less_quality(catalogue, parts, name):
    """Of the best model for quality; budgets are parts of twice what the dearest model costs."""
    dearest = max(expect(each, THOUSAND).cost_pico for each in prepare_catalogue(catalogue))
    qualities = []
    for part in sorted(parts):
        amount = Decimal(2 * dearest * part // 30).scaleb(-12)
        criteria, state = (Criteria("quality", max_cost_usd=amount), State()) \
            if name == "max_cost_usd" else (Criteria("quality"), State(budget_remaining_usd=amount))
        chosen = choose_model(THOUSAND, criteria, catalogue, state).chosen
        qualities.append(-1.0 if chosen is None else chosen.expected.quality.value)
    assert qualities[0] <= qualities[1]


@settings(max_examples=60)
@given(requests, st.sampled_from(["balanced", "cost", "latency", "quality"]), catalogues,
       st.sampled_from([1_000, 10, 3]))
def test_units_never_change_the_order(features, priority, catalogue, factor):
    def scale(model):
        money = {name: None if getattr(model, name) is None else getattr(model, name) * factor
                 for name in ("input_usd_per_mtok", "output_usd_per_mtok", "request_usd")}
        return replace(model, measured=(), **money)
    plain = choose_model(features, Criteria(priority), [replace(each, measured=())
                                                        for each in catalogue])
    scaled = choose_model(features, Criteria(priority), list(map(scale, catalogue)))
    assert plain.fallbacks == scaled.fallbacks
    assert [each.scores for each in plain.alternatives] == [
        each.scores for each in scaled.alternatives]


@settings(max_examples=60)
@given(requests, wishes, catalogues, states)
def test_remedies_help(features, criteria, catalogue, state):
    none = choose_model(features, criteria, catalogue, state).no_model
    if none is None or none.nearest is None or any(each.value is None for each in none.remedies):
        return
    amounts = {each.field: each.value for each in none.remedies}
    if set(amounts) & {"features.input_tokens", "state.quotas"} or state.budgets:
        return  # these change what all else is reckoned from
    helped_features, helped, there = features, criteria, state
    for path, value in amounts.items():
        part, _, name = path.partition(".")
        if part == "criteria":
            helped = replace(helped, **{name: value})
        elif part == "state":
            there = replace(there, **{name: value})
        else:
            helped_features = replace(helped_features, **{name: value})
    if "output_tokens" in " ".join(amounts):
        return
    assert choose_model(helped_features, helped, catalogue, there).chosen is not None


@settings(max_examples=60)
@given(st.builds(Features, st.integers(), st.text(max_size=8), output_tokens=st.integers()),
       st.builds(Criteria, st.text(max_size=9), st.decimals(), st.floats(), st.floats()),
       st.lists(st.builds(Model, st.text(max_size=3), st.text(max_size=3), st.integers(),
                          st.integers(), st.decimals(), st.decimals(), st.decimals(),
                          st.floats(), st.floats()), max_size=3),
       st.builds(State, budget_remaining_usd=st.decimals(), projected_usd=st.decimals()))
def test_no_input_raises_anything_else(features, criteria, catalogue, state):
    try:
        found = choose_model(features, criteria, catalogue, state)
    except InputError as error:
        assert error.field
        return
    assert found.reasons
