"""Prices as the query engine needs them: ready in memory, of the model at hand, as of now."""

import datetime as dt
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from brain.decisions.prices import Name, Price, PriceRange, resolve_seen
from brain.decisions.pricing import Usage, price_usage
from brain.decisions.tokens import TokenClasses
from brain.gateway.fresh import Fresh

if TYPE_CHECKING:
    from brain.engine import Engine

_LOOK_AGAIN_S = 60.0


class Prices:
    """Costs by the price book; a changed book counts within a minute, `forget` makes it at once."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._rows: Fresh[dict[str, list[Price]]] = Fresh(self._read, _LOOK_AGAIN_S)
        self._ranges: dict[Name, tuple[PriceRange, ...]] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Take prices from the book anew."""
        self._rows.forget()
        self._ranges = {}

    def cost(self, provider: str, model: str, usage: TokenClasses, now: dt.datetime
             ) -> Decimal | None:
        """What the tokens cost, None without a price."""
        return price_usage(Usage(provider, model, usage.input_tokens, usage.cache_read_tokens,
                                 usage.cache_write_tokens, usage.output_tokens),
                           self.ranges(provider, model), now).total_usd

    def highest(self, provider: str, model: str, prompt_tokens: int, output_tokens: int,
                now: dt.datetime) -> Decimal | None:
        """The most that a call can cost whose tokens are at most so many, None without a price.

        Prompt tokens count by the dearest of uncached, cache read and cache write, in the
        dearest tier that they can reach.
        """
        held = [each for each in self.ranges(provider, model)
                if each.valid_from_utc <= now < each.valid_to_utc
                and each.tier_from_tokens <= prompt_tokens]
        if not held:
            return None
        found = []
        for each in held:
            if each.input_pico_usd is None or each.output_pico_usd is None:
                return None
            dearest = max(each.input_pico_usd, each.cache_read_pico_usd or 0,
                          each.cache_write_pico_usd or 0)
            found.append(prompt_tokens * dearest + output_tokens * each.output_pico_usd
                         + (each.request_pico_usd or 0))
        return Decimal(max(found)).scaleb(-12)

    def ranges(self, provider: str, model: str) -> tuple[PriceRange, ...]:
        """Ready ranges of one model."""
        rows = self._rows.get()
        found = self._ranges.get((provider, model))
        if found is None:
            from brain.sources.price_lists import match_model
            # A discount may name a provider and no model, so rows without one count as well.
            names = {"", model, (match_model(provider, model) or ("", ""))[1]}
            fitting = [row for name in names for row in rows.get(name, ())]
            found = resolve_seen(fitting, [(provider, model)], match_model)
            with self._lock:
                if len(self._ranges) > 10_000:
                    self._ranges = {}
                self._ranges[provider, model] = found
        return found

    def _read(self) -> dict[str, list[Price]]:
        found: dict[str, list[Price]] = {}
        for row in self._engine.prices.rows():
            found.setdefault(row.model, []).append(row)
        self._ranges = {}
        return found
