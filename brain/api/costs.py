"""The verbs of costs: versions of the price book, lists, breakdowns, drivers, re-pricing."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from analytics import spans, spend
from brain.decisions.prices import ALWAYS_FROM
from brain.decisions.reasons import InputError
from brain.engine import Engine

Range = Annotated[str, Meta(max_length=100)]
Names = list[Annotated[str, Meta(max_length=256)]]
DRIVERS = ("before_usd", "after_usd", "change_usd", "volume_usd", "mix_usd", "price_usd",
           "requests_usd", "size_usd")


class PriceVersions(msgspec.Struct, forbid_unknown_fields=True):
    """At most so many versions."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100


class ImportPrices(msgspec.Struct, forbid_unknown_fields=True):
    """A price list in the form of LiteLLM's file; ``start`` is when its prices begin to hold."""

    text: str
    name: Annotated[str, Meta(max_length=200)] = "prices.json"
    start: str | None = None
    person: Annotated[str, Meta(max_length=128)] = ""


class TakeBackPrices(msgspec.Struct, forbid_unknown_fields=True):
    """Which version."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    person: Annotated[str, Meta(max_length=128)] = ""


class Breakdown(msgspec.Struct, forbid_unknown_fields=True):
    """A range, and up to two of the dimensions, as the Costs page names them."""

    range: Range = "24h"
    by: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=2)] = msgspec.field(
        default_factory=lambda: ["Model"])
    workspaces: Names = []
    limit: Annotated[int, Meta(ge=1, le=5_000)] = 100


class Drivers(msgspec.Struct, forbid_unknown_fields=True):
    """A range; it is compared with the span of the same length before it."""

    range: Range = "24h"
    workspaces: Names = []


class Reprice(msgspec.Struct, forbid_unknown_fields=True):
    """A range, and two ways of pricing: billed, current, today, list or version:N."""

    range: Range = "24h"
    base: Annotated[str, Meta(max_length=32)] = "billed"
    other: Annotated[str, Meta(max_length=32)] = "today"
    workspaces: Names = []
    person: Annotated[str, Meta(max_length=128)] = ""


def list_versions(engine: Engine, wanted: PriceVersions) -> Any:
    """Versions of the price book, latest first."""
    return [asdict(each) for each in engine.prices.versions()[:wanted.limit]]


def import_prices(engine: Engine, given: ImportPrices) -> Any:
    """What taking over the list did. Raises InputError for one that cannot be used."""
    return asdict(engine.costs.import_list(given.text.encode("utf-8", "replace"), given.name,
                                           _read_start(given.start), given.person))


def take_back(engine: Engine, wanted: TakeBackPrices) -> Any:
    """How many prices hold no longer, or again."""
    return {"prices": engine.costs.take_back_version(wanted.version, wanted.person)}


def break_down(engine: Engine, wanted: Breakdown) -> Any:
    """Rows of spend, dearest first, with a row of all others; they add up to the total."""
    known = {*spend.DIMENSIONS, *spend.BUCKETS}
    if unknown := [each for each in wanted.by if each not in known]:
        raise InputError("unknown_dimension", f"spend is told by {', '.join(sorted(known))}, not "
                         f"{unknown[0][:40]!r}", "by")
    if len({*wanted.by} & {*spend.BUCKETS}) > 1 or len({*wanted.by}) < len(wanted.by):
        raise InputError("twice", "two dimensions must differ, and one of them may be time", "by")
    span = _read_span(engine, wanted.range)
    whole = engine.costs.breakdown(span, workspaces=wanted.workspaces)
    rows = spend.with_rest(engine.costs.breakdown(span, wanted.by, wanted.limit,
                                                  workspaces=wanted.workspaces), whole,
                           wanted.limit)
    found, seen = spend.with_units(rows), spend.total(whole)
    names = [each for each in wanted.by if each in spend.DIMENSIONS]
    lines = []
    for row in found.to_dict("records"):
        line: dict[str, Any] = dict(zip(names, (row["first_name"], row["second_name"]),
                                        strict=False))
        if len(names) < len(wanted.by):
            line["start_utc"] = None if row["is_rest"] else row["bucket_start_utc"]
        if row["is_rest"] and not names:
            line["start_utc"] = row["first_name"]
        lines.append(line | {name: row[name] for name in (
            "requests", "cached", "tokens", "cost_usd", "saved_usd", "unpriced_requests",
            "usd_per_request", "usd_per_1k_tokens")})
    return {"start_utc": span.start, "end_utc": span.end, "requests": seen.requests,
            "total_usd": seen.cost_usd, "saved_usd": seen.saved_usd,
            "unpriced_requests": seen.unpriced_requests, "rows": lines}


def explain(engine: Engine, wanted: Drivers) -> Any:
    """Volume, mix and price of the change, in all and by model."""
    found = engine.costs.drivers(_read_span(engine, wanted.range), workspaces=wanted.workspaces)
    return {"total": {name: getattr(found.total, name) for name in DRIVERS},
            "by_name": {each.name: {name: getattr(each, name) for name in DRIVERS}
                        for each in found.by_name}}


def reprice(engine: Engine, wanted: Reprice) -> Any:
    """A range priced in two ways, by model; noted in the record."""
    done = engine.costs.reprice(_read_span(engine, wanted.range), wanted.base, wanted.other,
                                wanted.person, wanted.workspaces)
    base, other = done.totals_usd
    return {"repricing_id": done.repricing_id, "start_utc": done.span.start,
            "end_utc": done.span.end, "base": done.base, "other": done.other, "base_usd": base,
            "other_usd": other, "difference_usd": done.difference_usd,
            "unpriced_requests": done.unpriced_requests, "rows": [{
                "provider": row.provider, "model": row.model, "price_context": row.price_context,
                "requests": row.requests, "tokens": row.tokens, "base_usd": row.costs_usd[0],
                "other_usd": row.costs_usd[1], "difference_usd": row.difference_usd,
                "unpriced_requests": row.unpriced_requests} for row in done.rows]}


def _read_span(engine: Engine, text: str) -> spans.Span:
    try:
        return spans.parse_range(text, engine.clock())
    except ValueError as error:
        raise InputError("not_a_range", str(error), "range") from error


def _read_start(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    if text == "always":
        return ALWAYS_FROM
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("not_a_time", "start must be a time such as 2026-01-31, or always, not "
                         f"{text[:40]!r}", "start") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)

