"""The optimizer's configuration as changed while running: who changed what, and the way back."""

import datetime as dt
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from brain.decisions.optimization.configuration import (
    Configuration,
    check_configuration,
    require_configuration,
)
from brain.decisions.reasons import InputError
from brain.sources.state import StateStore

CHANGED, UNDONE = "optimizer configuration changed", "optimizer configuration undone"
SUBJECT = "optimizer"


class ConfigurationBook:
    """Reads and changes the configuration in the state store."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._changing = threading.Lock()

    def read(self) -> Configuration:
        """What holds now; a stored value that cannot be used is as delivered."""
        return check_configuration(self._stored())[0]

    def change(self, changes: Mapping[str, Any], now: dt.datetime, person: str) -> Configuration:
        """The configuration with the changes. Raises InputError with every rule that was broken,
        having changed nothing."""
        if not changes:
            raise InputError("nothing_to_change", "give at least one value")
        with self._changing:
            before = self.read()
            after = require_configuration(changes, before)
            self._write(before, after, CHANGED, now, person)
        return after

    def undo(self, now: dt.datetime, person: str) -> Configuration:
        """The configuration as before its last change; twice brings the change back.

        Raises LookupError where nothing was changed.
        """
        with self._changing:
            last = next(iter(self.history()), None)
            if last is None:
                raise LookupError("the optimizer's configuration was never changed")
            after = check_configuration(json.loads(last["before_json"]))[0]
            self._write(self.read(), after, UNDONE, now, person)
        return after

    def history(self) -> list[dict[str, Any]]:
        """Every change, newest first."""
        columns = self._state.tables["audit"].c
        return list(reversed(self._state.rows("audit", columns.action.in_((CHANGED, UNDONE)),
                                              order="audit_id")))

    def _stored(self) -> dict[str, Any]:
        return {row["name"]: json.loads(row["value_json"])
                for row in self._state.rows("optimization_settings")}

    def _write(self, before: Configuration, after: Configuration, action: str, now: dt.datetime,
               person: str) -> None:
        import sqlalchemy as sa
        table, delivered = self._state.tables["optimization_settings"], asdict(Configuration())
        rows = [{"name": name, "value_json": json.dumps(value)}
                for name, value in asdict(after).items() if value != delivered[name]]
        with self._state.begin() as connection:
            connection.execute(sa.delete(table))
            if rows:
                connection.execute(sa.insert(table), rows)
        self._state.audit(now, person, action, SUBJECT, asdict(before), asdict(after))
