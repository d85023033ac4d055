"""A span priced in two ways, with the difference by model."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from analytics.spans import Span
from brain.decisions import repricing
from brain.decisions.prices import PriceRange, Use, resolve_seen
from brain.decisions.reasons import InputError
from brain.decisions.repricing import Cell, CellUse, Repriced

if TYPE_CHECKING:
    from brain.engine import Engine

_EXACT = Context(prec=60)
_TIME = pa.timestamp("us")
_CELLS = pa.schema([("scenario", pa.string()), ("cell_id", pa.int64()), ("provider", pa.string()),
                    ("model", pa.string()), ("price_context", pa.string()),
                    ("valid_from_utc", _TIME), ("valid_to_utc", _TIME),
                    ("tier_from_tokens", pa.int64()), ("tier_to_tokens", pa.int64())])
_CLASSES = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Repricing:
    """A span by two ways of pricing; the totals are the sums of the rows, to the last digit."""

    repricing_id: str
    at_utc: dt.datetime
    person: str
    span: Span
    base: str
    other: str
    rows: tuple[Repriced, ...]

    @property
    def totals_usd(self) -> tuple[Decimal, Decimal]:
        """What the span costs by either way."""
        base = other = Decimal(0)
        for row in self.rows:
            base = _EXACT.add(base, row.costs_usd[0])
            other = _EXACT.add(other, row.costs_usd[1])
        return base, other

    @property
    def difference_usd(self) -> Decimal:
        """The other way less the base."""
        base, other = self.totals_usd
        return _EXACT.subtract(other, base)

    @property
    def unpriced_requests(self) -> tuple[int, int]:
        """Requests that either way has no price for."""
        return (sum(row.unpriced_requests[0] for row in self.rows),
                sum(row.unpriced_requests[1] for row in self.rows))


def price_span(engine: "Engine", span: Span, bases: Sequence[str],
               workspaces: Sequence[str] = ()) -> tuple[Repriced, ...]:
    """Each model's cost in a span by each way of pricing; see `repricing.BASES`.

    One pass over the requests, whatever the number of ways. Raises InputError for a way or a
    version that there is not.
    """
    engine.drain()
    seen = {(row["provider"], row["model"], row["price_context"])
            for row in engine.store.read("rollup/seen_models", {
                "start": span.start, "end": span.end}).to_pylist()}
    ways = [ranges_of(engine, basis, seen, span) for basis in bases]
    cells = repricing.cut_cells(ways, span.start, span.end)
    scenario = uuid.uuid4().hex
    engine.store.execute_with("prices/insert_cells", cells_table(scenario, cells))
    try:
        rows = engine.store.read("costs/use_by_cell", {
            "scenario": scenario, "start": span.start, "end": span.end,
            "workspaces": list(workspaces)}).to_pylist()
    finally:
        engine.store.execute("prices/delete_cells", scenario=scenario)
    uses = [CellUse(row["cell_id"], row["provider"], row["model"], row["price_context"],
                    bool(row["cached"]), row["classes_used"], row["requests"],
                    (row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"],
                     row["output_tokens"])) for row in rows]
    return repricing.price_uses(uses, cells, len(ways))


def reprice(engine: "Engine", span: Span, base: str, other: str, person: str,
            workspaces: Sequence[str] = ()) -> Repricing:
    """A span priced in two ways, kept and noted in the record; no stored cost changes.

    Raises InputError for a way or a version that there is not.
    """
    base, other = _spelled(base), _spelled(other)
    done = Repricing(uuid.uuid4().hex, engine.clock(), person, span, base, other,
                     price_span(engine, span, (base, other), workspaces))
    first, last = done.totals_usd
    engine.state.insert("repricings", {
        "repricing_id": done.repricing_id, "at_utc": done.at_utc, "person": person,
        "start_utc": span.start, "end_utc": span.end, "base": done.base, "other": done.other,
        "base_usd": f"{first:f}", "other_usd": f"{last:f}",
        "rows_json": json.dumps([_to_json(row) for row in done.rows])[:1_000_000]})
    engine.audit("period re-priced", done.repricing_id, {"basis": done.base, "usd": f"{first:f}"},
                 {"basis": done.other, "usd": f"{last:f}", "start": span.start, "end": span.end,
                  "workspaces": list(workspaces), "book_version": engine.prices.version()},
                 person)
    return done


def list_repricings(engine: "Engine") -> list[dict[str, Any]]:
    """Every re-pricing that was asked for, latest first: who, when, what span and ways, totals."""
    return [{name: value for name, value in row.items() if name != "rows_json"} | {
        "base_usd": Decimal(row["base_usd"]), "other_usd": Decimal(row["other_usd"])}
        for row in reversed(engine.state.rows("repricings", order="at_utc"))]


def _spelled(basis: str) -> str:
    name, version = repricing.read_basis(basis)
    return f"{name}:{version}" if version is not None else name


def ranges_of(engine: "Engine", basis: str, seen: set[Use], span: Span) -> tuple[PriceRange, ...]:
    """What holds for the uses of a span by a way of pricing. Raises InputError for no such way."""
    from brain.sources.price_lists import match_model
    name, version = repricing.read_basis(basis)
    book = engine.prices
    if name == "version":
        try:
            return book.resolve(seen, version)
        except LookupError as error:
            raise InputError("unknown_version", str(error.args[0]), "basis") from error
    if name == "list":
        return resolve_seen([row for row in book.rows() if row.origin == "list"], seen,
                            match_model)
    if name == "today":
        return repricing.hold_today(book.resolve(seen), engine.clock())
    if name == "billed":
        return repricing.as_known([(at, book.resolve(seen, number))
                                   for number, at in _known_in(engine, span)])
    return book.resolve(seen)


def _known_in(engine: "Engine", span: Span) -> list[tuple[int, dt.datetime]]:
    """The last version of each day that counts in a span, and the one before it."""
    by_day = {each.at_utc.date(): (each.version, each.at_utc)
              for each in reversed(engine.prices.versions())}
    found = [each for _, each in sorted(by_day.items()) if each[1] < span.end]
    before = [each for each in found if each[1].date() <= span.start.date()]
    return (before[-1:] + [each for each in found if each[1].date() > span.start.date()]
            or [each for _, each in sorted(by_day.items())][:1])


def cells_table(scenario: str, cells: Sequence[Cell]) -> pa.Table:
    """Cells as rows for ``prices/insert_cells``."""
    return pa.Table.from_pylist([{
        "scenario": scenario, "cell_id": each.cell_id, "provider": each.provider,
        "model": each.model, "price_context": each.price_context,
        "valid_from_utc": each.valid_from_utc.replace(tzinfo=None),
        "valid_to_utc": each.valid_to_utc.replace(tzinfo=None),
        "tier_from_tokens": each.tier_from_tokens, "tier_to_tokens": each.tier_to_tokens}
        for each in cells], schema=_CELLS)


def _to_json(row: Repriced) -> dict[str, Any]:
    return {"provider": row.provider, "model": row.model, "price_context": row.price_context,
            "requests": row.requests, "tokens": row.tokens,
            "costs_usd": [f"{each:f}" for each in row.costs_usd],
            "unpriced_requests": list(row.unpriced_requests)}
