"""``brain load``: questions at a set rate, and whether the platform bears them."""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show

if TYPE_CHECKING:
    from brain.decisions.load_tests import Asked, LoadReport, Regression

_MEANINGS = {
    "smoke": "Ask a few questions, to see that it answers at all.",
    "load": "Ask at the usual rate for a minute, to see that it keeps its promise.",
    "stress": "Raise the rate to four times the usual, to see where it bends.",
    "spike": "Ask five times as much for a moment, to see that it comes back.",
    "scale10": "Raise the rate to ten times the usual, to see whether it still holds."}


def _runner(name: str) -> Callable[[Namespace], int]:
    def run(arguments: Namespace) -> int:
        return run_load(name, arguments)
    return run


def run_load(name: str, arguments: Namespace) -> int:
    """Exit status of a load test: 0 passed, 1 failed."""
    import numpy as np

    from brain.decisions.load_tests import (
        PROFILES,
        compare_load,
        plan_arrivals,
        summarize_load,
    )
    from brain.load_driving import check_address, drive_address
    profile = next(each for each in PROFILES if each.name == name)
    profile = replace(profile, rate_per_s=arguments.rate or profile.rate_per_s,
                      length_s=arguments.seconds or profile.length_s)
    url = arguments.url or _own_address()
    check_address(url, arguments.allow or [])
    rng = np.random.default_rng(arguments.seed)
    asked = drive_address(url, plan_arrivals(profile, rng).tolist(), model=arguments.model,
                          key=arguments.key, timeout_s=arguments.timeout)
    report = summarize_load(name, asked)
    regression = None
    if arguments.baseline:
        regression = compare_load(_read_baseline(arguments.baseline), _times(asked), rng)
    _show(report, regression, asked, arguments)
    return 0 if report.passed and not (regression and regression.is_slower) else 1


def _own_address() -> str:
    from brain import running
    from brain.settings import load
    owner = running.find_owner(load())
    if owner is None:
        raise CommandError("no console runs here; start `brain serve`, or give --url",
                           "no_address", "url")
    return owner.url


def _read_baseline(path: str) -> list[float]:
    try:
        return [float(each) for each in json.loads(Path(path).read_text())["latencies_ms"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is no report of `brain load --out NAME.json`", "not_a_report",
                           "baseline") from error


def _times(asked: "Sequence[Asked]") -> list[float]:
    return [1000 * (each.done_s - each.due_s) for each in asked if not each.error]


def _show(report: "LoadReport", regression: "Regression | None", asked: "Sequence[Asked]",
          arguments: Namespace) -> None:
    values: dict[str, Any] = asdict(report)
    values["regression"] = None if regression is None else asdict(regression)
    if arguments.out:
        form = Path(arguments.out).suffix
        if form not in (".json", ".md", ".prom"):
            raise CommandError("--out takes a name that ends with .json, .md or .prom",
                               "unknown_form", "out")
        text = (json.dumps(values | {"latencies_ms": _times(asked)}) if form == ".json" else
                to_markdown(report, regression) if form == ".md" else to_prometheus(report))
        Path(arguments.out).write_text(text + "\n")
    if arguments.json:
        show(values, True)
    else:
        show(to_markdown(report, regression), False)


def to_markdown(report: "LoadReport", regression: "Regression | None" = None) -> str:
    """The report as a heading, a table and sentences."""
    def ms(value: float | None) -> str:
        return "–" if value is None else f"{value:,.0f} ms"
    told = [f"## Load test: {report.profile}, grade {report.grade}, "
            f"{'passed' if report.passed else 'failed'}", "",
            "| asked | answered | errors | mean | p50 | p95 | p99 | throughput |",
            "|---|---|---|---|---|---|---|---|",
            f"| {report.asked:,} | {report.answered:,} | {report.error_pct:.1f} % | "
            f"{ms(report.mean_ms)} | {ms(report.p50_ms)} | {ms(report.p95_ms)} | "
            f"{ms(report.p99_ms)} | {report.throughput_per_s:,.1f}/s |", ""]
    told += [each.text for each in report.reasons]
    if regression is not None:
        told.append(f"p95 against the baseline: {regression.change:+.1%} "
                    f"({regression.low:+.1%} to {regression.high:+.1%}); "
                    f"{'slower' if regression.is_slower else 'not slower'}.")
    return "\n".join(told)


def to_prometheus(report: "LoadReport") -> str:
    """The figures in Prometheus' text form."""
    label = f'{{profile="{report.profile}"}}'
    figures = {"mean_ms": report.mean_ms, "p50_ms": report.p50_ms, "p95_ms": report.p95_ms,
               "p99_ms": report.p99_ms, "error_pct": report.error_pct,
               "throughput_per_s": report.throughput_per_s, "passed": float(report.passed)}
    return "\n".join(f"brain_load_{name}{label} {value:g}" for name, value in figures.items()
                     if value is not None)


_OPTIONS = (
    Option("--url", "OpenAI-compatible address; the console of this folder without one."),
    Option("--rate", "Questions per second at the start.", kind=float),
    Option("--seconds", "How long.", kind=float),
    Option("--model", "Model to ask for.", default=""),
    Option("--key", "Bearer key to send.", default=""),
    Option("--timeout", "Longest wait for an answer, in seconds.", kind=float, default=30.0),
    Option("--allow", "A host beyond this machine that may be loaded.", many=True,
           metavar="HOST"),
    Option("--baseline", "An earlier report (.json) to compare p95 with.", metavar="FILE"),
    Option("--seed", "Seed of the arrivals.", kind=int, default=1),
    Option("--out", "Write the report to this file: .json, .md or .prom.", metavar="FILE"))
COMMANDS: tuple[Command, ...] = tuple(
    Command("load", name, meaning, _OPTIONS, run=_runner(name))
    for name, meaning in _MEANINGS.items())
