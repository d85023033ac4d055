"""``brain models evaluate``: what a learned router would save, on prompts it has never seen."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.cli.command import Command, CommandError, Option, UsageError
from brain.decisions.reasons import InputError, Reason

if TYPE_CHECKING:
    from analytics.routing.evaluation import Evaluated

MOST_SPLITS = 100


def evaluate_file(arguments: Namespace) -> None:
    """Print every policy's AIQ and saving; as JSON with the points of all curves."""
    from dataclasses import replace

    import numpy as np

    from analytics.routing.evaluation import evaluate, summarize
    from brain.cli.output import show
    from brain.models.files import Columns, read_routing_data
    if not 1 <= arguments.splits <= MOST_SPLITS:
        raise UsageError(f"--splits must be within 1 and {MOST_SPLITS}")
    if not 0.05 <= arguments.test_ratio <= 0.9:
        raise UsageError("--test-ratio must be within 0.05 and 0.9")
    try:
        data, reasons = read_routing_data(Path(arguments.data), Columns(
            arguments.prompt or "", arguments.subject or "", _pairs(arguments.score),
            _pairs(arguments.cost), _prices(arguments.price)))
        kinds = _kinds(arguments.split, data.subjects)
    except InputError as error:
        raise CommandError(error.message, error.code, error.field) from error
    if arguments.flat_cost:
        data = replace(data, costs=np.tile(data.costs.mean(axis=0), (len(data.prompts), 1)))
        reasons += (Reason("flat_cost", "Every call of a model counts its mean cost."),)
    found = list(evaluate(data, kinds, range(arguments.seed, arguments.seed + arguments.splits),
                          arguments.test_ratio))
    summaries = summarize(found)
    if not arguments.json:
        for reason in reasons:
            print(reason.text)
        print()
        show([{"split": each.kind, "policy": each.policy, "AIQ": _spread(each.aiq, each.aiq_sd, 4),
               "saving at 95 %, hull": _percent(each.saving, each.saving_sd),
               "flat": _percent(each.saving_flat, each.saving_flat_sd),
               "AIQ beside logistic": f"{each.gain:+.4f}"
               + (f" ± {each.gain_sd:.4f}, better in {each.wins} of {each.splits}"
                  if each.splits > 1 else "")} for each in summaries], False)
        return
    show({"models": {model: {"quality": float(data.scores[:, place].mean()),
                             "cost_usd": float(data.costs[:, place].mean())}
                     for place, model in enumerate(data.models)},
          "prompts": len(data.prompts), "subjects": len(set(data.subjects)),
          "reasons": [{"code": each.code, "text": each.text} for each in reasons],
          "summary": [{"split": each.kind, "policy": each.policy, "splits": each.splits,
                       "aiq": each.aiq, "aiq_sd": each.aiq_sd, "saving_at_95": each.saving,
                       "saving_at_95_sd": each.saving_sd, "saving_at_95_flat": each.saving_flat,
                       "saving_at_95_flat_sd": each.saving_flat_sd,
                       "aiq_beside_logistic": each.gain,
                       "aiq_beside_logistic_sd": each.gain_sd, "splits_better": each.wins}
                      for each in summaries],
          "splits": list(map(_describe, found))}, True)


def _describe(found: "Evaluated") -> dict[str, Any]:
    return {"split": found.kind, "seed": found.seed, "trained": found.trained,
            "tested": found.tested, "policies": [
                {"policy": curve.name, "aiq": curve.aiq, "saving_at_95": curve.saving,
                 "saving_at_95_flat": curve.saving_flat,
                 "points": _points(curve.costs, curve.qualities),
                 "hull": _points(curve.hull_costs, curve.hull_qualities)}
                for curve in found.curves]}


def _points(costs: tuple[float, ...], qualities: tuple[float, ...]) -> list[dict[str, float]]:
    return [{"cost_usd": cost, "quality": quality}
            for cost, quality in sorted(zip(costs, qualities, strict=True))]


def _spread(mean: float, deviation: float, digits: int) -> str:
    return f"{mean:.{digits}f}" + (f" ± {deviation:.{digits}f}" if deviation else "")


def _percent(mean: float | None, deviation: float | None) -> str:
    return "never" if mean is None else _spread(100 * mean, 100 * (deviation or 0), 1) + " %"


def _kinds(wanted: str, subjects: tuple[str, ...]) -> tuple[Any, ...]:
    several = len(set(subjects)) > 1
    if wanted == "subject" and not several:
        raise InputError("missing_column", "a split by subject needs a column with at least two "
                         "subjects; name it with --subject", "subject")
    if wanted == "both":
        return ("prompt", "subject") if several else ("prompt",)
    return (wanted,)


def _pairs(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    found = {}
    for text in given:
        model, separator, column = text.rpartition("=")
        if not separator or not model or not column:
            raise UsageError(f"{text!r:.80} is not MODEL=COLUMN")
        found[model] = column
    return found


def _prices(given: list[str] | None) -> dict[str, tuple[float, float]] | None:
    found = {}
    for model, text in (_pairs(given) or {}).items():
        try:
            amounts = [float(each) for each in text.split(",")]
        except ValueError:
            amounts = []
        if len(amounts) not in (1, 2) or not all(0 <= each < 1e9 for each in amounts):
            raise UsageError(f"--price {model}: USD per million tokens as INPUT,OUTPUT")
        found[model] = (amounts[0], amounts[-1])
    return found or None


EVALUATE = Command(
    "models", "evaluate", "Tell what a learned router saves on prompts and subjects it never saw.",
    options=(
        Option("--data", "Parquet, CSV or JSON lines: prompts with a score of 0 to 1 per model.",
               required=True, metavar="FILE"),
        Option("--prompt", "Column of the prompts; found by name.", metavar="COLUMN"),
        Option("--subject", "Column of the subjects; found by name.", metavar="COLUMN"),
        Option("--score", "Score of a model, again for each; found by name.", many=True,
               metavar="MODEL=COLUMN"),
        Option("--cost", "Cost of a model in USD per prompt; found by name.", many=True,
               metavar="MODEL=COLUMN"),
        Option("--price", "USD per million input and output tokens of a model without cost "
               "column; else of the price list.", many=True, metavar="MODEL=INPUT,OUTPUT"),
        Option("--flat-cost", "Count the same for every call of a model: its mean cost.",
               flag=True),
        Option("--split", "Test on unseen prompts, on unseen subjects, or on both.",
               default="both", choices=("both", "prompt", "subject")),
        Option("--splits", "How many random splits of each kind.", int, 1, metavar="N"),
        Option("--seed", "Seed of the first split.", int, 0, metavar="N"),
        Option("--test-ratio", "Share of the prompts that is held back.", float, 0.3,
               metavar="RATIO"),
    ), run=evaluate_file)
