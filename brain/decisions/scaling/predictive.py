"""Predictive scaling as an ordinary HPA: a forecast of load as one more metric, never instead."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analytics.scaling.load_ahead import forecast_peaks
from brain.decisions.scaling.manifests import DEFAULT_CPU_PCT, as_list, as_map
from brain.decisions.scaling.service import Floats, ServiceModel

FORECAST_METRIC = "forecast_pods"
DEFAULT_METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {
    "type": "Utilization", "averageUtilization": DEFAULT_CPU_PCT}}}
"""What the API fills in where a manifest names no metric."""
FALLBACK_RATIO = 0.7
"""Share of a pod that is used up where the forecast is not trusted: as of a plain HPA."""


FORECAST: dict[str, Any] = {"type": "External", "external": {
    "metric": {"name": FORECAST_METRIC}, "target": {"type": "AverageValue", "averageValue": "1"}}}
"""The External metric of a manifest: one pod for each that the forecast asks for.

The HPA takes the largest of its metrics, so it never goes below what the others ask for. Whole
pods are told, since its tolerance would swallow the last part of one.
"""


def add_forecast(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the forecast as one more metric."""
    spec = as_map(manifest.get("spec"), "spec")
    given = as_list(spec.get("metrics"), "spec.metrics") or [DEFAULT_METRIC]
    return {**manifest, "spec": {**spec, "metrics": [*given, FORECAST]}}


def publish_forecast(read_rps: Floats, step_s: float, model: ServiceModel, level: float) -> Floats:
    """What the metric tells at each step: pods for the load that ``level`` of the peaks stay under.

    The peaks are those of the time in which a pod asked for now would start. Where the forecast
    erred lately as much as persistence, the load of now at 70 % use takes its place; NaN, a failed
    metric, where the reading was none: then the HPA does not scale down.
    """
    seen = forecast_peaks(read_rps, step_s, model.start_s + step_s, level)
    now = np.where(seen.outage, 0.0, np.nan_to_num(read_rps)) / FALLBACK_RATIO
    load = np.where(np.isnan(seen.upper), now, seen.upper)
    return np.where(seen.outage, np.nan, np.ceil(load / model.pod_rps - 1e-9))
