"""Routing data from a file: prompts, the scores of models on them, and what each answer cost."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.routing.evaluation import FEWEST, RoutingData
from brain.decisions.models.estimates import OUTPUT_PER_INPUT
from brain.decisions.models.features import CHARACTERS_PER_TOKEN
from brain.decisions.reasons import InputError, Reason

if TYPE_CHECKING:
    from brain.decisions.prices import Price

Floats = npt.NDArray[np.float64]
MOST_ROWS = 1_000_000
_PROMPTS = ("prompt", "question", "text", "query", "input")
_SUBJECTS = ("subject", "eval_name", "category", "task", "dataset")
_SCORE = re.compile(r"(.+?)[_|. ](?:correct|score|quality|right|accuracy|reward)\Z", re.IGNORECASE)
_COSTS = ("{}_cost", "{}_cost_usd", "{}|total_cost", "{}|cost", "cost_{}", "{}.cost", "{} cost")
_OUTPUTS = (("{}_output_tokens", 1), ("{}|output_tokens", 1),
            ("{}_output_chars", CHARACTERS_PER_TOKEN), ("{}_output_characters",
                                                       CHARACTERS_PER_TOKEN))


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what; empty is to be found by name. Prices are USD per million tokens of
    input and output."""

    prompt: str = ""
    subject: str = ""
    scores: Mapping[str, str] | None = None
    costs: Mapping[str, str] | None = None
    prices: Mapping[str, tuple[float, float]] | None = None


def read_routing_data(path: Path, columns: Columns) -> tuple[RoutingData, tuple[Reason, ...]]:
    """The file's prompts with scores and costs, and how its columns were understood.

    Reads Parquet, CSV and JSON lines. Rows without a prompt or with a missing score are left out.
    Raises InputError naming what cannot be used.
    """
    frame = _read(path)
    prompt = _find(frame, columns.prompt, _PROMPTS, "prompt")
    subject = _find(frame, columns.subject, _SUBJECTS, "subject", needed=bool(columns.subject))
    by_model = dict(columns.scores) if columns.scores else _find_scores(frame, prompt, subject)
    scores = {}
    for model, name in by_model.items():
        scores[model] = _number(frame, name, "score")
        outside = (scores[model] < 0) | (scores[model] > 1)
        if outside.any():
            raise InputError("out_of_range", f"column {name!r:.80} has scores outside 0 to 1",
                             "score")
    if len(scores) < 2:
        raise InputError("too_few_models", "routing needs the scores of at least two models; name "
                         "them with --score MODEL=COLUMN", "score")
    texts = frame[prompt]
    kept = texts.notna() & np.logical_and.reduce([~np.isnan(each) for each in scores.values()])
    if int(kept.sum()) < FEWEST:
        raise InputError("too_few_rows", f"{int(kept.sum())} rows have a prompt and all scores; "
                         f"at least {FEWEST} are needed", "data")
    prompts = [str(each) for each in texts[kept]]
    reasons = [Reason("models", "Scores: " + ", ".join(
        f"{model} ({by_model[model]})" for model in scores) + ".")]
    if left_out := len(frame) - len(prompts):
        reasons.append(Reason("rows_left_out", f"{left_out:,} rows without a prompt or with a "
                                               "missing score were left out."))
    costs, why = _costs(frame[kept], prompts, by_model, columns)
    subjects = () if subject is None else tuple(map(str, frame.loc[kept, subject]))
    data = RoutingData(tuple(prompts), tuple(scores), np.column_stack(
        [each[kept.to_numpy()] for each in scores.values()]), costs, subjects)
    return data, (*reasons, *why)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError("no_file", f"there is no file {path}", "data")
    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path)
        elif path.suffix in (".jsonl", ".ndjson"):
            frame = pd.read_json(path, lines=True)
        else:
            frame = pd.read_parquet(path)
    except Exception as error:  # each reader has faults of its own
        raise InputError("unreadable", f"{path} cannot be read: {str(error)[:200]}",
                         "data") from error
    if len(frame) > MOST_ROWS:
        raise InputError("too_many_rows", f"a file may have {MOST_ROWS:,} rows", "data")
    return frame.reset_index(drop=True)


def _find(frame: pd.DataFrame, told: str, usual: Iterable[str], field: str,
          needed: bool = True) -> "str | None":
    names = [told] if told else list(usual)
    found = next((each for each in names if each in frame.columns), None)
    if found is None and needed:
        raise InputError("missing_column", f"there is no column {' or '.join(names)!s:.200}; "
                         f"name it with --{field}", field)
    return found


def _find_scores(frame: pd.DataFrame, prompt: "str | None", subject: "str | None"
                 ) -> dict[str, str]:
    """Score columns by model: named so, else those with a cost beside them, else all of 0 to 1."""
    usable = [str(name) for name in frame.columns
              if name not in (prompt, subject) and _is_score(frame[name])]
    named = {found[1]: name for name in usable if (found := _SCORE.match(name))}
    if len(named) >= 2:
        return named
    priced = {name: name for name in usable if _beside(frame, name, _COSTS)}
    if len(priced) >= 2:
        return priced
    beside = {name for each in usable for name in [_beside(frame, each, _COSTS)] if name}
    return {name: name for name in usable
            if name not in beside and "cost" not in name.lower() and "oracle" not in name.lower()}


def _is_score(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return True
    if not pd.api.types.is_numeric_dtype(column):
        return False
    values = column.dropna()
    return bool(len(values) and values.min() >= 0 and values.max() <= 1)


def _beside(frame: pd.DataFrame, model: str, patterns: Iterable[str]) -> str:
    return next((name for each in patterns if (name := each.format(model)) in frame.columns), "")


def _number(frame: pd.DataFrame, name: str, field: str) -> Floats:
    if name not in frame.columns:
        raise InputError("missing_column", f"there is no column {name!r:.80}", field)
    column = frame[name]
    found = pd.to_numeric(column.astype(float) if pd.api.types.is_bool_dtype(column) else column,
                          errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _costs(frame: pd.DataFrame, prompts: list[str], models: Mapping[str, str],
           columns: Columns) -> tuple[Floats, list[Reason]]:
    told, found, reasons, unknown = dict(columns.costs or {}), {}, [], []
    tokens = np.array([len(each) for each in prompts], float) / CHARACTERS_PER_TOKEN
    for model in models:
        name = told.get(model) or _beside(frame, model, _COSTS)
        if name:
            costs = _number(frame, name, "cost")
            if np.isnan(costs).any() or (costs < 0).any():
                raise InputError("out_of_range", f"column {name!r:.80} has costs that are missing "
                                 "or below 0", "cost")
            found[model] = costs
            reasons.append(Reason("cost_column", f"{model}: cost from column {name}."))
            continue
        price = (columns.prices or {}).get(model)
        origin = "as told"
        if price is None:
            price, origin = _look_up(model)
        if price is None:
            unknown.append(model)
            continue
        output, how = _output_tokens(frame, model, tokens)
        found[model] = (tokens * price[0] + output * price[1]) / 1e6
        reasons.append(Reason("cost_priced", f"{model}: {price[0]:g} and {price[1]:g} USD per "
                              f"million tokens of input and output, {origin}; input tokens are "
                              f"characters/4, output tokens {how}."))
    if unknown:
        if len(models) != 2 or found:
            raise InputError("no_cost", f"nothing tells what {unknown[0]!r:.80} costs: name its "
                             "column with --cost MODEL=COLUMN, or --price MODEL=INPUT,OUTPUT in "
                             "USD per million tokens", "cost")
        return _by_calls(frame, models), [Reason(
            "cost_calls", "Nothing tells what the models cost: the cost is the share of calls of "
                          "the one with the better scores.")]
    return np.column_stack([found[model] for model in models]), reasons


def _by_calls(frame: pd.DataFrame, models: Mapping[str, str]) -> Floats:
    better = int(np.argmax([_number(frame, name, "score").mean() for name in models.values()]))
    return np.tile(np.eye(2)[better], (len(frame), 1))


def _output_tokens(frame: pd.DataFrame, model: str, tokens: Floats) -> tuple[Floats, str]:
    for pattern, per_token in _OUTPUTS:
        if (name := pattern.format(model)) in frame.columns:
            return np.nan_to_num(_number(frame, name, "output")) / per_token, f"from column {name}"
    return tokens * OUTPUT_PER_INPUT, f"assumed, {OUTPUT_PER_INPUT} for each of the input"


def _look_up(model: str) -> "tuple[tuple[float, float] | None, str]":
    """Prices of the built-in list, where the model's name, written in one of the usual ways, is
    in it."""
    from brain.sources.price_lists import find_prices
    plain = model.strip().lower()
    dashed = re.sub(r"[_ ]", "-", plain)
    split = re.sub(r"([a-z])(\d)", r"\1-\2", dashed, count=1)
    for name in dict.fromkeys((model, plain, dashed, split)):
        rows: list[Price] = [row for row in find_prices("", name)
                             if row.input_usd_per_mtok is not None
                             and row.output_usd_per_mtok is not None and not row.tier_from_tokens
                             and not row.context]
        if rows:
            last = max(rows, key=lambda row: (row.valid_from_utc, row.price_id))
            return (float(last.input_usd_per_mtok or 0), float(last.output_usd_per_mtok or 0)), \
                f"of {last.provider}'s {last.model} in the price list"
    return None, ""
