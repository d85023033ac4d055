"""``python -m tests.bench``: runs the cases and prints one table."""

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator

from tests.bench import (
    anomalies,
    bandits,
    experiments,
    forecasting,
    gateway,
    ingest,
    knowledge,
    models,
    page_data,
    pricing,
    refresh,
    rollup,
    scaling,
    scaling_replay,
    serving,
    startup,
    verdicts,
)
from tests.bench.measuring import Figure, Plan, show

CASES: tuple[tuple[str, Callable[[Plan], Iterator[Figure]]], ...] = (
    ("startup", startup.measure),
    ("anomalies", anomalies.measure),
    ("bandits", bandits.measure),
    ("experiments", experiments.measure),
    ("experiment_sums", experiments.measure_sums),
    ("models", models.measure),
    ("scaling", scaling.measure),
    ("scaling_replay", scaling_replay.measure),
    ("page_data", page_data.measure),
    ("drill_down", page_data.measure_drill_down),
    ("rollup", rollup.measure),
    ("rollup_month", rollup.measure_month),
    ("pricing", pricing.measure),
    ("ingest_http", ingest.measure_http),
    ("ingest_parquet", ingest.measure_parquet),
    ("serving", serving.measure),
    ("forecasting", forecasting.measure),
    ("refresh", refresh.measure),
    ("ask", gateway.measure),
    ("ask_http", gateway.measure_http),
    ("guard", knowledge.measure_guard),
    ("cache", knowledge.measure_cache),
    ("knowledge", knowledge.measure_knowledge),
    ("verdicts", verdicts.measure),
)
SIZES = (1_000_000, 20_000_000)


def main() -> int:
    """Exit status: 0 if every figure is what it must be, else 1."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name contains this: "
                        + ", ".join(name for name, _ in CASES))
    parser.add_argument("--events", type=int, default=0,
                        help="a further store size, such as 100000000")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    plan = Plan(tuple(sorted({*SIZES[:1], chosen.events or SIZES[1]} if chosen.only
                             else {*SIZES, *([chosen.events] if chosen.events else [])})))
    figures: list[Figure] = []
    broken: list[str] = []
    for name, measure in CASES:
        if chosen.only in name:
            started = time.monotonic()
            try:
                figures.extend(measure(plan))
            except Exception as fault:  # the other cases are still worth having
                traceback.print_exc()
                broken.append(f"{name}: {fault}")
            print(f"  ({name}: {time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
    if chosen.json:
        print(json.dumps({"machine": describe_machine(),
                          "figures": [each.as_json() for each in figures]}, indent=2))
    else:
        print(f"{describe_machine()}\n\n{show(figures)}")
    for line in broken:
        print(f"BROKEN {line}", file=sys.stderr)
    return int(bool(broken) or any(each.verdict == "MISSED" for each in figures))


def describe_machine() -> str:
    """Processor, cores and Python of this machine, and how busy it was."""
    return (f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
