"""What there is to choose from: a model's limits, prices, abilities, and what was measured."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from brain.decisions.prices import to_pico_usd
from brain.decisions.reasons import InputError

CAPABILITIES = ("tools", "json", "vision", "streaming")
SAMPLE = "sample"
MOST_MODELS = 10_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of a model in requests of a task class ("" is all of them together).

    ``quality`` (0–100) is the mean of ``quality_n`` verdicts: feedback, graders, task success.
    ``output_ratio`` is output by input tokens. None is what nobody has measured.
    """

    task_class: str = ""
    requests: int = 0
    errors: int = 0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    ttft_p50_ms: float | None = None
    quality: float | None = None
    quality_n: int = 0
    output_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model. None is unknown; ``quality`` and ``latency_ms`` are declared, hence priors.

    Prices are USD per million tokens and per request. ``languages`` empty is any language.
    ``regions`` are where data may stay; ``no_training`` says that customers' data trains nothing.
    """

    name: str
    provider: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None
    quality: float | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    capabilities: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    no_training: bool | None = None
    measured: tuple[Measured, ...] = ()
    enabled: bool = True
    origin: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Provider and name, which no two models share."""
        return (self.provider, self.name)


@dataclass(frozen=True, slots=True)
class Priced:
    """A model with its prices as integers: pico-USD per token and per request, None unpriced."""

    model: Model
    input_pico: int | None
    output_pico: int | None
    request_pico: int


def _sample(name: str, context: int, output: int, prices: tuple[str, str], latency_ms: float,
            quality: float) -> Model:
    return Model(name, "openai", context, output, Decimal(prices[0]), Decimal(prices[1]),
                 quality=quality, latency_ms=latency_ms,
                 capabilities=frozenset({"tools", "json", "streaming"}), origin=SAMPLE)


SAMPLE_CATALOGUE: tuple[Model, ...] = (
    _sample("gpt-4-turbo-preview", 128_000, 4_096, ("10", "30"), 2_500.0, 95.0),
    _sample("gpt-3.5-turbo", 16_385, 4_096, ("0.5", "1.5"), 1_200.0, 80.0),
    _sample("gpt-3.5-turbo-16k", 16_385, 16_384, ("3", "4"), 1_800.0, 82.0),
)
"""Three models to try things with; their figures are declared, none was measured."""


def prepare_catalogue(models: Iterable[Model]) -> tuple[Priced, ...]:
    """The models ready for choosing, in an order that does not depend on the given one.

    Raises InputError naming the field (``catalogue[2].quality``) for a model that cannot be used
    and for one that stands there twice.
    """
    listed = tuple(models)
    if len(listed) > MOST_MODELS:
        raise InputError("too_many", f"a catalogue may have {MOST_MODELS:,} models", "catalogue")
    seen: set[tuple[str, str]] = set()
    for place, each in enumerate(listed):
        field = f"catalogue[{place}]"
        check_model(each, field)
        if each.key in seen:
            raise InputError("repeated_model", f"two models are called {each.name!r:.80}",
                             f"{field}.model")
        seen.add(each.key)
    return tuple(_price(each) for each in sorted(listed, key=lambda each: each.key))


def check_model(model: Model, field: str = "model") -> None:
    """Nothing, for a model that can be used. Raises InputError naming the field within it."""
    if not model.name.strip() or len(model.name) > 256 or len(model.provider) > 128:
        raise InputError("invalid_value", "a model needs a name of 1 to 256 characters, and a "
                         "provider of at most 128", f"{field}.model")
    for name in ("context_tokens", "max_output_tokens"):
        _check_number(getattr(model, name), name, field, 1, 10**12)
    for name in ("latency_ms", "ttft_ms"):
        _check_number(getattr(model, name), name, field, 0, 1e9)
    _check_number(model.quality, "quality", field, 0, 100)
    for name in ("input_usd_per_mtok", "output_usd_per_mtok", "request_usd"):
        amount = getattr(model, name)
        if amount is not None:
            try:
                to_pico_usd(amount, name)
            except InputError as error:
                raise InputError(error.code, error.message, f"{field}.{name}") from error
    classes = [each.task_class for each in model.measured]
    for place, each in enumerate(model.measured):
        _check_measured(each, f"{field}.measured[{place}]")
        if classes.index(each.task_class) != place:
            raise InputError("repeated_class", f"{each.task_class!r:.80} was measured twice",
                             f"{field}.measured[{place}].task_class")


def _check_measured(measured: Measured, field: str) -> None:
    for name in ("requests", "errors", "quality_n"):
        _check_number(getattr(measured, name), name, field, 0, 10**15)
    if measured.errors > measured.requests:
        raise InputError("impossible_statistics", "there are more errors than requests",
                         f"{field}.errors")
    for name in ("latency_p50_ms", "latency_p95_ms", "ttft_p50_ms"):
        _check_number(getattr(measured, name), name, field, 0, 1e9)
    _check_number(measured.quality, "quality", field, 0, 100)
    _check_number(measured.output_ratio, "output_ratio", field, 0, 1e6)


def _check_number(value: float | None, name: str, field: str, least: float, most: float) -> None:
    if value is None:
        return
    if not math.isfinite(value):
        raise InputError("not_finite", f"{name} must be a finite number", f"{field}.{name}")
    if not least <= value <= most:
        raise InputError("out_of_range", f"{name} must be within {least:,g} and {most:,g}",
                         f"{field}.{name}")


def _price(model: Model) -> Priced:
    def pico(name: str) -> int | None:
        amount = getattr(model, name)
        return None if amount is None else to_pico_usd(amount, name)
    return Priced(model, pico("input_usd_per_mtok"), pico("output_usd_per_mtok"),
                  pico("request_usd") or 0)
