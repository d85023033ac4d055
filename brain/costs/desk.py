"""The costs desk: what people do with prices and spend."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics import spans, spend
from analytics.cost_drivers import Change
from analytics.spans import Span
from brain.costs import repricing
from brain.costs.repricing import Repricing
from brain.decisions.prices import Price
from brain.decisions.reasons import InputError, Reason
from brain.kept import whoami
from brain.price_book import ListImport

if TYPE_CHECKING:
    from brain.engine import Engine

ASKED_BEFORE = dt.timedelta(days=7)
"""How long after a request its feedback is still found."""


class Costs:
    """Verbs of Finance › Costs and of the price book, over the engine's stores."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    # the price book

    def add_price(self, price: Price, person: str = "") -> tuple[Price, tuple[Reason, ...]]:
        """The appended price and what looks odd about it; costs of its span are made anew.

        Raises InputError naming the field for a price that cannot be used.
        """
        added, odd = self._engine.prices.add(price, self._engine.clock(), self._person(person))
        self._make_anew(added)
        return added, odd

    def withdraw_price(self, price_id: int, person: str = "", *, withdrawn: bool = True) -> Price:
        """The price that no longer holds, or holds again.

        Raises LookupError for an unknown number.
        """
        changed = self._engine.prices.withdraw(
            price_id, self._engine.clock(), self._person(person), withdrawn=withdrawn)
        self._make_anew(changed)
        return changed

    def take_over_prices(self, published: Sequence[Price], person: str = "") -> ListImport:
        """What taking over a published price list did; costs of its models are made anew."""
        book = self._engine.prices
        before = {row.price_id: row.withdrawn for row in book.rows()}
        done = book.take_over(published, self._engine.clock(), self._person(person))
        if done.version is not None:
            self._make_anew(*(row for row in book.rows()
                              if before.get(row.price_id, True) != row.withdrawn))
        return done

    def import_list(self, body: bytes, name: str, start: dt.datetime | None = None,
                    person: str = "") -> ListImport:
        """What taking over a file in the form of LiteLLM's list did.

        Its prices hold from ``start`` on, else from the midnight (UTC) before now; a file whose
        prices are all there already changes nothing then. Raises InputError for one that cannot
        be used.
        """
        from brain.sources.price_lists import parse_litellm_prices
        today = self._engine.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        rows = parse_litellm_prices(body, name, start or today)
        if not rows:
            raise InputError("no_prices", f"{name} has no price of tokens or requests")
        sources = {row.source for row in self._engine.prices.rows() if not row.withdrawn}
        if start is None and rows[0].source in sources:
            return ListImport(None, 0, 0, len({(row.provider, row.model) for row in rows}))
        return self.take_over_prices(rows, person)

    def take_back_version(self, version: int, person: str = "") -> int:
        """How many prices hold no longer, or again, as a version of the book is taken back.

        Costs are made anew. Raises LookupError or InputError for one that cannot be taken back.
        """
        changed = self._engine.prices.take_back(version, self._engine.clock(),
                                                self._person(person))
        self._make_anew(*changed)
        return len(changed)

    # reading

    def breakdown(self, span: Span, by: Sequence[str] = (), limit: int = spend.MOST_CELLS,
                  **filters: Sequence[str]) -> pd.DataFrame:
        """Rows of ``costs/breakdown`` by up to two dimensions of `spend`, dearest first.

        Filters are workspaces, models, agents, regions and devices. Raises ValueError for more
        dimensions than two.
        """
        return self._engine.query("costs/breakdown", **spend.breakdown_params(
            self._params(span, filters), by, limit))

    def drivers(self, span: Span, before: Span | None = None, **filters: Sequence[str]) -> Change:
        """What drove the change of cost against the span before, or another one."""
        by = ("Model", "Price context")
        return spend.explain(*(self._engine.query("costs/breakdown", **spend.breakdown_params(
            self._params(each, filters), by)) for each in (before or spans.previous(span), span)))

    def positive_answers(self, span: Span, dimension: str = "",
                         **filters: Sequence[str]) -> pd.DataFrame:
        """Rows of ``costs/positive_answers`` of a span by one dimension."""
        params = self._params(span, filters)
        return self._engine.query(
            "costs/positive_answers", dimension=spend.DIMENSIONS.get(dimension, dimension),
            request_start=span.start - ASKED_BEFORE,
            **{name: params[name] for name in ("start", "end", "workspaces", "models", "agents")})

    # re-pricing

    def reprice(self, span: Span, base: str = "billed", other: str = "today", person: str = "",
                workspaces: Sequence[str] = ()) -> Repricing:
        """A span priced in two ways, noted in the record; see `repricing.reprice`."""
        return repricing.reprice(self._engine, span, base, other, self._person(person), workspaces)

    def repricings(self) -> list[dict[str, Any]]:
        """Every re-pricing that was asked for, latest first."""
        return repricing.list_repricings(self._engine)

    def _params(self, span: Span, filters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        return {**spans.query_params(span), **{name: list(filters.get(name, ())) for name in (
            "workspaces", "models", "agents", "regions", "devices")}}

    def _make_anew(self, *changed: Price) -> None:
        self._engine.prices.mark_stale(changed, self._engine.ingestion.seen_models)
        self._engine.prepare_prices()
        self._engine.roll_up()
        self._engine.gateway.prices.forget()

    def _person(self, person: str) -> str:
        return person or whoami()
