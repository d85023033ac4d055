"""Experiments as people read them: names, effects, verdicts and states in words."""

import math
from dataclasses import dataclass
from decimal import Decimal

from analytics.experiments.analysis import Comparison, Method, Reading
from analytics.experiments.effects import Effect
from analytics.experiments.health import HealthCheck
from analytics.experiments.statistics import CannotTell
from analytics.experiments.verdict import Verdict
from analytics.experiments.worth import MonthlyWorth
from brain.decisions.experiment import Experiment, MetricDefinition
from brain.experiments.results import MetricResults, Results
from pages.ui import cards, format

METHODS: dict[Method, str] = {"sequential": "Sequential", "fixed": "Fixed horizon",
                              "bayesian": "Bayesian", "group_sequential": "Group sequential"}
MEANINGS: dict[Method, str] = {
    "sequential": "Anytime-valid interval: right at every look, however often you look.",
    "fixed": "Welch's t interval: right for one look at a moment fixed beforehand.",
    "bayesian": "95 % of the posterior under a flat prior."}
STATES: dict[str, tuple[str, cards.Colour]] = {
    "draft": (":material/edit_note:", "gray"), "running": (":material/play_arrow:", "green"),
    "paused": (":material/pause:", "orange"), "stopped": (":material/stop:", "gray"),
    "decided": (":material/gavel:", "gray")}
VERDICTS: dict[str, str] = {
    "better": "Better", "worse": "Worse", "no_difference": "No difference",
    "not_worse": "Not worse", "cannot_tell_yet": "Cannot tell yet",
    "cannot_tell": "Cannot tell", "invalid": "Not valid"}
CHECKS: dict[str, str] = {
    "sample_ratio": "Sample ratio", "crossed_units": "Units in two variants",
    "missing_exposures": "Missing exposures", "difference_before": "Difference before",
    "novelty": "Trend over time", "bandit_shares": "Changing shares"}
_STATUSES = {"ok": "ok", "warning": "warning", "failed": "critical", "unknown": "unknown"}
_WORDS = {"higher": ("higher", "lower"), "lower": ("lower", "higher")}
_FIRST = ("running", "paused", "draft", "stopped", "decided")
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Lead:
    """The treatment that does best in the primary metric, and how it is read."""

    comparison: Comparison
    reading: Reading
    effect: Effect


def variant_name(experiment: Experiment, key: str) -> str:
    """A variant's name, its key where it has none."""
    return next((each.name or each.key for each in experiment.variants if each.key == key), key)


def variant_names(experiment: Experiment) -> dict[str, str]:
    """Name of every variant by its key."""
    return {each.key: each.name or each.key for each in experiment.variants}


def metric_name(metric: MetricDefinition) -> str:
    """A metric's name, its key where it has none."""
    return metric.name or metric.key.replace("_", " ").capitalize()


def origin(experiment: Experiment) -> str:
    """Where an experiment comes from: Demo, Imported, or nothing for one's own."""
    if experiment.is_demo:
        return "Demo"
    return "Imported" if experiment.is_imported else ""


def rank(experiment: Experiment) -> tuple[int, str]:
    """Where an experiment stands in lists: running ones first, imported ones last."""
    if experiment.is_imported:
        return len(_FIRST), experiment.key
    return _FIRST.index(experiment.state), experiment.key


def days(results: Results) -> float | None:
    """Days that an experiment has run, None before it began."""
    if results.start_utc is None:
        return None
    end = results.experiment.stopped_at_utc or results.experiment.decided_at_utc or results.at_utc
    return max(0.0, (min(end, results.at_utc) - results.start_utc).total_seconds() / _DAY_S)


def effect_text(value: float, is_relative: bool = True) -> str:
    """An effect with sign: "+4.2 %" where relative, "+0.31" else."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if not is_relative:
        return f"{value:+,.4g}"
    pct = value * 100
    return f"{pct:+,.1f} %" if abs(pct) >= 1 else f"{pct:+,.2f} %"


def interval_text(reading: Reading | None, is_relative: bool = True) -> str:
    """An interval: "+1.2 % to +7.3 %"; "unknown" where there is none."""
    if reading is None:
        return format.UNKNOWN
    return (f"{effect_text(reading.lower, is_relative)} to "
            f"{effect_text(reading.upper, is_relative)}")


def led_by(results: Results) -> Method:
    """The reading that decides this experiment."""
    return results.rules.method


def find_lead(results: Results) -> Lead | None:
    """The winner, else the treatment with the best estimate of the primary metric."""
    primary, found = results.primary, []
    for each in primary.comparisons:
        reading = each.readings.get(led_by(results))
        if isinstance(each.effect, Effect) and reading is not None:
            found.append(Lead(each, reading, each.effect))
    sign = 1 if primary.definition.better == "higher" else -1
    return max(found, default=None, key=lambda each: (
        each.comparison.variant == primary.winner, sign * each.effect.estimate))


def verdict_text(verdict: Verdict) -> str:
    """A verdict in a word or two."""
    return VERDICTS[verdict.name]


def sentence(results: Results) -> str:
    """The verdict on an experiment in one sentence, in Markdown."""
    experiment, verdict, lead = results.experiment, results.verdict, find_lead(results)
    metric = metric_name(results.primary.definition)
    if verdict.name == "invalid":
        failed = ", ".join(check_name(each) for each in results.checks if each.status == "failed")
        return f"**No verdict.** A health check failed ({failed}): find its cause first."
    if experiment.state == "draft":
        return "**Not begun.** Start it below; results appear as units come."
    if lead is None or verdict.name == "cannot_tell":
        return f"**Cannot tell.** {verdict.text}"
    name = variant_name(experiment, lead.comparison.variant)
    control = variant_name(experiment, experiment.control)
    effect = (f"{effect_text(lead.effect.estimate, lead.effect.is_relative)} in {metric} against "
              f"{control} ({METHODS[led_by(results)].lower()} interval "
              f"{interval_text(lead.reading, lead.effect.is_relative)})")
    if verdict.name == "better":
        return f"**{name} is better:** {effect}."
    if verdict.name == "worse":
        return f"**{name} is worse:** {effect}."
    if verdict.name == "no_difference":
        return f"**No difference that matters:** {name} has {effect}. {verdict.text}"
    if verdict.name == "not_worse":
        return f"**{name} is not worse:** {effect}. {verdict.text}"
    return f"**Cannot tell yet:** {name} has {effect}. {wait_text(results)}"


def wait_text(results: Results) -> str:
    """How long an open question will likely take."""
    if results.experiment.state not in ("running", "paused") or not results.days_to_decide:
        return "More units would be needed." if results.experiment.state != "running" else \
            "How long it will take cannot be told yet."
    left = min(results.days_to_decide.values())
    if left < 1:
        return "Likely decided within a day."
    return f"Likely decided in about {left:,.0f} more days, if units come as so far."


def worst_check(checks: tuple[HealthCheck, ...]) -> str:
    """Status of a card for the worst of the checks: critical, warning, ok or unknown."""
    statuses = {_STATUSES[each.status] for each in checks}
    for status in ("critical", "warning", "ok"):
        if status in statuses:
            return status
    return "unknown"


def check_status(check: HealthCheck) -> str:
    """A check's status as cards show it."""
    return _STATUSES[check.status]


def check_name(check: HealthCheck) -> str:
    """A check's name."""
    return CHECKS.get(check.code, check.code.replace("_", " ").capitalize())


def money_text(worth: MonthlyWorth | CannotTell | None) -> str:
    """USD per month with its interval; "unknown" where it cannot be told."""
    if not isinstance(worth, MonthlyWorth):
        return format.UNKNOWN
    return f"{_usd(worth.usd)} ({_usd(worth.lower_usd)} to {_usd(worth.upper_usd)})"


def better_text(metric: MetricResults | MetricDefinition) -> str:
    """Which way is good: "higher is better"."""
    definition = metric.definition if isinstance(metric, MetricResults) else metric
    return f"{_WORDS[definition.better][0]} is better"


def _usd(amount: float) -> str:
    if not math.isfinite(amount):
        return "∞" if amount > 0 else "−∞"
    size = format.usd(Decimal(str(round(abs(amount), 6)))).removesuffix(" USD")
    return f"{'+' if amount >= 0 else '−'}{size}"
