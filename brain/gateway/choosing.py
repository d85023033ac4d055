"""Which routes a question takes: the one it names, or what the rules of model choice say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brain.decisions.breaker import Position
from brain.decisions.models.catalogue import Model, Priced, prepare_catalogue
from brain.decisions.models.choosing import ModelChoice, choose_prepared
from brain.decisions.models.constraints import (
    Ask,
    Broken,
    Criteria,
    State,
    find_broken,
    prepare_ask,
)
from brain.decisions.models.estimates import expect
from brain.decisions.models.features import read_features
from brain.decisions.reasons import Reason
from brain.gateway.calling import Route, Way
from brain.gateway.data_policy import OPEN
from brain.gateway.limits import Limits
from brain.gateway.providers import EXTRACTIVE
from brain.gateway.question import Question, Refusal

if TYPE_CHECKING:
    from brain.gateway.desk import Gateway

AUTOMATIC = ("", "auto", "brain")
"""Names of a model that leave the choice to the engine."""
_MOST_ROUTES, _MOST_EXCLUDED = 5, 20
_POLICY = ("region", "data_policy")
_LOOKED_AT = 8_000


def choose_routes(gateway: "Gateway", way: Way, limits: Limits
                  ) -> tuple[tuple[Route, ...], tuple[Reason, ...]]:
    """The routes to try in turn, none where documents alone can answer; and why.

    Raises Refusal, written into the trace, where the named model is unknown or may not be used
    now, or no model fulfils what is asked for.
    """
    started_ms = way.trace.now_ms()
    question = way.question
    if question.provider == EXTRACTIVE or question.model == EXTRACTIVE \
            or not gateway.providers.models():
        return (), ()
    provider, name = _split(gateway, question)
    weights = gateway.knobs.read().routing_weights
    facts = limits.facts()
    try:
        if name not in AUTOMATIC:
            routes = _named(gateway, way, limits, provider, name, weights)
            why: tuple[Reason, ...] = (Reason("named", f"The caller named the model "
                                                       f"{name:.80}."),)
        else:
            routes, why, more = _choose(gateway, way, limits, provider, weights)
            facts |= more
    except Refusal as refused:
        way.trace.add("choose", started_ms, "refused", refused.reasons, facts)
        raise
    way.trace.add("choose", started_ms, routes[0].model, why,
                  {"provider": routes[0].provider,
                   "fallbacks": [f"{each.provider}/{each.model}" for each in routes[1:]], **facts})
    return routes, why


def _split(gateway: "Gateway", question: Question) -> tuple[str, str]:
    """Provider and model; "provider/model" names both where there is such a provider."""
    if question.provider:
        return question.provider, question.model
    beginning, slash, rest = question.model.partition("/")
    known = {each.provider for each in gateway.providers.all()}
    return (beginning, rest) if slash and beginning in known else ("", question.model)


def _named(gateway: "Gateway", way: Way, limits: Limits, provider: str, name: str,
           weights: Mapping[str, float]) -> tuple[Route, ...]:
    found = [each for each in gateway.catalogue()
             if each.model.name == name and provider in ("", each.model.provider)
             and _weight(weights, each.model) > 0]
    if not found and provider and gateway.providers.live(provider) is not None:
        found = list(prepare_catalogue([Model(name, provider)]))
    if not found:
        raise Refusal("unknown_model", (Reason(
            "unknown_model", f"No provider that is switched on offers the model {name!r:.80}."),),
            404)
    if limits.policy != OPEN or limits.quotas:
        ask = _ask(way, replace(limits, budgets=()), Criteria())
        broken = {each.model.key: _barriers(each, ask) for each in found}
        _bar(gateway, way, ask, limits)
        if all(broken.values()):
            raise _refuse_named(gateway, found, broken)
        found = [each for each in found if not broken[each.model.key]]
    order = {each.key: place for place, each in enumerate(gateway.providers.models())}
    ranked = sorted(found, key=lambda each: (-_weight(weights, each.model),
                                             order.get(each.model.key, 0)))
    return tuple(Route(each.model.provider, each.model.name) for each in ranked)


def _refuse_named(gateway: "Gateway", found: Sequence[Priced],
                  broken: Mapping[tuple[str, str], Sequence[Broken]]) -> Refusal:
    first = broken[found[0].model.key][0]
    reason = Reason(first.constraint, f"{found[0].model.name} may not be used: it {first.text}. "
                                      f"To use it: {first.remedy}.")
    if first.constraint != "quota":
        return Refusal("data_policy", (reason,), 403)
    return Refusal("quota_reached", (reason,), 429, _frees_in_s(gateway, found))


def _frees_in_s(gateway: "Gateway", models: Sequence[Priced]) -> float:
    return max(min(gateway.quotas.used("provider", each.model.provider).frees_in_s
                   for each in models), 0.001)


def _ask(way: Way, limits: Limits, criteria: Criteria,
         breakers: Mapping[str, Position] | None = None) -> Ask:
    """The question with the limits of the moment, ready to be held against models."""
    talk = way.question.talk()
    features = replace(read_features(way.question.last_text()[:_LOOKED_AT]),
                       input_tokens=-(-sum(len(each.content) + 1 for each in talk) // 4),
                       output_tokens=None)
    policy = limits.policy
    return prepare_ask(features, replace(
        criteria, regions=policy.regions, no_training=policy.no_training,
        no_training_for_personal_data=policy.no_training_for_personal_data),
        State(breakers or {}, limits.quotas, budgets=limits.budgets))


def _barriers(priced: Priced, ask: Ask) -> list[Broken]:
    """What keeps a model from a question, however it was chosen."""
    return [each for each in find_broken(priced, expect(priced, ask.features), ask)
            if each.constraint in (*_POLICY, "quota")]


def _bar(gateway: "Gateway", way: Way, ask: Ask, limits: Limits) -> None:
    """Keep what the data policy forbids from all that may yet be chosen for the question."""
    if limits.policy != OPEN:
        way.barred = frozenset(priced.model.key for priced in gateway.catalogue() if any(
            each.constraint in _POLICY for each in _barriers(priced, ask)))


def _choose(gateway: "Gateway", way: Way, limits: Limits, provider: str,
            weights: Mapping[str, float]
            ) -> tuple[tuple[Route, ...], tuple[Reason, ...], dict[str, Any]]:
    question = way.question
    ask = _ask(way, limits, Criteria(
        question.priority, question.max_cost_usd, question.max_latency_ms, needs=_needs(way),
        max_output_tokens=question.max_output_tokens), _positions(gateway))
    catalogue = tuple(each for each in gateway.catalogue()
                      if provider in ("", each.model.provider)
                      and _weight(weights, each.model) > 0)
    predicted, learned = gateway.models.predict(question.last_text()[:_LOOKED_AT])
    choice = choose_prepared(ask, catalogue, predicted)
    told: tuple[Reason, ...] = ()
    if choice.no_model is not None and choice.no_model.constraint == "budget":
        # What happens at the cap is the budget's own rule (block, throttle, a cheaper model): the
        # step that holds the cost decides it, and cannot hold more than is left.
        told = (Reason("budget_reached", choice.no_model.text),)
        choice = choose_prepared(replace(ask, budgets=()), catalogue, predicted)
    _bar(gateway, way, ask, limits)
    if choice.chosen is None:
        raise _refuse(gateway, choice, catalogue)
    ranked = sorted((choice.chosen, *choice.alternatives),
                    key=lambda each: -_weight(weights, each.model))
    why = (*told, *choice.reasons, *learned)
    if ranked[0] is not choice.chosen:
        why = (Reason("weighted", f"The routing weights prefer {ranked[0].model.name} to "
                                  f"{choice.chosen.model.name}."), *why)
    routes = tuple(Route(each.model.provider, each.model.name) for each in ranked)
    facts: dict[str, Any] = {"excluded": {
        f"{each.model.provider}/{each.model.name}": each.broken[0].text
        for each in choice.excluded[:_MOST_EXCLUDED]}} if choice.excluded else {}
    pressed = any(each.code == "budget_pressure" for each in why) or bool(told)
    if question.priority == "balanced" and not pressed:
        # A caller who asks for more than a balance gets the rules, and so does a pressed budget.
        routes, divided, more = gateway.allocation.order(routes, question.workspace_id,
                                                         ask.features.task_class,
                                                         ask.features)
        why, facts = (*divided, *why), facts | dict(more)
    return routes[:_MOST_ROUTES], why, facts


def _refuse(gateway: "Gateway", choice: ModelChoice, catalogue: Sequence[Priced]) -> Refusal:
    if choice.no_model is not None and choice.no_model.constraint == "quota":
        return Refusal("quota_reached", choice.reasons, 429, _frees_in_s(gateway, catalogue))
    return Refusal("no_model", choice.reasons, 422)


def _needs(way: Way) -> frozenset[str]:
    question = way.question
    return frozenset(name for name, wanted in (
        ("tools", bool(question.tools)), ("json", bool(question.json)),
        ("streaming", way.emit is not None),
        ("vision", any(each.parts for each in question.messages))) if wanted)


def _weight(weights: Mapping[str, float], model: Model) -> float:
    return weights.get(f"{model.provider}/{model.name}", weights.get(model.provider, 1.0))


def _positions(gateway: "Gateway") -> dict[str, Position]:
    """Breakers that are open now, by "provider/model"."""
    found: dict[str, Position] = {}
    now_s = gateway.monotonic()
    for model in gateway.providers.models():
        live = gateway.providers.live(model.provider)
        breaker = live.breakers.get(model.name) if live else None
        if breaker is not None and breaker.position == "open" and now_s < breaker.until_s:
            found[f"{model.provider}/{model.name}"] = "open"
    return found


def read_catalogue(gateway: "Gateway") -> tuple[Priced, ...]:
    """Every model on offer, with prices of the price book where it declares none."""
    now = gateway.now()
    found = []
    for offered in gateway.providers.models():
        model = gateway.models.enrich(offered)
        ranges = [each for each in gateway.prices.ranges(model.provider, model.name)
                  if each.valid_from_utc <= now < each.valid_to_utc and not each.tier_from_tokens]
        if ranges and model.input_usd_per_mtok is None:
            model = replace(
                model, input_usd_per_mtok=_usd(ranges[0].input_pico_usd),
                output_usd_per_mtok=_usd(ranges[0].output_pico_usd),
                request_usd=None if ranges[0].request_pico_usd is None
                else Decimal(ranges[0].request_pico_usd).scaleb(-12))
        found.append(model)
    return prepare_catalogue(found)


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico).scaleb(-6)
