"""Experiments: assignments, results from sums, and the sums of millions of units."""

import resource
from collections.abc import Callable, Iterator

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

from analytics.experiments.analysis import Metric, Rules, analyze
from analytics.experiments.statistics import Mean, Proportion
from brain.decisions.assignment.choosing import Assigner, Experiment, Variant
from brain.decisions.bandits import Arm, BanditPolicy, Chooser, decide_allocation
from tests.bench.measuring import Figure, Plan, forget_peak, peak_bytes, repeat_ms, timed_ms

METRICS = 10
VARIANTS = ("control", "variant-a", "variant-b")
UNITS = 10_000_000
_MADE = """
create table units as
select case hash(range * 3) % 3 when 0 then 'control' when 1 then 'variant-a'
       else 'variant-b' end as variant,
       {columns}
from range($units)
"""
_SUMS = """
select variant, count(*) as n, {columns}
from units group by variant order by variant
"""


def measure(plan: Plan) -> Iterator[Figure]:
    """Assignments and choices per second, results of 3 variants × 10 metrics."""
    assigner = Assigner(Experiment("search-ui-v2", (Variant("control", 50),
                                                    Variant("variant-a", 50))))
    units = [f"3f2504e0-4f89-11d3-9a0c-{number:012d}" for number in range(20_000)]
    yield _rate("assignments", len(units), lambda: [assigner.assign(unit) for unit in units],
                least=200_000)
    chooser = Chooser(decide_allocation([Arm(key, 1_000, hits) for key, hits in zip(
        VARIANTS, (100, 110, 120), strict=True)], BanditPolicy()))
    draws = np.random.default_rng(1).random(20_000).tolist()
    yield _rate("bandit choices", len(draws), lambda: [chooser.choose(draw) for draw in draws],
                least=50_000)
    metrics = _metrics()
    times = repeat_ms(lambda: analyze(metrics, "control", Rules()), 200, warm=20)
    yield Figure("results of an experiment", "3 × 10", "ms", times, "scipy, fixed t-tests alone",
                 timed_ms(lambda: _one_by_one(metrics)), most=2.0,
                 note="three readings, Holm, verdicts, chance to be best")


def measure_sums(plan: Plan) -> Iterator[Figure]:
    """Sufficient statistics of 10 metrics from millions of units, beside pandas."""
    size = UNITS if plan.sizes[-1] >= UNITS else plan.sizes[-1]
    with duckdb.connect() as connection:
        made = ", ".join(
            f"(hash(range * 31 + {place}) % 1000 / 100.0)::double as m{place}, "
            f"(hash(range * 31 + {place}) % 1000 / 200.0 + hash(range * 37 + {place}) % 5)::double "
            f"as p{place}" for place in range(METRICS))
        connection.execute(_MADE.format(columns=made), {"units": size})
        summed = ", ".join(
            f"sum(m{place}) as s{place}, sum(m{place} * m{place}) as ss{place}, "
            f"sum(p{place}) as ps{place}, sum(p{place} * p{place}) as pss{place}, "
            f"sum(m{place} * p{place}) as sp{place}" for place in range(METRICS))
        query = _SUMS.format(columns=summed)
        forget_peak()
        before = _cpu_s()
        times = repeat_ms(lambda: connection.execute(query).fetchall(), 3)
        cpu_ms = (_cpu_s() - before) * 1_000 / 4  # one run does not count, but costs
        peak = peak_bytes()
        peer, peer_ms = "", None
        if size <= 2_000_000:
            frame = connection.execute("select * from units").df()
            peer, peer_ms = "pandas", timed_ms(lambda: _with_pandas(frame))
    yield Figure("sums of an experiment", f"{size:,} × {METRICS}", "ms", times, peer, peer_ms,
                 peak_bytes=peak, note="with the cross products of CUPED")
    yield Figure("sums of an experiment, CPU", f"{size:,} × {METRICS}", "ms", (cpu_ms,),
                 most=2_500.0 * size / UNITS)


def _rate(case: str, count: int, work: Callable[[], object], least: float) -> Figure:
    times = repeat_ms(work, 7)
    return Figure(case, f"{count:,}", "/s", tuple(count / each * 1_000 for each in times),
                  least=least)


def _metrics() -> list[Metric]:
    rng = np.random.default_rng(3)
    made = []
    for number in range(METRICS):
        variants: dict[str, Mean | Proportion] = {}
        for key in VARIANTS:
            hits = int(rng.integers(3_900, 4_100))
            variants[key] = Mean(10_000, float(hits), hits * 3.0) if number % 2 else \
                Proportion(10_000, hits)
        made.append(Metric(f"m{number}", variants))
    return made


def _one_by_one(metrics: list[Metric]) -> None:
    for metric in metrics:
        control = metric.variants["control"]
        for key in VARIANTS[1:]:
            moments = []
            for each in (metric.variants[key], control):
                squares = each.sum_squares if isinstance(each, Mean) else each.sum
                mean = each.sum / each.n
                moments += [mean, (squares / each.n - mean * mean) ** 0.5, each.n]
            stats.ttest_ind_from_stats(*moments, equal_var=False)


def _with_pandas(frame: pd.DataFrame) -> None:
    names = [f"m{place}" for place in range(METRICS)]
    before = [f"p{place}" for place in range(METRICS)]
    groups = frame["variant"]
    frame[names + before].groupby(groups).sum()
    (frame[names + before] ** 2).groupby(groups).sum()
    pd.DataFrame(frame[names].to_numpy() * frame[before].to_numpy()).groupby(groups).sum()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
