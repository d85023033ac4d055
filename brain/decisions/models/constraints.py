"""What a model must fulfil before it is considered at all; a broken constraint is never traded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from brain.decisions.models.catalogue import CAPABILITIES, Priced
from brain.decisions.models.estimates import Expected
from brain.decisions.models.features import MOST_TOKENS, Features
from brain.decisions.quotas import Left
from brain.decisions.reasons import InputError

Priority = Literal["balanced", "cost", "latency", "quality"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
Breaker = Literal["closed", "half_open", "open"]
PICO = Decimal(10) ** 12
MOST_USD = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the caller wants. None and empty ask for nothing.

    A model must keep data in one of ``regions``, have all ``needs``, and be one of ``models``.
    ``max_latency_ms`` and ``max_cost_usd`` bound what is expected, not the worst that can happen.
    """

    priority: Priority = "balanced"
    max_cost_usd: Decimal | None = None
    max_latency_ms: float | None = None
    min_quality: float | None = None
    needs: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    no_training: bool = False
    no_training_for_personal_data: bool = False
    max_output_tokens: int | None = None
    max_error_ratio: float | None = None
    models: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What one budget leaves until its window ends, and what is projected to be used till then.

    ``projected_usd`` None is unknown. A named ``provider`` or ``model`` says that the budget is
    for calls of those only; ``label`` is what the reasons call it.
    """

    remaining_usd: Decimal
    projected_usd: Decimal | None = None
    label: str = "budget"
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How things stand: breakers and quotas by a model's name or by "provider/name", and budgets.

    ``budget_remaining_usd`` and ``projected_usd``, what the rest of the window is expected to use
    with this request, are short for one entry of ``budgets``.
    """

    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    quotas: Mapping[str, Left] = field(default_factory=dict)
    budget_remaining_usd: Decimal | None = None
    projected_usd: Decimal | None = None
    budgets: tuple[BudgetLeft, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A constraint that a model breaks: ``field`` asks for it, ``value`` would just be enough.

    ``value`` is None where no number would help. ``remedy`` is what would help, in words.
    """

    constraint: str
    text: str
    field: str
    value: float | Decimal | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request with its criteria and the state, amounts in pico-USD."""

    features: Features
    criteria: Criteria
    state: State
    max_cost_pico: int | None
    budgets: tuple["AskedBudget", ...]


@dataclass(frozen=True, slots=True)
class AskedBudget:
    """A budget in pico-USD."""

    remaining_pico: int
    projected_pico: int | None
    label: str
    provider: str
    model: str

    def holds_for(self, priced: Priced) -> bool:
        """Whether calls of the model count in it."""
        return (self.provider in ("", priced.model.provider)
                and self.model in ("", priced.model.name))


def prepare_ask(features: Features, criteria: Criteria, state: State) -> Ask:
    """The request ready to be held against models.

    Raises InputError naming the field for what is out of range or no number.
    """
    if criteria.priority not in PRIORITIES:
        raise InputError("unknown_priority", f"priority must be one of {', '.join(PRIORITIES)}, "
                         f"not {criteria.priority!r:.80}",
                         "criteria.priority")
    unknown = sorted(criteria.needs - set(CAPABILITIES))
    if unknown:
        raise InputError("unknown_capability", f"{unknown[0]!r:.80} is no capability; known are "
                         + ", ".join(CAPABILITIES), "criteria.needs")
    counts = (("features.input_tokens", features.input_tokens),
              ("features.output_tokens", features.output_tokens),
              ("criteria.max_output_tokens", criteria.max_output_tokens),
              *(("features.model_tokens", count) for _, count in features.model_tokens))
    for name, count in counts:
        if count is not None and not 0 <= count <= MOST_TOKENS:
            raise InputError("out_of_range", f"{name} must be within 0 and {MOST_TOKENS:,}", name)
    for name, value, most in (("max_latency_ms", criteria.max_latency_ms, 1e9),
                              ("min_quality", criteria.min_quality, 100),
                              ("max_error_ratio", criteria.max_error_ratio, 1)):
        if value is not None and not (math.isfinite(value) and 0 <= value <= most):
            raise InputError("out_of_range", f"{name} must be within 0 and {most:,g}",
                             f"criteria.{name}")
    if features.complexity not in ("low", "medium", "high"):
        raise InputError("invalid_value", "complexity must be low, medium or high",
                         "features.complexity")
    return Ask(features, criteria, state,
               _to_pico(criteria.max_cost_usd, "criteria.max_cost_usd"), _to_budgets(state))


def _to_budgets(state: State) -> tuple[AskedBudget, ...]:
    given = state.budgets
    if state.budget_remaining_usd is not None:
        given = (BudgetLeft(state.budget_remaining_usd, state.projected_usd), *given)
    elif state.projected_usd is not None:
        _to_pico(state.projected_usd, "state.projected_usd")
    return tuple(AskedBudget(
        _to_pico(each.remaining_usd, "state.budget_remaining_usd", below_zero=True) or 0,
        _to_pico(each.projected_usd, "state.projected_usd"), each.label, each.provider, each.model)
        for each in given)


def _to_pico(amount: Decimal | None, name: str, *, below_zero: bool = False) -> int | None:
    """Whole pico-USD not above the amount. What is left of a budget may be below zero."""
    if amount is None:
        return None
    if not amount.is_finite():
        raise InputError("not_finite", f"{name} must be a finite number", name)
    if not (-MOST_USD if below_zero else 0) <= amount <= MOST_USD:
        raise InputError("out_of_range", f"{name} must be within 0 and {MOST_USD:,}", name)
    return math.floor(amount * PICO)


def find_broken(priced: Priced, expected: Expected, ask: Ask) -> list[Broken]:
    """Every constraint that the model breaks, in the order of ``RULES``; empty if it may serve."""
    return [broken for rule in RULES if (broken := rule(priced, expected, ask)) is not None]


def _is_offered(priced: Priced, _: Expected, ask: Ask) -> Broken | None:
    name = priced.model.name
    if not priced.model.enabled:
        return Broken("enabled", "is switched off in the catalogue", "catalogue", None,
                      f"switch {name} on")
    if ask.criteria.models and name not in ask.criteria.models:
        return Broken("models", "is not among the models asked for", "criteria.models", None,
                      f"name {name} in models")
    return None


def _is_capable(priced: Priced, _: Expected, ask: Ask) -> Broken | None:
    missing = sorted(ask.criteria.needs - priced.model.capabilities)
    if missing:
        return Broken("capability", f"cannot do {', '.join(missing)}", "criteria.needs", None,
                      f"ask for no {' or '.join(missing)}")
    known = priced.model.languages
    if known and ask.features.language and ask.features.language not in known:
        return Broken("language", f"does not know the language {ask.features.language}",
                      "features.language", None, f"ask in {' or '.join(sorted(known))}")
    return None


def _fits_context(priced: Priced, expected: Expected, ask: Ask) -> Broken | None:
    model, asked = priced.model, ask.criteria.max_output_tokens
    wanted = asked if asked is not None else ask.features.output_tokens
    if wanted is not None and model.max_output_tokens is not None \
            and wanted > model.max_output_tokens:
        return Broken("output_limit", f"gives at most {model.max_output_tokens:,} tokens, "
                      f"{wanted:,} are wanted",
                      "criteria.max_output_tokens" if asked is not None
                      else "features.output_tokens", model.max_output_tokens,
                      f"ask for at most {model.max_output_tokens:,} tokens")
    needed = expected.input_tokens + (wanted if wanted is not None else 1)
    if model.context_tokens is not None and needed > model.context_tokens:
        room = model.context_tokens - (wanted if wanted is not None else 1)
        return Broken("context", f"has room for {model.context_tokens:,} tokens, "
                      f"{needed:,} are needed", "features.input_tokens", max(room, 0),
                      f"shorten the prompt to {max(room, 0):,} tokens")
    return None


def _keeps_region(priced: Priced, _: Expected, ask: Ask) -> Broken | None:
    wanted = ask.criteria.regions
    if not wanted or wanted & priced.model.regions:
        return None
    kept = ", ".join(sorted(priced.model.regions)) or "nobody knows where"
    return Broken("region", f"keeps data in {kept}, not in {' or '.join(sorted(wanted))}",
                  "criteria.regions", None, f"allow the region of {priced.model.name}: {kept}")


def _keeps_data_policy(priced: Priced, _: Expected, ask: Ask) -> Broken | None:
    criteria = ask.criteria
    asked = criteria.no_training or (criteria.no_training_for_personal_data
                                     and ask.features.has_personal_data)
    if not asked or priced.model.no_training:
        return None
    name = "no_training" if criteria.no_training else "no_training_for_personal_data"
    why = "" if criteria.no_training else ", and the prompt names a person"
    return Broken("data_policy", f"does not promise that customers' data trains nothing{why}",
                  f"criteria.{name}", None, "allow models without that promise"
                  + ("" if criteria.no_training else ", or mask the prompt"))


def _is_fast(_: Priced, expected: Expected, ask: Ask) -> Broken | None:
    most, value = ask.criteria.max_latency_ms, expected.latency.value
    if most is None or (value is not None and value <= most):
        return None
    if value is None:
        return Broken("max_latency", "has no known latency", "criteria.max_latency_ms", None,
                      "declare its latency, or ask for none")
    return Broken("max_latency", f"takes {value:,.0f} ms, at most {most:,.0f} ms are allowed",
                  "criteria.max_latency_ms", value, f"allow {math.ceil(value):,} ms")


def _is_cheap(_: Priced, expected: Expected, ask: Ask) -> Broken | None:
    most, cost = ask.max_cost_pico, expected.cost_pico
    if most is None or (cost is not None and cost <= most):
        return None
    if cost is None:
        return Broken("max_cost", "has no price for what it would use", "criteria.max_cost_usd",
                      None, "add its price to the price book")
    return Broken("max_cost", f"costs {usd(cost)}, at most {usd(most)} are allowed",
                  "criteria.max_cost_usd", Decimal(cost) / PICO, f"allow {usd(cost)}")


def _is_good(_: Priced, expected: Expected, ask: Ask) -> Broken | None:
    least, value = ask.criteria.min_quality, expected.quality.value
    if least is None or (value is not None and value >= least):
        return None
    if value is None:
        return Broken("min_quality", "has no known quality", "criteria.min_quality", None,
                      "declare its quality, or ask for none")
    return Broken("min_quality", f"has quality {value:.1f}, at least {least:.1f} is wanted",
                  "criteria.min_quality", value, f"be content with {math.floor(value * 10) / 10}")


def _is_sound(_: Priced, expected: Expected, ask: Ask) -> Broken | None:
    most, seen = ask.criteria.max_error_ratio, expected.error_ratio
    if most is None or seen is None or seen <= most:
        return None
    return Broken("max_error_ratio", f"failed in {seen:.1%} of its requests, {most:.1%} are "
                  "allowed", "criteria.max_error_ratio", seen, f"allow {seen:.1%}")


def _breaker_is_closed(priced: Priced, _: Expected, ask: Ask) -> Broken | None:
    if _of(ask.state.breakers, priced) != "open":
        return None
    return Broken("breaker", "failed too often just now: its circuit breaker is open",
                  "state.breakers", None, "wait until its breaker lets calls through")


def _has_quota(priced: Priced, expected: Expected, ask: Ask) -> Broken | None:
    quota = _of(ask.state.quotas, priced)
    if quota is None:
        return None
    remedy = "raise its quota, or wait until it is renewed"
    if quota.requests is not None and quota.requests < 1:
        return Broken("quota", "has no request left in its quota", "state.quotas", 1, remedy)
    needed = expected.input_tokens + expected.output_tokens
    if quota.tokens is not None and quota.tokens < needed:
        return Broken("quota", f"has {quota.tokens:,} tokens left in its quota, {needed:,} are "
                      "needed", "state.quotas", needed, remedy)
    if quota.usd is not None and (expected.cost_pico is None
                                  or expected.cost_pico > quota.usd * PICO):
        cost = expected.cost_pico
        return Broken("quota", f"has {quota.usd:,.4f} USD left in its quota, " + (
            "and no price" if cost is None else f"{usd(cost)} are needed"), "state.quotas",
            None if cost is None else Decimal(cost) / PICO, remedy)
    return None


def _of(by_name: Mapping[str, Any], priced: Priced) -> Any:
    """What is said of a model, by its name or by provider and name; None if nothing is."""
    if not by_name:
        return None
    found = by_name.get(f"{priced.model.provider}/{priced.model.name}")
    return by_name.get(priced.model.name) if found is None else found


def _fits_budget(priced: Priced, expected: Expected, ask: Ask) -> Broken | None:
    cost = expected.cost_pico
    for each in ask.budgets:
        left = each.remaining_pico
        if not each.holds_for(priced) or (cost is not None and cost <= left):
            continue
        if cost is None:
            return Broken("budget", f"has no price, so the {each.label} cannot hold its cost",
                          "state.budget_remaining_usd", None, "add its price to the price book")
        return Broken("budget", f"costs {usd(cost)}, the {each.label} leaves {usd(left)}",
                      "state.budget_remaining_usd", Decimal(cost) / PICO,
                      f"have {usd(cost)} left in the {each.label}")
    return None


RULES = (_is_offered, _is_capable, _fits_context, _keeps_region, _keeps_data_policy, _is_fast,
         _is_cheap, _is_good, _is_sound, _breaker_is_closed, _has_quota, _fits_budget)
"""In the order in which they are told."""

CONSTRAINTS = ("enabled", "models", "capability", "language", "output_limit", "context", "region",
               "data_policy", "max_latency", "max_cost", "min_quality", "max_error_ratio",
               "breaker", "quota", "budget")
"""Names of what can be broken, in the order of the rules."""


def usd(pico: int) -> str:
    """An amount for people: four significant figures, and never rounded to nothing."""
    amount = pico / 1e12
    if amount == 0 or abs(amount) >= 1:
        return f"{amount:,.2f} USD"
    digits = 3 - math.floor(math.log10(abs(amount)))
    return f"{amount:.{min(digits, 12)}f}".rstrip("0").rstrip(".") + " USD"
