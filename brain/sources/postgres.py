"""Reads how a PostgreSQL server is doing, within a bounded time and without changing anything."""

import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
import psycopg.conninfo
import psycopg.rows

from brain.settings import Postgres
from brain.sources import queries
from brain.sources.reading import (
    AnswerError,
    BoundedCall,
    Clock,
    SourceReading,
    now_utc,
    place_of,
)

APPLICATION = "brain-console"
Row = dict[str, Any]


class PostgresSource:
    """One PostgreSQL server (13 or newer), read only; safe to share between threads."""

    def __init__(self, chosen: Postgres, clock: Clock = now_utc) -> None:
        self._chosen = chosen
        self._clock = clock
        self._call = BoundedCall(chosen.timeout_s)

    def read(self) -> SourceReading:
        """Connections, counters, slow statements, replicas and slots; never raises.

        Values: the columns of ``postgres/server``, ``activity``, ``index_hits`` and
        ``statements`` by their names, and rows under ``connections``, ``slow_statements``,
        ``replicas``, ``slots``. What this account may not see is left out, and ``reason`` says
        which right or extension is missing.
        """
        checked_at = self._clock()

        def without(status: Any, reason: str) -> SourceReading:
            return SourceReading(status, reason=reason, checked_at_utc=checked_at)

        if not self._chosen.url:
            return without("unknown", "No PostgreSQL is configured (BRAIN_POSTGRES_URL).")
        place = f"PostgreSQL at {place_of(self._chosen.url)}"
        if not is_address(self._chosen.url):
            return without("unknown", f"{place}: the address is not a PostgreSQL URL such as "
                           "postgresql://127.0.0.1:5432/postgres.")
        session = _Session(self._chosen)
        try:
            values, missing = self._call.run(lambda: _ask(session, self._chosen.slow_ms),
                                             cancel=session.break_off)
        except (TimeoutError, psycopg.errors.ConnectionTimeout, psycopg.errors.QueryCanceled):
            return without("down", f"{place} did not answer within {self._chosen.timeout_s:g} s.")
        except psycopg.errors.InvalidPassword:
            return without("down", f"{place} refused the user or password.")
        except psycopg.OperationalError as error:
            return self._refused(place, error, without)
        except (psycopg.Error, AnswerError, ValueError, LookupError, OSError) as error:
            return without("unknown", f"{place} gave an answer that is not PostgreSQL's "
                           f"({type(error).__name__}).")
        return SourceReading("ok", values, " ".join(missing), checked_at, checked_at)

    def _refused(self, place: str, error: psycopg.OperationalError,
                 without: Callable[[Any, str], SourceReading]) -> SourceReading:
        """Why no connection was had, without anything of the address but its host."""
        told = str(error)
        if "timeout" in told:
            return without("down", f"{place} did not answer within {self._chosen.timeout_s:g} s.")
        if "password" in told:
            return without("down", f"{place} refused the user or password.")
        if "response to SSL" in told or "expected authentication" in told or "invalid" in told:
            return without("unknown", f"{place} does not speak PostgreSQL's protocol.")
        if said := re.search(r"FATAL:\s+(.{1,160})", told):
            return without("down", f"{place}: {said[1].strip()}.")
        return without("down", f"{place} cannot be reached.")


def is_address(url: str) -> bool:
    """Whether libpq can read the address; its own words would repeat the password."""
    try:
        port = str(psycopg.conninfo.conninfo_to_dict(url).get("port") or "5432")
    except (psycopg.Error, UnicodeError, ValueError):
        return False
    return all(each.isdecimal() and 0 < int(each) < 65_536 for each in port.split(","))


class _Session:
    """One connection for one reading, which another thread can break off."""

    def __init__(self, chosen: Postgres) -> None:
        self._chosen = chosen
        self._connection: psycopg.Connection[Row] | None = None

    def __enter__(self) -> "_Session":
        self._connection = psycopg.connect(
            self._chosen.url, autocommit=True, application_name=APPLICATION,
            connect_timeout=max(2, round(self._chosen.timeout_s)),  # libpq takes no less
            row_factory=psycopg.rows.dict_row)
        self.rows("prepare_session", timeout_ms=f"{self._chosen.timeout_s * 1000:.0f}ms")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def rows(self, name: str, names: Mapping[str, str] | None = None, **params: Any) -> list[Row]:
        """Rows of ``sql/postgres/<name>.sql``."""
        if self._connection is None:
            raise AnswerError("not connected")
        query = queries.load_query(f"postgres/{name}", "postgres")
        query.check(params)
        text = re.sub(r"\$(\w+)", r"%(\1)s", query.named(**(names or {})).replace("%", "%%"))
        return self._connection.execute(text, params or None).fetchall()  # type: ignore[arg-type]

    def break_off(self) -> None:
        """Wake the thread that waits for the server."""
        connection = self._connection
        if connection is None:
            return  # still connecting, which ends by itself
        # Closing would leave the other thread asleep on a number that is no socket any more.
        with suppress(OSError, psycopg.Error), \
                socket.socket(fileno=os.dup(connection.fileno())) as other_end:
            other_end.shutdown(socket.SHUT_RDWR)


def _ask(session: _Session, slow_ms: float) -> tuple[Row, list[str]]:
    """Values, and sentences about what could not be seen."""
    missing: list[str] = []

    def allowed(what: str, name: str, names: Mapping[str, str] | None = None,
                **params: Any) -> list[Row] | None:
        try:
            return session.rows(name, names, **params)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState,
                psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            missing.append(f"{what}: {_first_line(error)}")
            return None

    with session:
        found = session.rows("server")
        if len(found) != 1:
            raise AnswerError("not one server")
        values: Row = dict(found[0])
        if not values["may_monitor"]:
            missing.append("Sessions of other users are not visible: grant pg_monitor.")
        for name in ("activity", "index_hits"):
            values |= next(iter(allowed(name, name) or ()), {})
        for name in ("connections", "replicas", "slots"):
            values[name] = tuple(allowed(name, name) or ())
        if values["is_standby"]:
            values["standby_lag_ms"] = session.rows("standby")[0]["lag_ms"]
        schema = values["statements_schema"]
        if schema is None:
            missing.append("Slow statements are not counted: create extension "
                           "pg_stat_statements in this database.")
        else:
            where = {"statements_schema": str(schema)}
            values |= next(iter(allowed("Slow statements", "statements", where,
                                        slow_ms=slow_ms) or ()), {})
            values["slow_statements"] = tuple(allowed(
                "Slow statements", "slow_statements", where, slow_ms=slow_ms) or ())
    return values, missing


def _first_line(error: BaseException) -> str:
    """The server's own first line, short."""
    return " ".join(str(error).split("\n")[0].split())[:200].rstrip(".") + "."
