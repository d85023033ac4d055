"""A policy on the platform's own past load, beside other settings and its bounds."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brain.decisions.reasons import InputError
from brain.decisions.scaling.manifests import HpaPolicy, Metric, read_hpa
from brain.decisions.scaling.predictive import FORECAST, publish_forecast
from brain.decisions.scaling.replay import (
    Load,
    Replay,
    find_needed,
    replay_oracle,
    replay_policy,
    replay_static,
)
from brain.decisions.scaling.service import NO_COURSE
from brain.decisions.scaling.tuning import Goal, Tuning, tune_policy
from brain.scaling.plans import ScalingPlan
from brain.scaling.present import for_replay

if TYPE_CHECKING:
    from brain.scaling.desk import ScalingDesk

STEP_S = 15
CPU_TARGETS = (40, 50, 60, 70, 80, 90)
"""CPU utilizations of the plain HPAs that make up the curve."""
TODAY, CHOSEN, ORACLE, STATIC, FORECASTED = "today", "chosen", "oracle", "static", "forecast"
FORECAST_LEVEL = 0.9
"""Share of the coming peaks that the forecast of a comparison stays above."""
FORECAST_NEEDS_S = 2 * 86_400
"""Load that a forecast needs before it can be told from persistence."""
MINUTE_BUCKETS_UP_TO = dt.timedelta(days=8)
LONGEST = dt.timedelta(days=31)
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Comparison:
    """Accounts of one load: ``today`` and ``chosen`` policy, plain HPAs, static count, oracle.

    ``forecast`` is the chosen policy with a forecast of load as one more metric, None where the
    load is too short for one. ``left_out`` are metrics of the chosen policy that a replay does not
    know.
    """

    today: Replay
    chosen: Replay
    forecast: Replay | None
    curve: tuple[Replay, ...]
    static: Replay
    oracle: Replay
    left_out: tuple[Metric, ...]
    load: Load
    step_s: int

    @property
    def all(self) -> tuple[Replay, ...]:
        """Every account, the chosen one first."""
        ahead = () if self.forecast is None else (self.forecast,)
        return (self.chosen, self.today, *ahead, *self.curve, self.static, self.oracle)


def compare(load: Load, today: ScalingPlan, chosen: ScalingPlan) -> Comparison:
    """Both policies on one load in steps of STEP_S, in the service of the chosen one.

    Raises InputError where a policy has no metric that a replay knows.
    """
    model = chosen.service
    policies = {TODAY: _replayable(today), CHOSEN: _replayable(chosen)}
    own = policies[CHOSEN]
    curve = tuple(replay_policy(load, STEP_S, model, _plain(own, target),
                                name=f"HPA at {target} % CPU") for target in CPU_TARGETS)
    now = replay_policy(load, STEP_S, model, policies[TODAY], name=TODAY)
    edited = (replace(now, name=CHOSEN) if own == policies[TODAY] else
              replay_policy(load, STEP_S, model, own, name=CHOSEN))
    return Comparison(
        now, edited, _foresee(load, chosen, own), curve,
        replace(replay_static(load, STEP_S, model), name=STATIC),
        replace(replay_oracle(load, STEP_S, model), name=ORACLE),
        for_replay(chosen.policy)[1], load, STEP_S)


@dataclass(frozen=True, slots=True)
class Past:
    """A comparison small enough to keep: the accounts without their counts, and a line.

    ``line`` has at_utc, load_rps (mean), needed, chosen, today (largest replicas of the point).
    ``factor`` is what traffic was multiplied by, ``width_s`` over how long it was averaged.
    """

    accounts: tuple[Replay, ...]
    line: pd.DataFrame
    left_out: tuple[Metric, ...]
    factor: float
    width_s: int
    start: dt.datetime
    requests: float


def look_back(desk: "ScalingDesk", today: ScalingPlan, chosen: ScalingPlan, start: dt.datetime,
              end: dt.datetime, factor: float | None = None) -> Past:
    """Both policies on the recorded load of at most the last 31 days of [start, end).

    Without ``factor`` traffic is multiplied as `suggest_factor` says. Raises InputError where a
    policy has no metric that a replay knows.
    """
    start = max(start, end - LONGEST)
    if factor is None:
        plain = desk.trace(start, end, bucket_s(end - start, 2), STEP_S)
        factor = suggest_factor(plain, chosen)
    width_s = bucket_s(end - start, factor)
    load = desk.trace(start, end, width_s, STEP_S, factor)
    found = compare(load, today, chosen)
    first = start - (start - dt.datetime(2000, 1, 1, tzinfo=dt.UTC)) % dt.timedelta(
        seconds=width_s)
    return Past(tuple(replace(each, replicas=np.empty(0, dtype=np.int64)) for each in found.all),
                _thin(found, chosen, first), found.left_out, factor, width_s, first,
                float(load.sum()) * STEP_S)


def _thin(found: Comparison, plan: ScalingPlan, first: dt.datetime) -> pd.DataFrame:
    steps = len(found.load)
    size = -(-steps // MOST_POINTS)
    begins = np.arange(0, steps, size)

    def highest(counts: np.ndarray) -> np.ndarray:
        return np.maximum.reduceat(counts, begins)
    lengths = np.diff(np.append(begins, steps))
    return pd.DataFrame({
        "at_utc": pd.Timestamp(first) + pd.to_timedelta(begins * found.step_s, unit="s"),
        "load_rps": np.add.reduceat(found.load, begins) / lengths,
        "needed": highest(find_needed(found.load, plan.service)),
        "chosen": highest(found.chosen.replicas), "today": highest(found.today.replicas)})


def tune_back(desk: "ScalingDesk", plan: ScalingPlan, start: dt.datetime, end: dt.datetime,
              goal: Goal, *, predictive: bool, factor: float) -> Tuning:
    """Better parameters of a policy, found on the first part of [start, end), judged on the rest.

    The last third is held out, at least a day of it. Metrics that a replay does not know stand in
    the manifest as they were. Raises InputError for a span under two days, or a policy without a
    metric that a replay knows.
    """
    start = max(start, end - LONGEST)
    load = desk.trace(start, end, bucket_s(end - start, factor), STEP_S, factor)
    held_out_s = max(86_400.0, len(load) * STEP_S // 3)
    left_out = set(for_replay(plan.policy)[1])
    spec = plan.manifest["spec"]
    metrics = list(zip(spec.get("metrics", ()), plan.policy.metrics, strict=False))
    known = [given for given, read in metrics if read not in left_out]
    others = [given for given, read in metrics if read in left_out]
    _replayable(plan)
    found = tune_policy(load, STEP_S, plan.service,
                        {**plan.manifest, "spec": {**spec, "metrics": known}}, held_out_s,
                        goal=goal, predictive=predictive)
    tuned = found.manifest["spec"]
    return replace(found, manifest={**found.manifest, "spec": {
        **tuned, "metrics": [*tuned["metrics"], *others]}})


def bucket_s(length: dt.timedelta, factor: float) -> int:
    """Seconds over which load is averaged: minutes, but quarter hours for multiplied traffic.

    Multiplying a few requests would multiply the noise of their arrival too.
    """
    if factor > 1:
        return 900
    return 60 if length <= MINUTE_BUCKETS_UP_TO else 300


def suggest_factor(load: Sequence[float] | Load, plan: ScalingPlan) -> float:
    """1, 2 or 5 times the power of ten by which the busy hours need half of the policy's pods.

    1 for a load that needs more than the smallest count by itself, or none at all. Busy is the
    95th percentile, so that a lone peak does not decide.
    """
    known = np.asarray(load, dtype=np.float64)
    known = known[known > 0]
    policy = plan.policy
    if not len(known) or int(find_needed(known.max(keepdims=True),
                                         plan.service)[0]) > policy.min_replicas:
        return 1.0
    wanted = policy.max_replicas * plan.pod_rps / 2 / float(np.quantile(known, 0.95))
    power = 10.0 ** np.floor(np.log10(max(1.0, wanted)))
    return float(power * max(step for step in (1, 2, 5) if step * power <= max(1.0, wanted)))


def _foresee(load: Load, plan: ScalingPlan, policy: HpaPolicy) -> Replay | None:
    if len(load) * STEP_S < FORECAST_NEEDS_S:
        return None
    metric = read_hpa({**plan.manifest, "spec": {**plan.manifest["spec"],
                                                 "metrics": [FORECAST]}}).metrics[0]
    told = publish_forecast(np.asarray(load, dtype=np.float64), STEP_S, plan.service,
                            FORECAST_LEVEL)
    return replay_policy(load, STEP_S, plan.service,
                         replace(policy, metrics=(*policy.metrics, metric)), name=FORECASTED,
                         course=replace(NO_COURSE, external=told))


def _replayable(plan: ScalingPlan) -> HpaPolicy:
    policy, _ = for_replay(plan.policy)
    if policy is None:
        raise InputError("not_replayable", "a replay knows CPU utilization and requests per "
                         "second; this policy has neither", "metrics")
    return policy


def _plain(policy: HpaPolicy, target_pct: int) -> HpaPolicy:
    return replace(policy, behavior=None, metrics=(Metric(
        "Resource", "cpu", target_type="Utilization", utilization_pct=target_pct),))
