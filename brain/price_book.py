"""The price book: dated rows in the state store, ready ranges in the event store."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from brain.decisions.price_contexts import holds_in
from brain.decisions.prices import (
    AMOUNTS,
    Name,
    Price,
    PriceRange,
    Use,
    check_price,
    renew_list,
    resolve_seen,
)
from brain.decisions.reasons import InputError, Reason
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

_TIME = pa.timestamp("us")
_MONEY = (*AMOUNTS, "discount_pct")
_FIELDS = tuple(Price.__dataclass_fields__)
_NOT_COLUMNS = ("row_ids", "discount_id", "standard_only")


@dataclass(frozen=True, slots=True)
class Version:
    """One change of the price book: rows appended, and rows that no longer hold or hold again."""

    version: int
    at_utc: dt.datetime
    person: str
    action: str
    note: str
    appended: int
    withdrawn: int
    restored: int


@dataclass(frozen=True, slots=True)
class ListImport:
    """What taking over a list of prices did; ``version`` is None where it changed nothing."""

    version: int | None
    appended: int
    withdrawn: int
    models: int


class PriceBook:
    """Appends prices and keeps the event store's ready ranges equal to them.

    Every change has a version number, counting from 1. Rows are never overwritten: what changes
    is whether one holds, and that is noted by version, so that the book can be read as it was.
    """

    def __init__(self, state: StateStore, store: DuckEventStore) -> None:
        self._state, self._store = state, store
        self._resolved: set[Use] | None = None

    def rows(self, version: int | None = None) -> list[Price]:
        """Every row, withdrawn ones included, oldest first; as they were in a version.

        Raises LookupError for a version that there is not.
        """
        if version is None:
            return [_to_price(row) for row in self._state.rows("prices", order="price_id")]
        if not 1 <= version <= self.version():
            raise LookupError(f"the price book has no version {version}")
        held: dict[int, bool] = {}
        for each in self._state.rows("price_holds", order="version"):
            if each["version"] <= version:
                held[each["price_id"]] = each["withdrawn"]
        column = self._state.tables["prices"].c
        return [replace(_to_price(row), withdrawn=held.get(row["price_id"], False))
                for row in self._state.rows("prices", column.version <= version,
                                            order="price_id")]

    def version(self) -> int:
        """Number of the latest version, 0 for an empty book."""
        rows = self._state.tables["price_versions"]
        with self._state.begin() as connection:
            return int(connection.execute(sa.select(sa.func.max(rows.c.version))).scalar() or 0)

    def versions(self) -> list[Version]:
        """Every version with what it changed, latest first."""
        appended: dict[int, int] = {}
        for row in self._state.rows("prices"):
            appended[row["version"]] = appended.get(row["version"], 0) + 1
        off: dict[int, list[int]] = {}
        for row in self._state.rows("price_holds"):
            off.setdefault(row["version"], [0, 0])[0 if row["withdrawn"] else 1] += 1
        return [Version(row["version"], row["at_utc"], row["person"], row["action"], row["note"],
                        appended.get(row["version"], 0), *off.get(row["version"], (0, 0)))
                for row in reversed(self._state.rows("price_versions", order="version"))]

    def history(self, provider: str, model: str) -> list[Price]:
        """Rows that hold, or held, for a provider and model as events name them, newest first."""
        from brain.sources.price_lists import match_model
        names = {(provider, model), ("", model), (provider, ""), ("", "")}
        if matched := match_model(provider, model):
            names |= {matched, ("", matched[1]), (matched[0], "")}
        return [row for row in reversed(self.rows()) if (row.provider, row.model) in names]

    def begun(self, start: dt.datetime, end: dt.datetime, seen: Iterable[Use]) -> list[Price]:
        """Rows that began to hold in [start, end) for what requests carry, oldest first."""
        from brain.sources.price_lists import match_model
        column = self._state.tables["prices"].c
        rows = self._state.rows(
            "prices", column.valid_from_utc >= plain_times({"at": start})["at"],
            column.valid_from_utc < plain_times({"at": end})["at"], sa.not_(column.withdrawn))
        if not rows:
            return []
        contexts: dict[Name, set[str]] = {}
        for provider, model, context in seen:
            for found in ((provider, model), match_model(provider, model)):
                for name in (found, ("", found[1]), (found[0], "")) if found else ():
                    contexts.setdefault(name, set()).add(context)
        return sorted((_to_price(row) for row in rows
                       if any(holds_in(row["context"], context) for context
                              in contexts.get((row["provider"], row["model"]), ()))),
                      key=lambda price: (price.valid_from_utc, price.price_id))

    def take_over_lists(self, now: dt.datetime) -> int:
        """How many built-in list prices were appended because they are new."""
        from brain.sources.price_lists import list_prices
        return self._renew({"genai-prices", "sample"}, list_prices(), now, "console",
                           "built-in list taken over").appended

    def take_over(self, published: Sequence[Price], now: dt.datetime, person: str) -> ListImport:
        """What taking over a published list did; the first word of its ``source`` names it.

        Models whose prices differ from those of the list's last take-over get them as new rows,
        and their old ones hold no longer. The same list twice changes nothing.
        """
        done = self._renew({row.source.split()[0] for row in published}, published, now, person,
                           "list imported")
        if done.version is not None:
            self._state.audit(now, person, "price list imported", published[0].source,
                              None, asdict(done))
        return done

    def _renew(self, sources: set[str], published: Sequence[Price], now: dt.datetime, person: str,
               action: str) -> ListImport:
        known = [row for row in self.rows() if row.origin == "list"
                 and row.source.split()[0].rstrip(",") in sources]
        fresh, outdated = renew_list(known, published)
        models = len({(row.provider, row.model) for row in published})
        if not fresh and not outdated:
            return ListImport(None, 0, 0, models)
        note = ", ".join(sorted({row.source.partition(",")[0] for row in fresh}))[:1000]
        version, _ = self._change(now, person, action, note, fresh, dict.fromkeys(outdated, True))
        return ListImport(version, len(fresh), len(outdated), models)

    def add(self, price: Price, now: dt.datetime, person: str) -> tuple[Price, tuple[Reason, ...]]:
        """The appended row with its number, and what looks odd about it.

        Raises InputError naming the field for a price that cannot be used.
        """
        odd = check_price(price, self.rows())
        _, (added,) = self._change(now, person, "price added",
                                   f"{price.provider}/{price.model}"[:1000], [price], {})
        self._state.audit(now, person, "price added", f"{price.provider}/{price.model}", None,
                          asdict(added))
        return added, odd

    def withdraw(self, price_id: int, now: dt.datetime, person: str, *,
                 withdrawn: bool = True) -> Price:
        """The row that no longer holds (or holds again); it stays in the book.

        Raises LookupError for an unknown number.
        """
        found = [row for row in self.rows() if row.price_id == price_id]
        if not found:
            raise LookupError(f"there is no price {price_id}")
        action = "price withdrawn" if withdrawn else "price restored"
        self._change(now, person, action, f"price {price_id}", [], {price_id: withdrawn})
        self._state.audit(now, person, action, str(price_id), {"withdrawn": not withdrawn},
                          {"withdrawn": withdrawn})
        return found[0]

    def take_back(self, version: int, now: dt.datetime, person: str) -> tuple[Price, ...]:
        """The rows that hold no longer, or hold again, as a version's changes are taken back.

        The book goes on with a new version; nothing is forgotten. Raises LookupError for an
        unknown version, InputError for the first one or one without anything to take back.
        """
        if not 1 <= version <= self.version():
            raise LookupError(f"the price book has no version {version}")
        if version == 1:
            raise InputError("first_version", "the first version cannot be taken back", "version")
        changed = {row["price_id"]: not row["withdrawn"]
                   for row in self._state.rows("price_holds")
                   if row["version"] == version}
        column = self._state.tables["prices"].c
        changed |= {row["price_id"]: True for row
                    in self._state.rows("prices", column.version == version)}
        there = {row.price_id: row for row in self.rows()}
        changed = {price_id: off for price_id, off in changed.items()
                   if there[price_id].withdrawn != off}
        if not changed:
            raise InputError("nothing", f"nothing of version {version} stands any more", "version")
        self._change(now, person, "version taken back", f"version {version}", [], changed)
        self._state.audit(now, person, "price book version taken back", str(version), None,
                          {"prices": len(changed)})
        return tuple(there[price_id] for price_id in sorted(changed))

    def resolve(self, seen: Iterable[Name | Use], version: int | None = None,
                ) -> tuple[PriceRange, ...]:
        """Ready ranges under the names that events carry, as the book is or was in a version."""
        from brain.sources.price_lists import match_model
        return resolve_seen(self.rows(version), seen, match_model)

    def bring_up_to_date(self, seen: set[Use]) -> bool:
        """Whether the event store's ready ranges had to be written anew."""
        if self._resolved is not None and seen <= self._resolved:
            return False
        ranges = self.resolve(seen)
        self._store.replace_prices(_to_table(ranges))
        self._resolved = set(seen)
        return True

    def mark_stale(self, prices: Iterable[Price], seen: Iterable[Name]) -> None:
        """Note the hours whose cost a change of ``prices`` touches."""
        from brain.sources.price_lists import match_model
        spans: dict[str, tuple[dt.datetime, dt.datetime]] = {}
        names = [(model, {provider, (match_model(provider, model) or ("", ""))[0]},
                  {model, (match_model(provider, model) or ("", ""))[1]})
                 for provider, model in seen]
        for price in prices:
            for model, providers, models in names:
                if price.model in models if price.model else price.provider in {"", *providers}:
                    start, end = spans.get(model, (price.valid_from_utc, price.valid_to_utc))
                    spans[model] = (min(start, price.valid_from_utc), max(end, price.valid_to_utc))
        for model, (start, end) in spans.items():
            self._store.execute("rollup/mark_stale_model", model=model, start=start, end=end)

    def _change(self, now: dt.datetime, person: str, action: str, note: str,
                prices: Sequence[Price], held: dict[int, bool]) -> tuple[int, list[Price]]:
        """The new version, and its appended rows with their numbers; all or nothing."""
        table, versions = self._state.tables["prices"], self._state.tables["price_versions"]
        added = []
        with self._state.begin() as connection:
            version = int(connection.execute(
                sa.select(sa.func.max(versions.c.version))).scalar() or 0) + 1
            last = connection.execute(sa.select(sa.func.max(table.c.price_id))).scalar() or 0
            connection.execute(sa.insert(versions), plain_times({
                "version": version, "at_utc": now, "person": person, "action": action,
                "note": note}))
            noted = {"recorded_at_utc": now, "recorded_by": person, "version": version}
            rows = []
            for number, price in enumerate(prices, start=last + 1):
                row = {name: getattr(price, name) for name in _FIELDS} | {"price_id": number}
                added.append(Price(**row))
                rows.append(plain_times(row | noted | {
                    name: None if row[name] is None else format(row[name], "f")
                    for name in _MONEY}))
            if rows:
                connection.execute(sa.insert(table), rows)
            if held:
                connection.execute(sa.insert(self._state.tables["price_holds"]), [
                    {"version": version, "price_id": price_id, "withdrawn": withdrawn}
                    for price_id, withdrawn in held.items()])
                connection.execute(
                    sa.update(table).where(table.c.price_id == sa.bindparam("this"))
                    .values(withdrawn=sa.bindparam("off")),
                    [{"this": price_id, "off": off} for price_id, off in held.items()])
        self._resolved = None
        return version, added


def _to_price(row: dict[str, Any]) -> Price:
    fields: dict[str, Any] = {name: row[name] for name in _FIELDS}
    fields |= {name: Decimal(row[name]) for name in _MONEY if row[name] is not None}
    return Price(**fields)


def _to_table(ranges: Iterable[PriceRange]) -> pa.Table:
    rows = [plain_times({name: value for name, value in asdict(each).items()
                         if name not in _NOT_COLUMNS}) for each in ranges]
    types = {"provider": pa.string(), "model": pa.string(), "price_context": pa.string(),
             "valid_from_utc": _TIME, "valid_to_utc": _TIME}
    names = [name for name in PriceRange.__dataclass_fields__ if name not in _NOT_COLUMNS]
    schema = pa.schema([(name, types.get(name, pa.int64())) for name in names])
    return pa.Table.from_pylist(rows, schema=schema)
