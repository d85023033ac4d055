"""Golden sets as stored: versions that are only added, each with its items."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brain.decisions.evaluation import GoldenItem, read_golden_set, read_item
from brain.decisions.reasons import InputError
from brain.sources.state import StateStore

ADDED, REMOVED = "golden set version added", "golden set removed"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """One version of a golden set."""

    name: str
    version: int
    items: int
    digest: str
    note: str
    person: str
    created_at_utc: dt.datetime


class GoldenSets:
    """Reads and adds golden sets in the state store."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami

    def list(self) -> tuple[GoldenSet, ...]:
        """The newest version of every set, by name."""
        newest: dict[str, GoldenSet] = {}
        for row in self._state.rows("golden_sets", order="version"):
            newest[row["set_name"]] = _decode(row)
        return tuple(newest[name] for name in sorted(newest))

    def versions(self, name: str) -> "tuple[GoldenSet, ...]":
        """Every version of a set, newest first. Raises LookupError for an unknown one."""
        column = self._state.tables["golden_sets"].c.set_name
        rows = self._state.rows("golden_sets", column == name, order="version")
        if not rows:
            raise LookupError(f"there is no golden set {name!r:.80}")
        return tuple(_decode(row) for row in reversed(rows))

    def get(self, name: str, version: int = 0) -> GoldenSet:
        """One version, 0 for the newest. Raises LookupError for an unknown one."""
        for each in self.versions(name):
            if version in (0, each.version):
                return each
        raise LookupError(f"there is no version {version} of golden set {name!r:.80}")

    def lines(self, name: str, version: int = 0) -> Sequence[Mapping[str, Any]]:
        """The items of a version as they were given, in order."""
        found = self.get(name, version)
        columns = self._state.tables["golden_items"].c
        return [json.loads(row["item_json"]) for row in self._state.rows(
            "golden_items", columns.set_name == name, columns.version == found.version,
            order="item_number")]

    def items(self, name: str, version: int = 0) -> "tuple[GoldenItem, ...]":
        """The items of a version, in order."""
        return tuple(read_item(each, number)
                     for number, each in enumerate(self.lines(name, version), start=1))

    def add(self, name: str, lines: Sequence[Mapping[str, Any]], note: str = "",
            person: str = "") -> GoldenSet:
        """The new version; the newest one where nothing differs from it.

        Raises InputError naming line and field, having stored nothing.
        """
        if not _NAME.fullmatch(name):
            raise InputError("invalid_name", "a name has 1 to 64 letters, digits, dots, dashes or "
                                             "underscores", "name")
        items = read_golden_set(lines)
        texts = [json.dumps({**each, "id": item.item_id}, ensure_ascii=False, sort_keys=True)
                 for each, item in zip(lines, items, strict=True)]
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
        try:
            newest = self.versions(name)[0]
        except LookupError:
            newest = None
        if newest is not None and newest.digest == digest:
            return newest
        found = GoldenSet(name, newest.version + 1 if newest else 1, len(items), digest,
                          note[:1_000], person or self._whoami(), self._clock())
        self._state.insert("golden_items", *(
            {"set_name": name, "version": found.version, "item_number": number, "item_json": text}
            for number, text in enumerate(texts, start=1)))
        self._state.insert("golden_sets", {
            "set_name": name, "version": found.version, "items": found.items, "digest": digest,
            "note": found.note, "person": found.person, "created_at_utc": found.created_at_utc})
        self._state.audit(found.created_at_utc, found.person, ADDED, name, None,
                          {"version": found.version, "items": found.items, "digest": digest})
        return found

    def remove(self, name: str, person: str = "") -> None:
        """Take a set away, all versions. Runs keep their grades. Raises LookupError."""
        versions = self.versions(name)
        for table in ("golden_sets", "golden_items"):
            self._state.delete(table, set_name=name)
        self._state.audit(self._clock(), person or self._whoami(), REMOVED, name,
                          {"versions": len(versions), "items": versions[0].items}, None)


def read_lines(text: str) -> list[Mapping[str, Any]]:
    """Items of a JSON-lines text; empty lines are passed over.

    Raises InputError naming the line that is no JSON object.
    """
    if len(text) > MOST_BYTES:
        raise InputError("too_long", f"a golden set may have {MOST_BYTES:,} characters", "items")
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError("invalid_json", f"line {number} is no JSON: {error!s:.120}",
                             f"items[{number - 1}]") from error
        if not isinstance(value, dict):
            raise InputError("invalid_item", f"line {number} is no JSON object",
                             f"items[{number - 1}]")
        found.append(value)
    return found


def _decode(row: Mapping[str, Any]) -> GoldenSet:
    return GoldenSet(row["set_name"], int(row["version"]), int(row["items"]), row["digest"],
                     row["note"], row["person"], row["created_at_utc"])
