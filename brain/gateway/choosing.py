"""Which routes a question takes: the one it names, or what the rules of model choice say."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brain.decisions.breaker import Breaker, Position
from brain.decisions.models.catalogue import Model, Priced, prepare_catalogue
from brain.decisions.models.choosing import choose_prepared
from brain.decisions.models.constraints import Criteria, State, prepare_ask
from brain.decisions.models.features import read_features
from brain.decisions.reasons import Reason
from brain.gateway.calling import Route, Way
from brain.gateway.providers import EXTRACTIVE
from brain.gateway.question import Question, Refusal

if TYPE_CHECKING:
    from brain.gateway.desk import Gateway

AUTOMATIC = ("", "auto", "brain")
"""Names of a model that leave the choice to the engine."""
_MOST_ROUTES = 5
_LOOKED_AT = 8_000


def choose_routes(gateway: "Gateway", way: Way) -> tuple[tuple[Route, ...], tuple[Reason, ...]]:
    """The routes to try in turn, none where documents alone can answer; and why.

    Raises Refusal where the named model is unknown or no model fulfils what is asked for.
    """
    started_ms = way.trace.now_ms()
    question = way.question
    offers = gateway.providers.models()
    if question.provider == EXTRACTIVE or question.model == EXTRACTIVE or not offers:
        return (), ()
    provider, name = _split(gateway, question)
    weights = gateway.knobs.read().routing_weights
    facts: Mapping[str, Any] = {}
    if name not in AUTOMATIC:
        routes = _named(gateway, offers, provider, name, weights)
        why: tuple[Reason, ...] = (Reason("named", f"The caller named the model {name:.80}."),)
    else:
        routes, why, facts = _choose(gateway, way, provider, weights)
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


def _named(gateway: "Gateway", offers: tuple[Model, ...], provider: str, name: str,
           weights: Mapping[str, float]) -> tuple[Route, ...]:
    found = tuple(Route(each.provider, each.name) for each in offers
                  if each.name == name and provider in ("", each.provider)
                  and _weight(weights, each) > 0)
    if found:
        return tuple(sorted(found, key=lambda route: -_weight(
            weights, Model(route.model, route.provider))))
    if provider and gateway.providers.live(provider) is not None:
        return (Route(provider, name),)
    raise Refusal("unknown_model", (Reason(
        "unknown_model", f"No provider that is switched on offers the model {name!r:.80}."),), 404)


def _choose(gateway: "Gateway", way: Way, provider: str, weights: Mapping[str, float]
            ) -> tuple[tuple[Route, ...], tuple[Reason, ...], Mapping[str, Any]]:
    question = way.question
    text = "\n".join(each.content for each in question.talk())
    features = replace(read_features(question.last_text()[:_LOOKED_AT]),
                       input_tokens=-(-len(text) // 4), output_tokens=None)
    criteria = Criteria(question.priority, question.max_cost_usd, question.max_latency_ms,
                        needs=_needs(way), max_output_tokens=question.max_output_tokens)
    catalogue = tuple(each for each in gateway.catalogue()
                      if provider in ("", each.model.provider)
                      and _weight(weights, each.model) > 0)
    predicted, learned = gateway.models.predict(question.last_text()[:_LOOKED_AT])
    choice = choose_prepared(prepare_ask(features, criteria, State(_positions(gateway))),
                             catalogue, predicted)
    if choice.chosen is None:
        raise Refusal("no_model", choice.reasons, 422)
    ranked = sorted((choice.chosen, *choice.alternatives),
                    key=lambda each: -_weight(weights, each.model))
    why = (*choice.reasons, *learned)
    if ranked[0] is not choice.chosen:
        why = (Reason("weighted", f"The routing weights prefer {ranked[0].model.name} to "
                                  f"{choice.chosen.model.name}."), *why)
    routes = tuple(Route(each.model.provider, each.model.name) for each in ranked)
    facts: Mapping[str, Any] = {}
    if question.priority == "balanced":  # a caller who asks for more than that gets the rules
        routes, told, facts = gateway.allocation.order(routes, question.workspace_id,
                                                       features.task_class)
        why = (*told, *why)
    return routes[:_MOST_ROUTES], why, facts


def _needs(way: Way) -> frozenset[str]:
    question = way.question
    return frozenset(name for name, wanted in (
        ("tools", bool(question.tools)), ("json", bool(question.json)),
        ("streaming", way.emit is not None),
        ("vision", any(each.parts for each in question.messages))) if wanted)


def _weight(weights: Mapping[str, float], model: Model) -> float:
    return weights.get(f"{model.provider}/{model.name}", weights.get(model.provider, 1.0))


def _positions(gateway: "Gateway") -> dict[str, Position]:
    """Breakers that are open now, by model name, where no other provider offers the model."""
    found: dict[str, list[bool]] = {}
    for model in gateway.providers.models():
        live = gateway.providers.live(model.provider)
        breaker = live.breakers.get(model.name, Breaker()) if live else Breaker()
        shut = breaker.position == "open" and gateway.monotonic() < breaker.until_s
        found.setdefault(model.name, []).append(shut)
    return {name: "open" for name, shut in found.items() if all(shut)}


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
