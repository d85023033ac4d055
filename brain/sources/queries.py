"""The files of ``sql/``: text, parameters and columns of every query."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SQL_ROOT = Path(__file__).resolve().parents[2] / "sql"


class QueryError(ValueError):
    """A query that does not exist, or was called with the wrong parameters."""


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL file. ``params`` gives each parameter's type, ``columns`` what comes back."""

    name: str
    text: str
    sentence: str
    params: dict[str, str]
    columns: tuple[str, ...]
    names: tuple[str, ...] = ()

    def named(self, **names: str) -> str:
        """The text with its identifiers (never values) put in.

        Raises QueryError for a missing name or one that is not a plain identifier list.
        """
        if set(names) != set(self.names):
            raise QueryError(f"query {self.name} takes the names {', '.join(self.names) or 'none'}")
        text = self.text
        for name, identifier in names.items():
            if not re.fullmatch(r"[a-z_0-9]+(, [a-z_0-9]+)*", identifier):
                raise QueryError(f"query {self.name}: {identifier!r} is no identifier")
            text = text.replace("{" + name + "}", identifier)
        return text

    def check(self, given: dict[str, object]) -> None:
        """Raise QueryError unless exactly the declared parameters are given."""
        if missing := sorted(set(self.params) - set(given)):
            raise QueryError(f"query {self.name} needs ${missing[0]}")
        if unknown := sorted(set(given) - set(self.params)):
            raise QueryError(f"query {self.name} has no ${unknown[0]}")


@cache
def load_query(name: str, engine: str = "duckdb") -> Query:
    """The query at ``sql/<name>.sql``, or its ``.<engine>.sql`` sibling where one stands.

    Raises QueryError for a name without a file.
    """
    sibling, plain = SQL_ROOT / f"{name}.{engine}.sql", SQL_ROOT / f"{name}.sql"
    path = sibling if sibling.is_file() else plain
    if not path.resolve().is_relative_to(SQL_ROOT) or not path.is_file():
        raise QueryError(f"no query named {name}")
    text = path.read_text()
    return Query(name, text, *_read_header(text))


def list_queries() -> tuple[str, ...]:
    """Names of all queries that return rows, in order."""
    found = {path.relative_to(SQL_ROOT).as_posix().removesuffix(".sql")
             for path in SQL_ROOT.rglob("*.sql")}
    found = {re.sub(r"\.(duckdb|postgres|clickhouse)$", "", name) for name in found}
    return tuple(sorted(name for name in found if name.split("/")[0] not in {"prelude", "schema"}))


def statements(name: str, engine: str) -> tuple[str, ...]:
    """The single statements of a script such as ``prelude/duckdb`` or ``schema/events/0001_x``."""
    lines = [line for line in load_query(name, engine).text.splitlines()
             if not line.lstrip().startswith("--")]
    return tuple(part.strip() for part in "\n".join(lines).split(";") if part.strip())


def migrations(store: str) -> tuple[tuple[int, str], ...]:
    """Number and name of every migration of a store ('events' or 'state'), in order."""
    names = {re.sub(r"\.(duckdb|postgres|clickhouse)$", "", path.name.removesuffix(".sql"))
             for path in (SQL_ROOT / "schema" / store).glob("*.sql")}
    return tuple(sorted((int(name.split("_")[0]), f"schema/{store}/{name}") for name in names))


def _read_header(text: str) -> tuple[str, dict[str, str], tuple[str, ...], tuple[str, ...]]:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    parts = re.split(r"\b(names|params|columns):", " ".join(lines))
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    params: dict[str, str] = {}
    untyped: list[str] = []
    for name, kind in re.findall(r"(\w+)(?:\s*\(([^)]*)\))?", found.get("params", "")):
        untyped.append(name)
        if kind:
            params |= dict.fromkeys(untyped, kind.split(",")[0])
            untyped = []
    params |= dict.fromkeys(untyped, "text")
    columns, names = (tuple(re.findall(r"\w+", re.sub(r"\([^)]*\)", "", found.get(part, ""))))
                      for part in ("columns", "names"))
    return parts[0].strip(), params, columns, names
