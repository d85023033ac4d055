"""``brain models``: which model to use, and what a router would save."""

from argparse import Namespace as Arguments
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from brain.cli.command import Command
from brain.cli.machine import Form, ReasonOut
from brain.cli.model_evaluation import EVALUATE
from brain.cli.model_router import COMMANDS as ROUTER
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.decisions.models.catalogue import Model
    from brain.decisions.models.choosing import Candidate, ModelChoice
    from brain.decisions.models.constraints import Broken
    from brain.decisions.models.features import Features

Tokens = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Ms = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Quality = Annotated[float, msgspec.Meta(ge=0, le=100)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(max_length=256)]
Capability = Literal["tools", "json", "vision", "streaming"]


class MeasuredIn(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen of a model in a task class; "" is all of them. ``quality`` is 0–100."""

    task_class: Name = ""
    requests: Count = 0
    errors: Count = 0
    latency_p50_ms: Ms | None = None
    latency_p95_ms: Ms | None = None
    ttft_p50_ms: Ms | None = None
    quality: Quality | None = None
    quality_n: Count = 0
    output_ratio: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None


class ModelIn(msgspec.Struct, forbid_unknown_fields=True):
    """One model; null is unknown. ``quality`` (0–100) and ``latency_ms`` are declared."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    provider: Annotated[str, msgspec.Meta(max_length=128)] = ""
    context_tokens: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None
    quality: Quality | None = None
    latency_ms: Ms | None = None
    ttft_ms: Ms | None = None
    capabilities: list[Capability] = []
    languages: list[Name] = []
    regions: list[Name] = []
    no_training: bool | None = None
    enabled: bool = True
    measured: list[MeasuredIn] = []


class FeaturesIn(msgspec.Struct, forbid_unknown_fields=True):
    """What is known of the request; it overrides what the prompt tells.

    ``complexity`` follows from words, characters, questions and has_code where it is not given.
    """

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    task_class: Name | None = None
    language: Name | None = None
    has_personal_data: bool | None = None
    words: Count | None = None
    characters: Count | None = None
    questions: Count | None = None
    has_code: bool | None = None
    model_tokens: dict[str, Tokens] = {}


class CriteriaIn(msgspec.Struct, forbid_unknown_fields=True):
    """What the caller wants; null and empty ask for nothing. Bounds hold for what is expected."""

    priority: Literal["balanced", "cost", "latency", "quality"] = "balanced"
    max_cost_usd: Decimal | None = None
    max_latency_ms: Ms | None = None
    min_quality: Quality | None = None
    needs: list[Capability] = []
    regions: list[Name] = []
    no_training: bool = False
    no_training_for_personal_data: bool = False
    max_output_tokens: Tokens | None = None
    max_error_ratio: Ratio | None = None
    models: list[Name] = []


class QuotaIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a model's quota leaves; null is unlimited."""

    requests: Count | None = None
    tokens: Count | None = None
    usd: Decimal | None = None


class StateIn(msgspec.Struct, forbid_unknown_fields=True):
    """How things stand. Breakers and quotas by model name, or
    "provider/name"; ``projected_usd`` is what the rest of
    the budget's window is expected to use."""

    breakers: dict[str, Literal["closed", "half_open", "open"]] = {}
    quotas: dict[str, QuotaIn] = {}
    budget_remaining_usd: Decimal | None = None
    projected_usd: Decimal | None = None


class ChooseIn(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt, features, or both. Without ``catalogue`` the three sample models are used.

    ``predicted_quality`` (0–100 by model name) is what a router expects for this very prompt.
    """

    prompt: str | None = None
    features: FeaturesIn = msgspec.field(default_factory=FeaturesIn)
    criteria: CriteriaIn = msgspec.field(default_factory=CriteriaIn)
    catalogue: list[ModelIn] | None = None
    state: StateIn = msgspec.field(default_factory=StateIn)
    predicted_quality: dict[str, Quality] = {}


NEEDED: tuple[dict[str, Any], ...] = (
    {"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    *({"properties": {"features": {"properties": {name: {"type": "integer"}}, "required": [name]}},
       "required": ["features"]} for name in ("input_tokens", "characters")))
"""What a choice cannot do without."""


class FeaturesOut(msgspec.Struct, frozen=True):
    """What the choice went by; ``tokens_estimated`` says that no tokenizer counted."""

    input_tokens: int
    tokens_estimated: bool
    complexity: str
    task_class: str
    language: str
    has_personal_data: bool


class CandidateOut(msgspec.Struct, frozen=True):
    """A model that breaks no constraint: what is expected of it, and its scores of 0–100.

    Intervals hold 95 %. ``trade`` says what taking it instead of the chosen one changes.
    """

    model: str
    provider: str
    trade: str
    expected_cost_usd: float | None
    expected_latency_ms: float | None
    expected_quality: float | None
    cost_interval_usd: tuple[float, float] | None
    latency_interval_ms: tuple[float, float] | None
    quality_interval: tuple[float, float] | None
    input_tokens: int
    expected_output_tokens: int
    score: float
    scores: dict[str, float]
    basis: dict[str, str]


class BrokenOut(msgspec.Struct, frozen=True):
    """A constraint that a model breaks; ``value`` in ``field`` would just be enough, null if no
    number helps."""

    model: str
    constraint: str
    text: str
    field: str
    value: float | None
    remedy: str


class NoModelOut(msgspec.Struct, frozen=True):
    """The constraint that emptied the list, and all that stands in the nearest model's way."""

    constraint: str
    text: str
    nearest_model: str | None
    satisfy: list[BrokenOut]


class ChooseOut(msgspec.Struct, frozen=True):
    """The model, null with ``no_model`` where none is left. ``fallbacks`` are to be tried in turn.

    ``excluded`` has every broken constraint of every model that is no candidate.
    """

    model: str | None
    provider: str | None
    reasons: list[ReasonOut]
    expected_cost_usd: float | None
    expected_latency_ms: float | None
    expected_quality: float | None
    chosen: CandidateOut | None
    alternatives: list[CandidateOut]
    fallbacks: list[str]
    excluded: list[BrokenOut]
    no_model: NoModelOut | None
    features: FeaturesOut


def prepare_choose(_: Arguments) -> Callable[[Any], ChooseOut]:
    """The function that chooses a model for one request."""
    from brain.decisions.models.catalogue import SAMPLE_CATALOGUE
    from brain.decisions.models.choosing import choose_model
    from brain.decisions.models.constraints import Criteria, State
    from brain.decisions.quotas import Left

    def choose(given: ChooseIn) -> ChooseOut:
        features = read_request(given)
        asked = given.criteria
        criteria = Criteria(
            asked.priority, asked.max_cost_usd, asked.max_latency_ms, asked.min_quality,
            frozenset(asked.needs), frozenset(asked.regions), asked.no_training,
            asked.no_training_for_personal_data, asked.max_output_tokens, asked.max_error_ratio,
            frozenset(asked.models))
        state = State(
            given.state.breakers,
            {name: Left(each.requests, each.tokens, each.usd)
             for name, each in given.state.quotas.items()},
            given.state.budget_remaining_usd, given.state.projected_usd)
        catalogue = SAMPLE_CATALOGUE if given.catalogue is None else \
            tuple(map(read_model, given.catalogue))
        return show_choice(choose_model(features, criteria, catalogue, state,
                                        given.predicted_quality), features)
    return choose


def read_request(given: ChooseIn) -> "Features":
    """The features of the prompt, overridden by those that are told.

    Raises InputError where neither tells how long the request is.
    """
    from brain.decisions.models.features import (
        Features,
        estimate_tokens,
        judge_complexity,
        read_features,
    )
    told = given.features
    seen = None if given.prompt is None else read_features(given.prompt)
    tokens, is_estimated = told.input_tokens, False
    if tokens is None:
        if seen is not None:
            tokens, is_estimated = seen.input_tokens, True
        elif told.characters is not None:
            tokens, is_estimated = estimate_tokens(told.characters), True
        else:
            raise InputError("missing_field", "a choice needs a prompt, or features with "
                             "input_tokens or characters", "prompt")
    complexity = told.complexity
    if complexity is None:
        counted = (told.words, told.characters, told.questions, told.has_code)
        complexity = seen.complexity if seen is not None and counted == (None,) * 4 else \
            judge_complexity(told.words or 0, told.characters or 0, told.questions or 0,
                             has_code=bool(told.has_code))
    default = seen or Features(0)
    task, language, personal = told.task_class, told.language, told.has_personal_data
    return Features(
        tokens, complexity, is_estimated, default.task_class if task is None else task,
        default.language if language is None else language,
        default.has_personal_data if personal is None else personal, told.output_tokens,
        tuple(told.model_tokens.items()))


def read_model(given: ModelIn) -> "Model":
    """The catalogue's model of a line."""
    from brain.decisions.models.catalogue import Measured, Model
    return Model(
        given.model, given.provider, given.context_tokens, given.max_output_tokens,
        given.input_usd_per_mtok, given.output_usd_per_mtok, given.request_usd, given.quality,
        given.latency_ms, given.ttft_ms, frozenset(given.capabilities),
        frozenset(given.languages), frozenset(given.regions), given.no_training,
        tuple(Measured(*msgspec.structs.astuple(each)) for each in given.measured),
        given.enabled)


def show_choice(found: "ModelChoice", features: "Features") -> ChooseOut:
    """A choice as a line."""
    chosen = None if found.chosen is None else _show_candidate(found.chosen)
    none = found.no_model
    return ChooseOut(
        None if chosen is None else chosen.model, None if chosen is None else chosen.provider,
        [ReasonOut(each.code, each.text) for each in found.reasons],
        None if chosen is None else chosen.expected_cost_usd,
        None if chosen is None else chosen.expected_latency_ms,
        None if chosen is None else chosen.expected_quality, chosen,
        list(map(_show_candidate, found.alternatives)), list(found.fallbacks),
        [_show_broken(each.model.name, broken) for each in found.excluded
         for broken in each.broken],
        None if none is None else NoModelOut(
            none.constraint, none.text, None if none.nearest is None else none.nearest.name,
            [_show_broken(none.nearest.name if none.nearest else "", each)
             for each in none.remedies]),
        FeaturesOut(features.input_tokens, features.is_estimated, features.complexity,
                    features.task_class, features.language, features.has_personal_data))


def _show_candidate(found: "Candidate") -> CandidateOut:
    expected, scores = found.expected, found.scores
    cost = None if expected.cost_lower_pico is None or expected.cost_upper_pico is None else (
        expected.cost_lower_pico / 1e12, expected.cost_upper_pico / 1e12)
    return CandidateOut(
        found.model.name, found.model.provider, found.trade,
        None if expected.cost_pico is None else expected.cost_pico / 1e12,
        expected.latency.value, expected.quality.value, cost, _interval(expected.latency),
        _interval(expected.quality), expected.input_tokens, expected.output_tokens, scores.total,
        {"quality": scores.quality, "latency": scores.latency, "cost": scores.cost},
        {"quality": expected.quality.basis, "latency": expected.latency.basis,
         "output_tokens": expected.output_basis})


def _interval(found: Any) -> tuple[float, float] | None:
    return None if found.value is None else (found.lower, found.upper)


def _show_broken(model: str, broken: "Broken") -> BrokenOut:
    return BrokenOut(model, broken.constraint, broken.text, broken.field,
                     None if broken.value is None else float(broken.value), broken.remedy)


COMMANDS: tuple[Command, ...] = (
    Command("models", "choose", "Choose the model for a request: constraints, scores, reasons, "
            "alternatives.", form=Form(
                ChooseIn, ChooseOut, prepare_choose, needs=NEEDED)),
    EVALUATE, *ROUTER,
)
