"""HPA parameters found on past days, judged on later ones, handed out as an ordinary manifest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.manifests import Metric, as_list, as_map, read_hpa
from brain.decisions.scaling.predictive import (
    DEFAULT_METRIC,
    add_forecast,
    publish_forecast,
)
from brain.decisions.scaling.replay import (
    Load,
    Replay,
    check_trace,
    replay_oracle,
    replay_policy,
)
from brain.decisions.scaling.service import (
    NO_COURSE,
    Course,
    Floats,
    ServiceModel,
    is_rate,
)

Goal = Literal["save", "protect"]

TARGETS_PCT = (60, 65, 70, 75, 80, 85)
DOWN_WINDOWS_S = (120, 180, 300, 600, 900)
LEVELS = (0.7, 0.8, 0.9, 0.95, 0.98)
GUARDS_PCT = (80, 85)
"""With a forecast the other metrics only guard."""
MOST_ACTIONS_RATIO = 1.5
MOST_COST_RATIO = 1.03
MARGIN_RATIO = 0.9
"""A choice must miss this much less on the past than is allowed, as the future is less kind."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """What is tuned: use of a pod, stabilization windows, and the quantile of a forecast."""

    target_pct: int
    down_window_s: int
    up_window_s: int = 0
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Parameters and their account on the past."""

    knobs: Knobs
    seen: Replay


@dataclass(frozen=True, slots=True)
class Span:
    """Accounts on the same days: the policy as it was, as tuned, and the oracle."""

    days: float
    before: Replay
    tuned: Replay
    oracle: Replay

    @property
    def saved_pct(self) -> float:
        """Pod-hours saved, per 100 of the policy as it was."""
        return 100 * (1 - self.tuned.pod_hours / self.before.pod_hours)

    @property
    def gap_closed_pct(self) -> float | None:
        """Part of the pod-hours between the policy and the oracle; None where none lie there."""
        gap = self.before.pod_hours - self.oracle.pod_hours
        return 100 * (self.before.pod_hours - self.tuned.pod_hours) / gap if gap > 0 else None


@dataclass(frozen=True, slots=True)
class Tuning:
    """The manifest to use, its evidence, and whether the held-out days bear it out."""

    manifest: dict[str, Any]
    knobs: Knobs | None
    is_better: bool
    train: Span
    held_out: Span
    trials: tuple[Trial, ...]
    reasons: tuple[Reason, ...]


def turn(manifest: Mapping[str, Any], knobs: Knobs, model: ServiceModel) -> dict[str, Any]:
    """The manifest with these parameters; rates per pod follow the use of a pod.

    With a ``level`` the forecast is added as a metric. Other metrics and policies stay.
    """
    spec = as_map(manifest.get("spec"), "spec")
    given = as_list(spec.get("metrics"), "spec.metrics") or [DEFAULT_METRIC]
    behavior = as_map(spec.get("behavior"), "spec.behavior")
    windows = {"scaleUp": knobs.up_window_s, "scaleDown": knobs.down_window_s}
    turned = {**manifest, "spec": {
        **spec, "metrics": [_aim(metric, read, knobs.target_pct, model) for metric, read
                            in zip(given, read_hpa(manifest).metrics, strict=True)],
        "behavior": {direction: {**as_map(behavior.get(direction), "spec.behavior"),
                                 "stabilizationWindowSeconds": window_s}
                     for direction, window_s in windows.items()}}}
    return turned if knobs.level is None else add_forecast(turned)


def _aim(metric: Mapping[str, Any], read: Metric, target_pct: int,
         model: ServiceModel) -> Mapping[str, Any]:
    if read.type == "Resource" and read.name == "cpu":
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": target_pct}
        return {**metric, "resource": {**metric["resource"], "target": target}}
    if is_rate(read):
        target = {"type": "AverageValue",
                  "averageValue": f"{round(model.pod_rps * target_pct * 10)}m"}
        return {**metric, "pods": {**metric["pods"], "target": target}}
    return metric


def tune_policy(load: Sequence[float] | Load, step_s: float, model: ServiceModel,
                manifest: Mapping[str, Any], held_out_s: float, *, goal: Goal = "save",
                predictive: bool = False) -> Tuning:
    """The best parameters on all but the last ``held_out_s``, judged on those alone.

    "save" looks for the fewest pod-hours at no more objective minutes or lost requests, "protect"
    for the fewest objective minutes at no more than 3 % more pod-hours; both at no more than 1.5
    times the actions. ``predictive`` adds the forecast. Raises InputError for a trace that leaves
    no day on either side, or a manifest that cannot be replayed.
    """
    load = check_trace(load, step_s, model)
    border = len(load) - round(held_out_s / step_s)
    day = 86_400 / step_s
    if not (border >= day and len(load) - border >= day):
        raise InputError("trace_too_short", "tuning needs at least a day to learn from and a day "
                         "held out", "held_out_days")
    as_map(manifest, "manifest")
    as_list(as_map(manifest.get("spec"), "spec").get("metrics"), "spec.metrics")
    runner = _Runner(load, step_s, model, manifest)
    past, coming = slice(0, border), slice(border, None)
    before = runner.run(None, past)
    rules = read_hpa(manifest).behavior
    up_window_s = 0 if rules is None else int(rules.scale_up.window_s or 0)
    trials = _search(lambda knobs: Trial(knobs, runner.run(knobs, past)), before, goal,
                     LEVELS if predictive else (None,), up_window_s)
    best = choose(trials, before, goal)
    knobs = best.knobs if best else None
    spans = []
    for part, first in ((past, before), (coming, runner.run(None, coming))):
        days = len(load[part]) / day
        spans.append(Span(days, first, first if knobs is None else runner.run(knobs, part),
                          replay_oracle(load[part], step_s, model)))
    train, held_out = spans
    tuned = dict(manifest) if knobs is None else turn(manifest, knobs, model)
    is_better, reasons = _judge(knobs, held_out, goal)
    if knobs is not None:
        tuned["metadata"] = {**as_map(tuned.get("metadata"), "metadata"), "annotations": {
            **as_map(as_map(tuned.get("metadata"), "metadata").get("annotations"), "annotations"),
            "brain-console/evidence": " ".join(each.text for each in reasons)}}
    return Tuning(tuned, knobs, is_better, train, held_out, tuple(trials), reasons)


class _Runner:
    """Replays with parameters; forecasts are made once per level over the whole trace."""

    def __init__(self, load: Load, step_s: float, model: ServiceModel,
                 manifest: Mapping[str, Any]) -> None:
        self._load, self._step_s, self._model, self._manifest = load, step_s, model, manifest
        self._published: dict[float, Floats] = {}

    def run(self, knobs: Knobs | None, part: slice) -> Replay:
        """The account on a part of the trace; without parameters that of the manifest as it is."""
        if knobs is None:
            policy, course = read_hpa(self._manifest), NO_COURSE
        else:
            policy, course = read_hpa(turn(self._manifest, knobs, self._model)), NO_COURSE
            if knobs.level is not None:  # a forecast looks back only, so the parts may share it
                course = Course(external=self._publish(knobs.level)[part])
        return replay_policy(self._load[part], self._step_s, self._model, policy, course=course)

    def _publish(self, level: float) -> Floats:
        if level not in self._published:
            self._published[level] = publish_forecast(self._load, self._step_s, self._model, level)
        return self._published[level]


def _search(run: Callable[[Knobs], Trial], before: Replay, goal: Goal,
            levels: Sequence[float | None], up_window_s: int) -> list[Trial]:
    """A sweep over the grid, then steps around the best while they help."""
    seen: dict[Knobs, Trial] = {}

    def look(knobs: Knobs) -> None:
        if knobs not in seen and 40 <= knobs.target_pct <= 90 and (
                0 <= knobs.down_window_s <= 3_600):
            seen[knobs] = run(knobs)
    for level in levels:
        for target_pct in TARGETS_PCT if level is None else GUARDS_PCT:
            for down_window_s in DOWN_WINDOWS_S if level is None else DOWN_WINDOWS_S[1:4]:
                look(Knobs(target_pct, down_window_s, up_window_s, level))
    best = choose(seen.values(), before, goal)
    while best is not None:
        for knobs in _around(best.knobs, max(30, up_window_s)):
            look(knobs)
        better = choose(seen.values(), before, goal)
        if better is best:
            break
        best = better
    return list(seen.values())


def _around(knobs: Knobs, up_window_s: int) -> list[Knobs]:
    found = [replace(knobs, target_pct=knobs.target_pct + step) for step in (-2, 2)]
    found += [replace(knobs, down_window_s=round(knobs.down_window_s * ratio / 15) * 15)
              for ratio in (0.8, 1.25)]
    found.append(replace(knobs, up_window_s=up_window_s - knobs.up_window_s))
    if knobs.level is not None:
        found += [replace(knobs, level=round(level, 3)) for step in (-0.02, 0.02)
                  if 0.5 <= (level := knobs.level + step) <= 0.99]
    return found


def choose(trials: Iterable[Trial], before: Replay, goal: Goal) -> Trial | None:
    """The best trial that keeps to the limits of the goal; None where none is better."""
    def allowed(seen: Replay) -> bool:
        if seen.actions > MOST_ACTIONS_RATIO * before.actions:
            return False
        if goal == "protect":
            return seen.pod_hours <= MOST_COST_RATIO * before.pod_hours
        return (seen.objective_minutes <= MARGIN_RATIO * before.objective_minutes
                and seen.lost <= before.lost)

    def order(seen: Replay) -> tuple[float, float]:
        missed, hours = seen.objective_minutes, seen.pod_hours
        return (missed, hours) if goal == "protect" else (hours, missed)
    fitting = [each for each in trials if allowed(each.seen)]
    best = min(fitting, key=lambda each: order(each.seen), default=None)
    return best if best is not None and order(best.seen) < order(before) else None


def _judge(knobs: Knobs | None, span: Span, goal: Goal) -> tuple[bool, tuple[Reason, ...]]:
    if knobs is None:
        return False, (Reason("NothingBetter", "No parameters did better on the past within the "
                              "limits: the policy stays as it is."),)
    before, tuned = span.before, span.tuned
    share = "" if span.gap_closed_pct is None else (
        f" ({span.gap_closed_pct:.0f} % of what lies between it and the oracle)")
    told = Reason("HeldOut", f"On {span.days:.0f} held-out days: {tuned.pod_hours:.1f} pod-hours "
                  f"beside {before.pod_hours:.1f}, {span.saved_pct:.1f} % saved{share}; "
                  f"{tuned.objective_minutes:.1f} objective minutes beside "
                  f"{before.objective_minutes:.1f}; {tuned.actions} actions beside "
                  f"{before.actions}.")
    kept = (tuned.objective_minutes <= before.objective_minutes and tuned.lost <= before.lost + 0.5)
    if goal == "protect":
        is_better = (tuned.objective_minutes < before.objective_minutes
                     and tuned.pod_hours <= MOST_COST_RATIO * before.pod_hours)
    else:
        is_better = kept and tuned.pod_hours < before.pod_hours
    if is_better and tuned.actions <= MOST_ACTIONS_RATIO * before.actions:
        return True, (told,)
    return False, (told, Reason("NotBorneOut", "The held-out days do not bear the choice out: "
                                "keep the policy as it is, or look at more days."))
