"""The catalogue of models that people set: each change audited, and the way back."""

import datetime as dt
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

from brain.decisions.models.catalogue import CAPABILITIES, Model, check_model
from brain.decisions.reasons import InputError
from brain.sources.state import StateStore

SET, REMOVED, UNDONE = "model set", "model removed", "model change undone"
MOST_MODELS = 1_000
_MONEY = ("input_usd_per_mtok", "output_usd_per_mtok", "request_usd")
_SETS = ("capabilities", "languages", "regions")
_LEFT_OUT = ("measured", "origin")


class CatalogueBook:
    """Reads and changes the stored models."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._changing = threading.Lock()

    def all(self) -> tuple[Model, ...]:
        """The stored models by provider and name."""
        return tuple(_decode(row) for row in sorted(
            self._state.rows("catalogue_models"), key=lambda row: (row["provider"], row["model"])))

    def put(self, model: Model, now: dt.datetime, person: str) -> Model:
        """The model, new or in the place of the one with its provider and name.

        Raises InputError naming the field that cannot be used.
        """
        check_model(model)
        unknown = sorted(model.capabilities - set(CAPABILITIES))
        if unknown:
            raise InputError("unknown_capability", f"{unknown[0]!r:.80} is no capability",
                             "model.capabilities")
        with self._changing:
            before = self._find(model.provider, model.name)
            if before is None and len(self._state.rows("catalogue_models")) >= MOST_MODELS:
                raise InputError("too_many", f"there are {MOST_MODELS:,} models already", "model")
            self._write(model.key, before, _encode(model), SET, now, person)
        return model

    def remove(self, provider: str, name: str, now: dt.datetime, person: str) -> None:
        """Take a model away. Raises LookupError for an unknown one."""
        with self._changing:
            before = self._find(provider, name)
            if before is None:
                raise LookupError(f"there is no model {name!r:.80} of {provider!r:.80}")
            self._write((provider, name), before, None, REMOVED, now, person)

    def undo(self, provider: str, name: str, now: dt.datetime, person: str) -> Model | None:
        """The model as before its last change, None if it was not there.

        Undoing twice brings the change back. Raises LookupError where nothing was changed.
        """
        audit = self._state.tables["audit"]
        with self._changing:
            entries = self._state.rows("audit", audit.c.action.in_((SET, REMOVED, UNDONE)),
                                       audit.c.subject == _subject(provider, name),
                                       order="audit_id")
            if not entries:
                raise LookupError(f"model {name!r:.80} was never changed")
            after = json.loads(entries[-1]["before_json"])
            self._write((provider, name), self._find(provider, name), after, UNDONE, now, person)
        return None if after is None else _model_of(provider, name, after)

    def _find(self, provider: str, name: str) -> dict[str, Any] | None:
        column = self._state.tables["catalogue_models"].c
        rows = self._state.rows("catalogue_models", column.provider == provider,
                                column.model == name)
        return json.loads(rows[0]["body_json"]) if rows else None

    def _write(self, key: tuple[str, str], before: dict[str, Any] | None,
               after: dict[str, Any] | None, action: str, now: dt.datetime, person: str) -> None:
        provider, name = key
        if before is not None:
            self._state.delete("catalogue_models", provider=provider, model=name)
        if after is not None:
            self._state.insert("catalogue_models", {
                "provider": provider, "model": name, "body_json": json.dumps(after),
                "changed_at_utc": now})
        self._state.audit(now, person, action, _subject(provider, name), before, after)


def _subject(provider: str, name: str) -> str:
    return f"{provider}/{name}"[:200]


def _encode(model: Model) -> dict[str, Any]:
    body = {name: value for name, value in asdict(replace(model, measured=())).items()
            if name not in ("name", "provider", *_LEFT_OUT)}
    for name in _MONEY:
        body[name] = None if body[name] is None else f"{body[name]:f}"
    return body | {name: sorted(body[name]) for name in _SETS}


def _decode(row: Mapping[str, Any]) -> Model:
    return _model_of(row["provider"], row["model"], json.loads(row["body_json"]))


def _model_of(provider: str, name: str, body: Mapping[str, Any]) -> Model:
    known = {each.name for each in fields(Model)}
    values = {key: value for key, value in body.items() if key in known}
    for key in _MONEY:
        values[key] = None if values.get(key) is None else Decimal(values[key])
    for key in _SETS:
        values[key] = frozenset(values.get(key, ()))
    return Model(name, provider, **{key: value for key, value in values.items()
                                    if key not in ("name", "provider")})
