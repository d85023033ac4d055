"""What a pod should request by what the machines used, and what that saves."""

import datetime as dt

import pandas as pd
import streamlit as st

from brain.scaling import sizing
from brain.scaling.plans import ScalingPlan
from pages.ui import data, scaling_now, tables
from pages.ui.filters import View

BUCKET_S = 300
LONGEST = dt.timedelta(days=8)
MOST_INSTANCES = 20


def draw(view: View, plan: ScalingPlan) -> None:
    """A row per instance with samples of CPU and memory in the last eight days of the range."""
    end = scaling_now.shared_end(view)
    start = max(view.span.start, end - LONGEST)
    if end <= start:
        st.caption("This range has not begun.")
        return
    instances = data.query("health/instances", start=start, end=end, metric="cpu_pct")
    rows = []
    for each in instances.head(MOST_INSTANCES).to_dict("records"):
        found = sizing.size_pods(plan, _samples(start, end, each["instance"], each["is_demo"]),
                                 each["instance"])
        if found is not None:
            rows.append({
                "instance": found.instance, "cpu_now": found.cpu_now_milli, "cpu": found.cpu_milli,
                "cpu_range": "{:,} to {:,}".format(*found.cpu_range_milli),
                "memory_now": found.memory_now_mib, "memory": found.memory_mib,
                "memory_range": "{:,} to {:,}".format(*found.memory_range_mib),
                "saving": found.saving_usd_per_month, "samples": found.samples})
    if not rows:
        st.caption("No machine sent an hour of CPU and memory in this range: there is nothing to "
                   "size a pod by.")
        return
    tables.show(pd.DataFrame(rows), "right size", {
        "instance": "Machine or pod", "cpu_now": "CPU now (m)", "cpu": "CPU wanted (m)",
        "memory_now": "Memory now (MiB)", "memory": "Memory wanted (MiB)",
        "saving": "Saves (USD a month)", "cpu_range": "CPU bounds (m)",
        "memory_range": "Memory bounds (MiB)", "samples": "Samples"},
        {"cpu_now": "count", "cpu": "count", "memory_now": "count", "memory": "count",
         "saving": "usd", "samples": "count"}, helps={
             "cpu": "90 of 100 samples needed no more, and 15 % margin; at least 250 m.",
             "memory": "90 of 100 daily peaks needed no more, and 15 % margin.",
             "cpu_range": "Wide while the history is short.",
             "saving": "Per pod in 730 hours, at the policy's price of a pod, half of which is "
                       "taken for CPU and half for memory. Below 0 it costs more.",
             "samples": "Means of five minutes; memory counts by its peak."})
    shared = sizing.conflicts(plan)
    st.caption("Use is taken as a share of what the policy says that a pod requests."
               + (f" The autoscaler scales on {' and '.join(shared)}: a vertical autoscaler may "
                  "only recommend these (mode Off), or both would work against each other."
                  if shared else ""))


def _samples(start: dt.datetime, end: dt.datetime, instance: str, is_demo: int) -> pd.DataFrame:
    rows = data.query("health/machine_series", start=start, end=end, width_s=BUCKET_S,
                      instance=instance, is_demo=is_demo)
    cpu = rows[rows["metric"] == "cpu_pct"].set_index("bucket_start_utc")["mean_value"]
    memory = rows[rows["metric"] == "memory_pct"].set_index("bucket_start_utc")["highest_value"]
    return pd.DataFrame({"cpu_pct": cpu, "memory_pct": memory}).rename_axis(
        "at_utc").reset_index()
