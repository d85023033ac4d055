"""Results from the store equal those that numpy and pandas give from the same events."""

import dataclasses
import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pytest import approx

from analytics.experiments.quantiles import summarize_quantile
from analytics.experiments.statistics import Adjusted, CannotTell, Quantile
from analytics.experiments.verdict import Verdict
from brain.decisions.reasons import InputError
from brain.events import Exposure, Outcome
from tests.experiments.conftest import DAY, NOW, definition
from tests.experiments.played import START, play

METRICS = {
    "primary": {"key": "revenue_usd", "kind": "revenue"},
    "secondary": [{"key": "paid", "kind": "proportion"},
                  {"key": "stars", "kind": "mean"}],
    "guardrails": [{"key": "errors", "kind": "ratio", "denominator": "requests",
                    "better": "lower"},
                   {"key": "latency_ms", "kind": "quantile", "quantile": 0.9, "better": "lower"},
                   {"key": "llm_cost_usd", "kind": "llm_cost", "better": "lower"}]}


@pytest.fixture
def begun(engine, clock):
    """An experiment that started six days ago."""
    def begin(**fields):
        clock.now = START
        engine.experiments.create(definition(**{**METRICS, **fields}))
        engine.experiments.start("checkout")
        clock.now = NOW
        return engine.experiments
    return begin


def of(results, key):
    return next(each for each in results.metrics if each.definition.key == key)


def test_sums_are_those_of_the_units(engine, begun):
    verbs, played = begun(), play(engine, "checkout")
    results = verbs.results("checkout")
    assert results.units == {"a": 200, "b": 200}
    for variant in "ab":
        totals = played.totals("revenue_usd").query("variant == @variant")["value"]
        found = of(results, "revenue_usd").statistics[variant]
        assert isinstance(found, Adjusted)
        assert (found.n, found.post.sum, found.post.sum_squares) == (
            200, approx(totals.sum()), approx((totals**2).sum()))
        did = (played.totals("paid").query("variant == @variant")["value"] > 0).sum()
        assert of(results, "paid").statistics[variant].sum == did


def test_history_before_the_exposure_is_the_covariate(engine, begun):
    verbs, played = begun(), play(engine, "checkout")
    both = played.values.merge(played.units, on="unit")
    before = both[(both["metric"] == "revenue_usd") & (both["at_utc"] < both["seen_utc"])]
    history = played.units["unit"].map(before.groupby("unit")["value"].sum()).fillna(0.0)
    after = played.totals("revenue_usd")["value"]
    for variant in "ab":
        own = played.units["variant"] == variant
        found = of(verbs.results("checkout"), "revenue_usd").statistics[variant]
        assert found.pre.sum == approx(history[own].sum())
        assert found.pre.sum_squares == approx((history[own] ** 2).sum())
        assert found.product_sum == approx((history[own] * after[own]).sum())


def test_a_cap_holds_units_not_values(engine, begun):
    verbs = begun(primary={"key": "revenue_usd", "kind": "revenue", "cap": 15})
    played = play(engine, "checkout")
    for variant in "ab":
        capped = played.totals("revenue_usd").query("variant == @variant")["value"].clip(upper=15)
        found = of(verbs.results("checkout"), "revenue_usd").statistics[variant]
        assert found.post.sum == approx(capped.sum())
        assert found.post.sum_squares == approx((capped**2).sum())


def test_a_mean_is_of_the_units_that_have_one(engine, begun):
    verbs = begun(primary={"key": "revenue_usd", "kind": "mean"})
    played = play(engine, "checkout")
    for variant in "ab":
        means = played.after("revenue_usd").query("variant == @variant") \
            .groupby("unit")["value"].mean()
        found = of(verbs.results("checkout"), "revenue_usd").statistics[variant].post
        assert (found.n, found.sum) == (len(means), approx(means.sum()))


def test_ratio_and_quantile_have_units_as_their_sample(engine, begun):
    verbs, played = begun(), play(engine, "checkout")
    results = verbs.results("checkout")
    for variant in "ab":
        own = played.units["variant"] == variant
        errors, requests = (played.totals(name)["value"][own] for name in ("errors", "requests"))
        found = of(results, "errors").statistics[variant]
        assert (found.n, found.sum, found.denominator_sum) == (200, errors.sum(), requests.sum())
        assert found.product_sum == (errors * requests).sum()
        rows = played.after("latency_ms").query("variant == @variant")
        wanted = summarize_quantile(rows["value"].to_numpy(), 0.9,
                                    pd.factorize(rows["unit"])[0].astype(np.int64))
        quantile = of(results, "latency_ms").statistics[variant]
        assert isinstance(wanted, Quantile)
        assert (quantile.n, quantile.value, quantile.lower, quantile.upper) == (
            wanted.n, wanted.value, wanted.lower, wanted.upper)
        assert quantile.clusters == wanted.clusters


def test_the_series_ends_where_the_results_stand(engine, begun):
    played = None
    for key, kind in (("revenue_usd", "revenue"), ("paid", "proportion"),
                      ("revenue_usd", "mean")):
        if played is None:
            verbs = begun(primary={"key": key, "kind": kind}, secondary=[])
            played = play(engine, "checkout")
        else:
            engine.state.delete("experiments", experiment_key="checkout")
            verbs = begun(primary={"key": key, "kind": kind}, secondary=[])
        results = verbs.results("checkout")
        last = results.series.iloc[-1]
        means = {name: each.mean for name, each in results.primary.means.items()}
        assert last["estimate"] == approx(means["b"] / means["a"] - 1, rel=1e-9)
        assert last["units"] == sum(each.n for each in results.primary.means.values())
        assert last["at_utc"] <= pd.Timestamp(NOW)
        assert list(results.series["units"]) == sorted(results.series["units"])


def test_each_day_of_the_series_is_a_reading_up_to_then(engine, begun):
    verbs = begun(secondary=[])
    play(engine, "checkout")
    series = verbs.results("checkout").series
    for row in series.iloc[1:-1].to_dict("records"):
        then = verbs.results("checkout", now=row["at_utc"].to_pydatetime())
        means = {name: each.mean for name, each in then.primary.means.items()}
        assert row["estimate"] == approx(means["b"] / means["a"] - 1, rel=1e-9)
        assert row["units"] == sum(then.units.values())


def test_cost_is_exact_and_by_variant(engine, begun):
    verbs, played = begun(), play(engine, "checkout")
    engine.roll_up()  # brings the prices up to date
    results = verbs.results("checkout")
    asked = played.totals("requests").groupby("variant")["value"].sum()
    # gpt-4o: 1,000 x 2.50 + 100 x 10 USD per million tokens = 0.0035 USD a request
    for variant in "ab":
        cost = results.costs[variant]
        assert cost.cost_usd == Decimal("0.0035") * int(asked[variant])
        assert cost.usd_per_unit == cost.cost_usd / 200
        assert of(results, "llm_cost_usd").means[variant].mean == approx(
            float(cost.usd_per_unit))
    assert results.cost_usd == Decimal("0.0035") * int(asked.sum())
    ends = results.cost_series.groupby("variant")["cost_usd"].last()
    assert dict(ends) == {key: results.costs[key].cost_usd for key in "ab"}


def test_money_per_month_follows_from_the_effect(engine, begun):
    verbs = begun()
    play(engine, "checkout")
    engine.roll_up()
    results = verbs.results("checkout")
    worth = results.worth["b"]
    effect = results.primary.comparisons[0].effect
    per_unit = effect.estimate * effect.control_mean  # adjusted by what units paid before
    # 400 units in 6 days, 365.25 / 12 days a month, revenue is worth itself
    assert results.units_per_day == approx(400 / 6)
    assert worth.gain.usd == approx(per_unit * 400 / 6 * 365.25 / 12)
    assert worth.gain.lower_usd < worth.gain.usd < worth.gain.upper_usd
    assert worth.net.usd == approx(worth.gain.usd + worth.cost.usd)


def test_crossed_units_belong_to_no_variant_and_fail_the_health(engine, begun):
    verbs = begun()
    play(engine, "checkout")
    engine.record("exposures", [Exposure(
        event_id=f"again-{n}", at_utc=NOW - DAY, experiment_key="checkout", variant="b",
        unit_id=f"u{2 * n}") for n in range(10)])  # even units saw "a" before
    engine.drain()
    results = verbs.results("checkout")
    assert (results.units, results.crossed_units) == ({"a": 190, "b": 200}, 10)
    assert results.verdict.code == "crossed_units"  # 10 of 400 is more than 1 %
    assert results.verdict.name == "invalid"


def test_units_that_do_not_fall_as_planned_take_the_verdict_away(engine, begun):
    verbs = begun(variants=[{"key": "a", "weight": 1}, {"key": "b", "weight": 3}])
    play(engine, "checkout")
    results = verbs.results("checkout")
    assert next(each for each in results.checks if each.code == "sample_ratio").status == "failed"
    assert {each.verdict.name for each in results.metrics} == {"invalid"}


def test_a_variant_that_was_never_planned_fails_the_health(engine, begun):
    verbs = begun()
    engine.record("exposures", [Exposure(
        event_id=f"x{n}", at_utc=NOW - DAY, experiment_key="checkout", variant="abz"[n % 3],
        unit_id=f"u{n}") for n in range(90)])
    engine.drain()
    assert verbs.results("checkout").verdict.code == "sample_ratio"


def test_missing_exposures_are_told_where_everybody_takes_part(engine, begun):
    verbs = begun(primary={"key": "paid", "kind": "proportion"}, secondary=[])
    played = play(engine, "checkout")
    payers = played.after("paid")["unit"].nunique()
    engine.record("outcomes", [Outcome(event_id=f"lone-{n}", at_utc=NOW - DAY, metric="paid",
                                       unit_id=f"lone-{n}", value=1.0) for n in range(50)])
    engine.drain()
    check = next(each for each in verbs.results("checkout").checks
                 if each.code == "missing_exposures")
    assert payers > 0
    assert (check.status, check.text[:2]) == ("warning", "50")  # 50 of 450 are 11 %


def test_another_metric_leads_where_asked(engine, begun):
    verbs = begun()
    play(engine, "checkout")
    results = verbs.results("checkout", metric="paid")
    assert [(each.role, each.definition.key) for each in results.metrics[:2]] == [
        ("primary", "paid"), ("secondary", "revenue_usd")]
    with pytest.raises(LookupError, match="no metric 'gone'"):
        verbs.results("checkout", metric="gone")


def test_nothing_yet_is_an_answer(engine):
    engine.experiments.create(definition())
    draft = engine.experiments.results("checkout")
    assert draft.verdict == Verdict("cannot_tell", "not_started", "The experiment has not begun.")
    engine.experiments.start("checkout")
    empty = engine.experiments.results("checkout", now=NOW + DAY)
    assert empty.verdict.name == "cannot_tell"
    assert (empty.units, empty.units_per_day, empty.cost_usd) == ({"a": 0, "b": 0}, None, None)
    assert all(isinstance(each, CannotTell) for each in empty.costs.values())
    assert len(empty.series) == 0


def test_segments_add_up_to_all_units(engine, begun):
    verbs = begun()
    play(engine, "checkout")
    (found,) = verbs.segments("checkout", "region")
    assert sum(found.units.values()) == 400
    assert set(found.effects) == {"eu", "us"}
    assert 0 <= found.heterogeneity.p_value <= 1
    with pytest.raises(InputError, match="dimension is one of"):
        verbs.segments("checkout", "shoe size")
    with pytest.raises(InputError) as fault:
        verbs.segments("checkout", "region", "errors")
    assert fault.value.code == "not_offered"


def test_sums_of_workspaces_add_up_to_their_plans(engine, begun):
    verbs = begun()
    play(engine, "checkout")
    (by_workspace,) = verbs.segments("checkout", "workspace")
    (name,) = by_workspace.effects  # everyone is in one workspace
    assert set(verbs.segments("checkout", "plan")[0].effects) == {"unknown"}
    engine.state.insert("workspaces", {
        "workspace_id": name, "name": name, "plan": "pro", "status": "active", "is_demo": False,
        "created_at_utc": START})
    (by_plan,) = verbs.segments("checkout", "plan")
    assert by_plan.units == {"pro": by_workspace.units[name]}
    # sums of floats: a parallel query adds them in any order
    assert dataclasses.astuple(by_plan.effects["pro"]) == approx(
        dataclasses.astuple(by_workspace.effects[name]))


def test_a_reading_as_of_then_knows_nothing_of_later(engine, begun):
    verbs, played = begun(), play(engine, "checkout")
    then = START + dt.timedelta(days=2)
    seen = (played.units["seen_utc"] < then).sum()
    assert sum(verbs.results("checkout", now=then).units.values()) == seen
    assert 0 < seen < 400


def test_an_effect_as_large_as_this_is_found(engine, begun):
    verbs = begun(planned_units=1_000)
    play(engine, "checkout", units=1_000, lift=1.5)
    results = verbs.results("checkout")
    assert (results.verdict.name, results.winner) == ("better", "b")
    read = results.primary.comparisons[0].readings["sequential"]
    # the mean grows from 1.2 to 2.7 payments, by 125 %
    assert read.lower < 1.25 < read.upper
    assert math.isfinite(read.p_value)
