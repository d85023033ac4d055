"""Which model shall serve a request: constraints first, then scores, always with reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from brain.decisions.models.catalogue import SAMPLE, Model, Priced, prepare_catalogue
from brain.decisions.models.constraints import (
    CONSTRAINTS,
    Ask,
    Broken,
    Criteria,
    State,
    find_broken,
    prepare_ask,
    usd,
)
from brain.decisions.models.estimates import Expected, expect
from brain.decisions.models.features import Features
from brain.decisions.models.scores import Scores, order_by_cost, score
from brain.decisions.models.trades import describe_trade
from brain.decisions.reasons import Reason

PRESSURE_PCT = 90
"""Share of what remains from which on projected use presses towards the cheapest model."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that breaks no constraint; ``beside`` is what is expected of the chosen one."""

    model: Model
    expected: Expected
    scores: Scores
    beside: Expected | None = None

    @property
    def trade(self) -> str:
        """What taking it instead of the chosen one would change, "" for that one itself."""
        return "" if self.beside is None else describe_trade(self.expected, self.beside)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A model that breaks constraints, all of them named."""

    model: Model
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class NoModel:
    """Why nothing is left: the constraint that took the last model.

    ``nearest`` breaks the fewest, and ``remedies`` are all that stands in its way.
    """

    constraint: str
    text: str
    nearest: Model | None
    remedies: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model to use, or why there is none. ``alternatives`` are in the order to fall back."""

    chosen: Candidate | None
    no_model: NoModel | None
    reasons: tuple[Reason, ...]
    alternatives: tuple[Candidate, ...] = ()
    excluded: tuple[Excluded, ...] = ()

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Names of the models to try in turn where the chosen one fails."""
        return tuple(each.model.name for each in self.alternatives)


def choose_model(features: Features, criteria: Criteria, catalogue: Iterable[Model],
                 state: State | None = None,
                 predicted_quality: Mapping[str, float] | None = None) -> ModelChoice:
    """The model for a request; see `choose_prepared`.

    Raises InputError naming the field for a catalogue, criteria or state that cannot be used.
    """
    return choose_prepared(prepare_ask(features, criteria, state or State()),
                           prepare_catalogue(catalogue), predicted_quality or {})


def choose_prepared(ask: Ask, catalogue: tuple[Priced, ...],
                    predicted_quality: Mapping[str, float]) -> ModelChoice:
    """The best model that breaks no constraint, by the priority's scores.

    Where projected use reaches PRESSURE_PCT of what the budget leaves, the cheapest that meets
    the quality wanted. Without a projection a model presses whose own cost reaches that share.
    Neither the catalogue's order nor the units of its figures change the answer.
    """
    able: list[tuple[Priced, Expected]] = []
    excluded: list[Excluded] = []
    for priced in catalogue:
        expected = expect(priced, ask.features, ask.criteria.max_output_tokens,
                          predicted_quality.get(priced.model.name))
        broken = find_broken(priced, expected, ask)
        if broken:
            excluded.append(Excluded(priced.model, tuple(broken)))
        else:
            able.append((priced, expected))
    if not able:
        none = _explain_none(excluded)
        return ModelChoice(None, none, (Reason("no_model", none.text),), (), tuple(excluded))
    pressed, why = _find_pressure(able, ask)
    calm = [pair for pair in able if pair[0].model.key not in pressed] if pressed else able
    ranked = score(calm, ask) if calm else []
    if pressed:
        ranked += order_by_cost([pair for pair in able if pair[0].model.key in pressed], ask)
    (first, beside, scores), *rest = ranked
    chosen = Candidate(first.model, beside, scores)
    others = tuple(Candidate(priced.model, expected, each, beside)
                   for priced, expected, each in rest)
    return ModelChoice(chosen, None, _explain(chosen, others, ask, why, bool(calm)), others,
                       tuple(excluded))


def _find_pressure(able: list[tuple[Priced, Expected]], ask: Ask
                   ) -> tuple[set[tuple[str, str]], Reason | None]:
    """Models that a budget presses against, and the reason to tell: of the first that does."""
    pressed: set[tuple[str, str]] = set()
    why: Reason | None = None
    if not ask.budgets:
        return pressed, why
    for budget in ask.budgets:
        left, projected = budget.remaining_pico, budget.projected_pico
        held = [pair for pair in able if budget.holds_for(pair[0])]
        if projected is not None:
            found = {priced.model.key for priced, _ in held} \
                if 100 * projected >= PRESSURE_PCT * left else set()
            text = f"Projected use of {usd(projected)} reaches {PRESSURE_PCT} % of the " \
                   f"{usd(left)} that remain"
        else:
            found = {priced.model.key for priced, expected in held
                     if 100 * (expected.cost_pico or 0) >= PRESSURE_PCT * left}
            text = f"{len(found)} of {len(able)} models would use {PRESSURE_PCT} % or more of " \
                   f"the {usd(left)} that remain"
        pressed |= found
        if found and why is None:
            whose = "" if budget.label == "budget" else f" in the {budget.label}"
            why = Reason("budget_pressure", f"{text}{whose}: " + (
                "the cheapest model that is good enough." if len(found) == len(able)
                else "the others come first."))
    return pressed, why


def _explain(chosen: Candidate, others: tuple[Candidate, ...], ask: Ask, pressure: Reason | None,
             is_scored: bool) -> tuple[Reason, ...]:
    model, expected = chosen.model, chosen.expected
    reasons = []
    if pressure is not None:
        reasons.append(pressure)
    if not others:
        reasons.append(Reason("only_model", f"{model.name} is the only model that breaks no "
                                            "constraint."))
    elif is_scored:
        priority = ask.criteria.priority
        by = f"the balance for {ask.features.complexity} complexity" if priority == "balanced" \
            else f"{priority}"
        tie = " (a tie, decided by quality, then cost, latency, name)" if (
            others[0].scores.total == chosen.scores.total) else ""
        reasons.append(Reason(f"best_{priority}", f"{model.name} scores best by {by}: "
                              f"{chosen.scores.total:.1f} of 100 among {len(others) + 1} models "
                              f"(quality {chosen.scores.quality:.0f}, latency "
                              f"{chosen.scores.latency:.0f}, cost {chosen.scores.cost:.0f}){tie}."))
    if ask.features.is_estimated:
        reasons.append(Reason("tokens_estimated", f"{expected.input_tokens:,} input tokens are a "
                              "quarter of the characters: no tokenizer of the model is at hand."))
    if expected.output_basis == "assumed":
        reasons.append(Reason("output_assumed", f"{expected.output_tokens:,} output tokens are "
                              "assumed, two for each of the input: no ratio was measured yet."))
    basis = expected.quality.basis
    if basis != "measured":
        reasons.append(Reason(f"quality_{basis}", {
            "declared": "Its quality is declared, not measured here.",
            "predicted": "Its quality is predicted for this very prompt.",
            "unknown": "Nobody knows its quality."}[basis]))
    if ask.features.has_personal_data:
        reasons.append(Reason("personal_data", "The prompt seems to name a person."))
    if model.origin == SAMPLE:
        reasons.append(Reason("sample_model", "The model is one of the sample catalogue."))
    return tuple(reasons)


def _explain_none(excluded: list[Excluded]) -> NoModel:
    """The constraint, in the order of the rules, after which no model was left."""
    if not excluded:
        return NoModel("catalogue", "The catalogue is empty: there is no model to choose.", None,
                       (Broken("catalogue", "is empty", "catalogue", None,
                               "add a model to the catalogue"),))
    last = max(excluded, key=lambda each: CONSTRAINTS.index(each.broken[0].constraint))
    constraint = last.broken[0].constraint
    nearest = min(excluded, key=lambda each: (
        len(each.broken), -CONSTRAINTS.index(each.broken[0].constraint),
        _distance(each.broken[0]), each.model.key))
    share = sum(any(broken.constraint == constraint for broken in each.broken)
                for each in excluded)
    needed = " and ".join(each.remedy for each in nearest.broken)
    text = (f"No model is left: {constraint} took the last of {len(excluded)} "
            f"({share} break it). {nearest.model.name} "
            f"{'; '.join(each.text for each in nearest.broken)}. To use it: {needed}.")
    return NoModel(constraint, text, nearest.model, nearest.broken)


def _distance(broken: Broken) -> float:
    """Lower for the model that needs the smaller change of what is asked."""
    value = float(broken.value or 0)
    return -value if broken.constraint in ("min_quality", "output_limit", "context") else value
