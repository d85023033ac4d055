"""What was put into the demonstration can be found in its rows, to within chance."""

import datetime as dt
import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

from brain.demo import world
from brain.demo.sessions import _renew, season
from brain.demo.trials import hash_unit
from tests.datasets import dataset_path

VECTORS = dataset_path("HASH_VECTORS")
SIGMAS = 4.0  # chance of a false alarm 6e-5; the seeds are fixed, so none comes and goes


def moment(text: str) -> pd.Timestamp:
    return pd.Timestamp(dt.datetime.fromisoformat(text))


def within(frame: pd.DataFrame, span: dict[str, str]) -> pd.Series:
    return ((frame["at_utc"] >= moment(span["start_utc"]))
            & (frame["at_utc"] < moment(span["end_utc"])))


def test_outage_fails_that_provider_only(large_history, large_requests):
    outage, requests = large_history.effects["outage"], large_requests
    called = requests[~requests["cached"]]
    inside = within(called, outage)
    theirs = called["provider"] == outage["provider"]
    failed = called["status"] == "error"
    hit = failed[inside & theirs]
    assert len(hit) >= 20
    error = math.sqrt(0.85 * 0.15 / len(hit))
    assert hit.mean() == pytest.approx(outage["error_ratio"], abs=SIGMAS * error)
    assert failed[~inside].mean() == pytest.approx(
        outage["usual_error_ratio"], abs=SIGMAS * math.sqrt(0.005 / len(called)))
    lost = called["error_code"] == "provider_unavailable"
    assert not lost[~(inside & theirs)].any()


def test_failed_requests_cost_nothing(frames):
    failed = frames["requests"].query("status == 'error'")
    tokens = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]
    assert failed[tokens].to_numpy().sum() == 0
    assert (failed["error_code"] != "").all()


def test_cache_misconfiguration_lowers_the_hit_ratio(history, frames):
    fault, requests = history.effects["cache_misconfiguration"], frames["requests"]
    inside = within(requests, fault)
    for chosen, ratio in ((inside, fault["cached_ratio"]), (~inside, fault["usual_cached_ratio"])):
        error = math.sqrt(ratio * (1 - ratio) / chosen.sum())
        assert requests["cached"][chosen].mean() == pytest.approx(ratio, abs=SIGMAS * error)
    samples = frames["metric_samples"].query("metric == 'cache_hit_pct'")
    inside = within(samples, fault)
    assert samples["value"][inside].mean() == pytest.approx(fault["cache_hit_pct"], abs=2)
    assert samples["value"][~inside].mean() == pytest.approx(fault["usual_cache_hit_pct"], abs=1)


def test_cost_spike_multiplies_the_prompts_of_one_workspace(history, frames):
    spike, requests = history.effects["cost_spike"], frames["requests"].query("status == 'ok'")
    prompt = requests[["input_tokens", "cache_read_tokens", "cache_write_tokens"]].sum(axis=1)
    log_prompt = np.log(prompt)
    inside = within(requests, spike)
    theirs = requests["workspace_id"] == spike["workspace_id"]
    hit, usual = log_prompt[inside & theirs], log_prompt[~inside & theirs]
    error = usual.std() * math.sqrt(1 / len(hit) + 1 / len(usual))
    # Sessions keep to one agent, so neighbours resemble each other: three times the error.
    assert hit.mean() - usual.mean() == pytest.approx(
        math.log(spike["prompt_tokens_factor"]), abs=3 * SIGMAS * error)
    others = log_prompt[inside & ~theirs].mean() - log_prompt[~inside & ~theirs].mean()
    assert abs(others) < 0.5


@pytest.mark.parametrize("place", [0, 1])
def test_experiment_effects_are_inside_their_interval(history, frames, place):
    experiment = history.effects["experiments"][place]
    exposed = frames["exposures"].query("experiment_key == @experiment['key']")
    variant_of = exposed.set_index("unit_id")["variant"]
    assert exposed["at_utc"].min() >= moment(experiment["start_utc"])
    for measure in experiment["metrics"]:
        found = frames["outcomes"].query("metric == @measure['metric']")
        assert found["unit_id"].is_unique
        groups = found["value"].groupby(found["unit_id"].map(variant_of))
        for variant, mean in measure["mean"].items():
            values = groups.get_group(variant)
            error = values.std() / math.sqrt(len(values))
            assert values.mean() == pytest.approx(mean, abs=SIGMAS * error)


@pytest.mark.parametrize("place", [0, 1])
def test_variants_get_their_planned_shares(history, frames, place):
    experiment = history.effects["experiments"][place]
    exposed = frames["exposures"].query("experiment_key == @experiment['key']")
    counts = exposed["variant"].value_counts()
    for variant, weight in zip(experiment["variants"], experiment["weights"], strict=True):
        error = math.sqrt(weight * (1 - weight) * len(exposed))
        assert counts[variant] == pytest.approx(weight * len(exposed), abs=SIGMAS * error)


def test_requests_after_an_exposure_name_the_variant(history, frames):
    exposed = frames["exposures"].query("experiment_key == 'response-format'")
    variant_of = exposed.set_index("unit_id")["variant"]
    named = frames["requests"].query("variant != ''")
    assert len(named) > 1_000
    assert (named["variant"] == "response-format:" + named["user_id"].map(variant_of)).all()


@pytest.mark.parametrize(("seed", "unit", "expected"), [
    ("seed", "a", 0.0505), ("seed", "b", 0.2696), ("foo", "ab", 0.2575), ("foo", "def", 0.2019)])
def test_hash_gives_the_published_numbers(seed, unit, expected):
    # GrowthBook SDK specification 0.8.0, hash version 2
    assert hash_unit(seed, [unit, "another"])[0] == expected


@pytest.mark.skipif(not VECTORS.exists(), reason=f"no hash vectors at {VECTORS}")
def test_hash_gives_all_the_published_numbers():
    cases = [c for c in json.loads(VECTORS.read_text())["hash"] if c[2] == 2]
    assert cases
    for seed, unit, _, expected in cases:
        assert hash_unit(seed, [unit])[0] == expected


def test_optimizations_shorten_latency_by_their_factor(large_history, large_requests):
    steps = large_history.effects["optimizations"]
    called = large_requests.query("status == 'ok' and not cached and agent_id == 'coder'")
    called = called[called["at_utc"].dt.day_of_week < 5]
    edges = [called["at_utc"].min(), *(moment(s["at_utc"]) for s in steps),
             pd.Timestamp(large_history.plan.end_utc)]
    levels = []
    for start, end in itertools.pairwise(edges):
        part = called[(called["at_utc"] >= start) & (called["at_utc"] < end)]
        night = part[part["at_utc"].dt.hour.isin([4, 5, 6, 7, 8])]  # load below its mean: no wait
        levels.append(np.log(night["latency_ms"]).groupby(night["model"]).mean())
    for step, before, after in zip(
            steps, levels[:-1], levels[1:], strict=True):
        change = (after - before).drop(index=[m.model for m in world.MODELS if not m.share_ratio],
                                       errors="ignore").mean()
        assert change == pytest.approx(math.log(step["latency_factor"]), abs=0.06)


def test_host_samples_show_the_optimizations(history, frames):
    samples = frames["metric_samples"]
    first, second = (moment(s["at_utc"]) for s in history.effects["optimizations"])
    week = pd.Timedelta(days=7)

    def level(metric: str, start: pd.Timestamp) -> float:
        chosen = samples.query("metric == @metric")
        chosen = chosen[(chosen["at_utc"] >= start) & (chosen["at_utc"] < start + week)]
        return float(chosen["value"].mean())

    assert level("cpu_pct", first) - level("cpu_pct", first - week) == pytest.approx(-7, abs=1)
    assert level("memory_pct", second) - level("memory_pct", second - week) == pytest.approx(
        -9, abs=0.5)
    assert set(samples["instance"]) == {"demo-host-1"}


def test_the_unpriced_model_is_rare_and_stays_in_its_workspace(history, frames):
    unpriced, requests = history.effects["unpriced"], frames["requests"]
    rows = requests[requests["model"] == unpriced["model"]]
    assert 0 < len(rows) / len(requests) < 0.01
    assert set(rows["workspace_id"]) == {unpriced["workspace_id"]}


def test_stars_follow_the_agent(history, frames):
    feedback = frames["feedback"]
    for agent, mean in history.effects["traffic"]["mean_stars"].items():
        stars = feedback["stars"][feedback["agent_id"] == agent]
        assert stars.mean() == pytest.approx(mean, abs=SIGMAS * stars.std() / math.sqrt(len(stars)))
    known = frames["requests"].set_index("event_id")["agent_id"]
    matched = feedback["request_id"].map(known)
    assert matched.notna().mean() > 0.99  # a request just before the history has no row
    assert (matched.dropna() == feedback["agent_id"][matched.notna()]).all()


def test_season_has_mean_one_and_quiet_weekends():
    week = np.arange(7 * 24 * 4) * world.HOUR_US // 4  # begins on a Thursday, 1970-01-01
    load = season(week, 0)
    assert load.mean() == pytest.approx(1.0, abs=1e-9)
    days = load.reshape(7, -1).mean(axis=1)
    working, weekend = days[[0, 1, 4, 5, 6]], days[[2, 3]]
    assert np.ptp(working) == pytest.approx(0, abs=1e-9)
    assert weekend / working[:2] == pytest.approx([0.5948, 0.5948])


def test_requests_follow_day_and_week(large_requests):
    busy = large_requests.query("workspace_id == 'brightwater'")  # UTC+1
    local = busy["at_utc"] + pd.Timedelta(hours=1)
    by_hour = local.dt.hour.value_counts()
    assert by_hour[[11, 12, 13, 14]].sum() > 2 * by_hour[[2, 3, 4, 5]].sum()
    per_day = busy.groupby(local.dt.date).size()
    weekend = pd.to_datetime(pd.Series(per_day.index, per_day.index)).dt.day_of_week >= 5
    assert per_day[weekend].mean() < 0.85 * per_day[~weekend].mean()


@pytest.mark.parametrize("is_bursty", [False, True])
def test_arrivals_come_at_the_expected_rate_even_in_short_spans(is_bursty):
    rng = np.random.default_rng(5)
    counts = [len(_renew(rng, 8.0, is_bursty)) for _ in range(6_000)]
    error = np.std(counts) / math.sqrt(len(counts))
    assert np.mean(counts) == pytest.approx(8.0, abs=SIGMAS * error)
    assert np.var(counts) > 8.0 * 1.1  # more uneven than Poisson, whose variance is the mean


def test_users_are_unequal(large_requests):
    sizes = large_requests.query("workspace_id == 'brightwater'").groupby("user_id")[
        "session_id"].nunique().sort_values(ascending=False)
    top_tenth = sizes.iloc[:len(sizes) // 10].sum() / sizes.sum()
    # ln(1 + 0.1 / 0.02) / ln(1 + 1 / 0.02) = 1.792 / 3.932 = 0.456, of all users
    assert 0.40 < top_tenth < 0.56


def test_sessions_belong_to_one_user_and_keep_within_half_an_hour(frames):
    columns = ["session_id", "user_id", "at_utc"]
    steps = pd.concat([frames[kind][columns] for kind in
                       ("page_views", "requests", "interactions")]).sort_values(columns)
    assert (steps.groupby("session_id")["user_id"].nunique() == 1).all()
    gaps = steps.groupby("session_id")["at_utc"].diff().dropna()
    assert gaps.max() < pd.Timedelta(minutes=30)
    spans = steps.groupby("session_id")["at_utc"].agg(["min", "max"])
    assert (spans["min"].dt.date != spans["max"].dt.date).any()  # some cross midnight


def test_bounces_are_as_many_as_stated(history, frames):
    views = frames["page_views"].groupby("session_id").size()
    other = set(frames["requests"]["session_id"]) | set(frames["interactions"]["session_id"])
    alone = [session for session, count in views.items()
             if count == 1 and session not in other]
    assert len(alone) / len(views) == pytest.approx(
        0.28, abs=SIGMAS * math.sqrt(0.28 * 0.72 / len(views)))


def test_every_request_says_what_was_asked_and_some_workspaces_keep_it(frames):
    requests = frames["requests"]
    assert requests["query_text"].notna().all()
    assert (requests["query_topic"] != "").all()
    assert {w.keeps_text for w in world.WORKSPACES} == {True, False}
