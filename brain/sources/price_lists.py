"""Published prices: the genai-prices package, the sample models, files of LiteLLM's form."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.decisions.price_contexts import read_context
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, AMOUNTS, Name, Price, check_price
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

SAMPLE_PER_1000_TOKENS: tuple[tuple[str, str, str | None], ...] = (
    ("gpt-4-turbo-preview", "0.01", "0.03"),
    ("gpt-3.5-turbo", "0.0005", "0.0015"),
    ("text-embedding-3-small", "0.00002", None))
"""The sample models of OpenAI: input and output in USD per 1,000 tokens."""

_FIELDS = {"input_usd_per_mtok": "input_mtok", "cache_read_usd_per_mtok": "cache_read_mtok",
           "cache_write_usd_per_mtok": "cache_write_mtok", "output_usd_per_mtok": "output_mtok",
           "request_usd": "requests_kcount"}
_LITELLM_FIELDS = {"input_usd_per_mtok": "input_cost_per_token",
                   "cache_read_usd_per_mtok": "cache_read_input_token_cost",
                   "cache_write_usd_per_mtok": "cache_creation_input_token_cost",
                   "output_usd_per_mtok": "output_cost_per_token",
                   "request_usd": "input_cost_per_request"}
_MAKERS = ("openai", "anthropic", "google", "mistral", "cohere", "deepseek", "x-ai")
_VARIANTS = {"processing", "service_tier", "speed", "route"}
"""What a request is asked with that makes a price of its own, as genai-prices names it."""
_LITELLM_KEY = re.compile(r"_above_(\d{1,9})k_tokens(?:_([a-z]+))?\Z")
_LITELLM_CONTEXTS = ("batches", "flex", "priority", "ultrafast")
_LITELLM_FACTORS = ("us", "eu", "fast")
"""Multipliers of an entry's own ``provider_specific_entry``: regions and the fast mode."""


def list_prices() -> list[Price]:
    """Every built-in price, ``price_id`` counting from 1, earlier rows weaker.

    First the sample models (source "sample") where genai-prices has no model of that very
    name, then genai-prices with all dated changes and prompt tiers (source "genai-prices"
    and its version). Its request-dependent variants (batch, flex, priority, fast) are rows of
    that context. Of prices by time of day the one without is taken; the source says so. Amounts
    finer than 6 decimals per million tokens are rounded half-even.
    A model without any of the five amounts has no row and stays unpriced.
    """
    return list(_built_in())


@cache
def _built_in() -> tuple[Price, ...]:
    published = list(_read_genai_prices())
    names = {(row.provider, row.model) for row in published}
    samples = [row for row in _sample_prices() if (row.provider, row.model) not in names]
    return _number([*samples, *published])


def find_prices(provider: str, model: str) -> list[Price]:
    """Rows of `list_prices` that hold for a provider and model as an event names them."""
    names = {(provider, model), match_model(provider, model)}
    return [row for name in names if name for row in _by_name().get(name, ())]


@cache
def _by_name() -> Mapping[Name, list[Price]]:
    found: dict[Name, list[Price]] = {}
    for row in _built_in():
        found.setdefault((row.provider, row.model), []).append(row)
    return found


@lru_cache(maxsize=20_000)
def match_model(provider: str, model: str) -> Name | None:
    """Provider and model under which genai-prices lists what an event calls so, or None.

    ``provider`` may be empty: then the model's name, or a prefix such as ``openai/``, tells;
    where several offer a model of that name it is its maker's.
    Where a provider resells another's models (Azure, Google) the other's name may come back.
    """
    from genai_prices.data_snapshot import get_snapshot
    snapshot = get_snapshot()
    prefixed = ("litellm",) if "/" in model else ()
    for provider_id in (provider,) if provider else (*prefixed, None, *_MAKERS):
        try:
            found, info = snapshot.find_provider_model(model, None, provider_id, None)
        except LookupError:
            continue
        return (_owners().get(id(info), found.id), info.id)
    return None


@cache
def _owners() -> Mapping[int, str]:
    from genai_prices.data_snapshot import get_snapshot
    return {id(info): provider.id for provider in get_snapshot().providers
            for info in provider.models}


def _number(rows: Iterable[Mapping[str, Any] | Price]) -> tuple[Price, ...]:
    numbered = []
    for number, row in enumerate(rows, start=1):
        fields = row if isinstance(row, Mapping) else {
            name: getattr(row, name) for name in Price.__dataclass_fields__}
        numbered.append(Price(**{**fields, "price_id": number}))
    return tuple(numbered)


def _sample_prices() -> Iterator[Price]:
    for model, input_usd, output_usd in SAMPLE_PER_1000_TOKENS:
        yield Price(0, "openai", model, "list", "sample",
                    input_usd_per_mtok=Decimal(input_usd) * 1000,
                    output_usd_per_mtok=Decimal(output_usd) * 1000 if output_usd else None)


def _read_genai_prices() -> Iterator[Price]:
    from genai_prices.data_snapshot import get_snapshot
    version = metadata.version("genai-prices")
    for provider in get_snapshot().providers:
        for info in provider.models:
            yield from _read_model(provider.id, info, f"genai-prices {version}")


def _read_model(provider: str, info: "ModelInfo", source: str) -> Iterator[Price]:
    """Rows of one model: a price holds from its start date to the next one's."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint
    if isinstance(info.prices, ModelPrice):
        yield from _read_tiers(provider, info.id, source, (ALWAYS_FROM, ALWAYS_TO), info.prices)
        yield from _read_variants(provider, info, source)
        return
    if any(isinstance(each.constraint, TimeOfDateConstraint) for each in info.prices):
        source += ", without its prices by time of day"
    if not info.prices:
        return
    standing = info.prices[0].prices
    dated: dict[dt.datetime, ModelPrice] = {}
    for each in info.prices:
        if each.constraint is None:
            standing = each.prices
        elif isinstance(each.constraint, StartDateConstraint):
            start = dt.datetime.combine(each.constraint.start_date, dt.time(), dt.UTC)
            dated[start] = each.prices
    starts = sorted(dated)
    spans = zip([ALWAYS_FROM, *starts], [*starts, ALWAYS_TO], strict=True)
    for span, prices in zip(spans, [standing, *(dated[start] for start in starts)], strict=True):
        yield from _read_tiers(provider, info.id, source, span, prices)
    yield from _read_variants(provider, info, source)


def _read_variants(provider: str, info: "ModelInfo", source: str) -> Iterator[Price]:
    """Rows of the prices that hold for some requests only, the weakest of one context first."""
    from genai_prices.types import StartDateConstraint
    for variant in reversed(info.price_variants or ()):
        if not _VARIANTS.issuperset(variant.when):
            continue
        constraint = variant.constraint
        if constraint is not None and not isinstance(constraint, StartDateConstraint):
            continue
        start = ALWAYS_FROM if constraint is None else dt.datetime.combine(
            constraint.start_date, dt.time(), dt.UTC)
        context = read_context(*variant.when.values())
        if context:
            yield from _read_tiers(provider, info.id, source, (start, ALWAYS_TO), variant.prices,
                                   context)


def _read_tiers(provider: str, model: str, source: str, span: tuple[dt.datetime, dt.datetime],
                prices: "ModelPrice", context: str = "") -> Iterator[Price]:
    """One row per prompt tier; genai-prices' tier starts above its number of tokens."""
    from genai_prices.types import TieredPrices
    stored = {ours: vars(prices).get(theirs) for ours, theirs in _FIELDS.items()}
    starts = sorted({tier.start for price in stored.values() if isinstance(price, TieredPrices)
                     for tier in price.tiers})
    if any(vars(prices).get(name) is not None for name in ("output_reasoning_mtok",
                                                           "output_citation_mtok")):
        source += ", reasoning and citations at the output price"
    for start in [None, *starts]:
        amounts: dict[str, Any] = {}
        for name, price in stored.items():
            if isinstance(price, TieredPrices):
                reached = [tier.price for tier in price.tiers
                           if start is not None and tier.start <= start]
                price = reached[-1] if reached else price.base
            if price is not None:
                amounts[name] = _round(price / 1000 if name == "request_usd" else price, name)
        if amounts:
            yield Price(0, provider, model, "list", source, *span,
                        tier_from_tokens=0 if start is None else start + 1, context=context,
                        **amounts)


def _round(amount: Decimal, name: str) -> Decimal:
    step = Decimal("1e-12") if name == "request_usd" else Decimal("1e-6")
    rounded = amount.quantize(step, rounding=ROUND_HALF_EVEN)
    return amount if rounded == amount else rounded


def read_litellm_prices(path: str | Path, valid_from_utc: dt.datetime = ALWAYS_FROM,
                        ) -> list[Price]:
    """List prices of a file in the form of LiteLLM's model_prices_and_context_window.json.

    USD per token become USD per million tokens; ``..._above_200k_tokens`` becomes a tier
    from 200,001 prompt tokens, ``..._batches``, ``_flex``, ``_priority`` and the multipliers us,
    eu and fast of ``provider_specific_entry`` rows of that context. The provider is
    ``litellm_provider``, and is taken off the front of the model's name. Models priced by
    something else than tokens or requests are left out. Raises InputError naming the model for a
    file or a price that cannot be used, OSError for a file that cannot be read.
    """
    return parse_litellm_prices(Path(path).read_bytes(), Path(path).name, valid_from_utc)


def parse_litellm_prices(body: bytes, name: str, valid_from_utc: dt.datetime = ALWAYS_FROM,
                         ) -> list[Price]:
    """The same of a file's content; see `read_litellm_prices`."""
    try:
        entries = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InputError("invalid_json", f"{name} is not JSON: {error}") from error
    if not isinstance(entries, dict):
        raise InputError("wrong_form", f"{name} must be an object by model")
    digest = hashlib.sha256(body).hexdigest()[:12]
    source = f"litellm {name[:200]} {digest}"
    rows = [row for model, entry in entries.items() if model != "sample_spec"
            for row in _read_litellm_model(model, entry, source, valid_from_utc)]
    return list(_number(rows))


def _read_litellm_model(model: str, entry: Any, source: str,
                        valid_from_utc: dt.datetime) -> Iterator[Price]:
    if not isinstance(entry, dict):
        raise InputError("wrong_form", f"{model!r:.80} must be an object", model)
    tiers = sorted({int(found[1]) for key in entry if (found := _LITELLM_KEY.search(key))
                    and found[2] in (None, *_LITELLM_CONTEXTS)})
    plain = list(_read_litellm_tiers(model, entry, tiers, "", source, valid_from_utc))
    yield from plain
    for suffix in _LITELLM_CONTEXTS:
        yield from _read_litellm_tiers(model, entry, tiers, suffix, source, valid_from_utc)
    factors: Any = entry.get("provider_specific_entry")
    for word in _LITELLM_FACTORS if isinstance(factors, dict) else ():
        factor = factors.get(word)
        if isinstance(factor, Decimal) and factor.is_finite() and 0 < factor <= 100 and factor != 1:
            for row in plain:
                amounts: dict[str, Any] = {
                    name: _round(amount * factor, name) for name, amount
                    in zip(AMOUNTS, row.amounts(), strict=True) if amount is not None}
                yield replace(row, context=word, **amounts)


def _read_litellm_tiers(model: str, entry: Mapping[str, Any], tiers: Iterable[int], suffix: str,
                        source: str, valid_from_utc: dt.datetime) -> Iterator[Price]:
    """One row per prompt tier that the entry has prices for, under one ending of its keys."""
    provider = str(entry.get("litellm_provider") or "")
    base: dict[str, Any] = {}
    for thousands in [0, *tiers]:
        ending = (f"_above_{thousands}k_tokens" if thousands else "") + (
            f"_{suffix}" if suffix else "")
        given = {name: _read_litellm_amount(model, field + ending, told, name)
                 for name, field in _LITELLM_FIELDS.items()
                 if (told := entry.get(field + ending)) is not None}
        base |= given
        if not base or (suffix and not given):
            continue
        row = Price(0, provider, model.removeprefix(f"{provider}/"), "list", source,
                    valid_from_utc, ALWAYS_TO,
                    tier_from_tokens=thousands * 1000 + 1 if thousands else 0,
                    context=read_context(suffix), **base)
        try:
            check_price(row)
        except InputError as error:
            raise InputError(error.code, f"{model!r:.80}: {error.message}", model) from error
        yield row


def _read_litellm_amount(model: str, field: str, given: Any, name: str) -> Decimal:
    if not isinstance(given, Decimal) or not given.is_finite() or not -1 <= given <= 10**6:
        raise InputError("invalid_price", f"{model!r:.80}: {field} must be a number of USD", model)
    return _round(given if name == "request_usd" else given * 10**6, name)
