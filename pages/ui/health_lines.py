"""Lines of System health: requests, latency, machines and services over the reader's span."""

import pandas as pd

from analytics import health
from analytics import usage as counts
from analytics.health import Machine
from analytics.thinning import fill_buckets
from pages.ui import data, health_prometheus, usage
from pages.ui.filters import View
from pages.ui.health import PROMETHEUS, source, width_s


def requests(view: View, origin: str) -> pd.DataFrame:
    """Columns bucket_start_utc, rate_per_s and error_pct over the view's span."""
    if origin == PROMETHEUS:
        return health_prometheus.lines(view, width_s(view))[0]
    width = width_s(view)
    if width == usage.width_s(view):
        rows = usage.read(view).line
    else:
        rows = data.query("usage/series", dimension="",
                          **counts.series_params(view.params(), width))
    return health.request_lines(rows, view.span, width, data.now())


def latency(view: View, origin: str) -> pd.DataFrame:
    """p50_ms, p95_ms and p99_ms over the view's span, gaps without requests."""
    if origin == PROMETHEUS:
        return health_prometheus.lines(view, width_s(view))[0]
    width = health.point_width_s(view.span, view.width_s)
    params = counts.latency_params(counts.series_params(view.params(), width))
    rows = data.query("usage/latency_series", **params)
    return fill_buckets(rows, "bucket_start_utc", view.span, width)


def availability(view: View) -> pd.DataFrame:
    """availability_pct over the view's span, gaps without requests; points of a minute or more."""
    width = max(60, usage.width_s(view))
    rows = data.query("health/availability_series", width_s=width,
                      **health.availability_params(view.params()))
    minutes = rows["minutes"].astype("float64")
    return fill_buckets(pd.DataFrame({
        "bucket_start_utc": rows["bucket_start_utc"],
        "availability_pct": 100.0 * (minutes - rows["down_minutes"]) / minutes}),
        "bucket_start_utc", view.span, width)


def machine(view: View, chosen: Machine | None) -> pd.DataFrame:
    """CPU, memory, disk and cache hit ratio that a machine measures, over the view's span."""
    metrics = (*health.GAUGES, "cache_hit_pct")
    if chosen is None:
        return _sampled(view, "", 0, metrics, width_s(view))
    if chosen.origin == "Prometheus":
        return health_prometheus.lines(view, width_s(view), machine=chosen)[0]
    width = health.sample_width_s(view.span, health.point_width_s(view.span, view.width_s),
                                  chosen.stale_after)
    return _sampled(view, chosen.instance, int(chosen.is_demo), metrics, width)


def service(view: View, metric: str, origin: str) -> pd.DataFrame:
    """A service's metric over the view's span, from Prometheus or the samples kept of it."""
    width = width_s(view)
    if origin == PROMETHEUS:
        return health_prometheus.lines(view, width)[0]
    return _sampled(view, source(origin).instance, 0, (metric,), width)


def _sampled(view: View, instance: str, is_demo: int, metrics: tuple[str, ...],
             width: int) -> pd.DataFrame:
    rows = data.query("health/machine_series", start=view.span.start, end=view.span.end,
                      width_s=width, instance=instance, is_demo=is_demo)
    return health.machine_lines(rows, metrics, view.span, width)
