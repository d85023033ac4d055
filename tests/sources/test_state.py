"""The state store, the same on SQLite and on a real PostgreSQL."""

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from brain.sources import queries
from brain.sources.state import StateStore, StateTooNew

ROOT = Path(__file__).resolve().parents[2]
NOW = dt.datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=dt.UTC)
WRITER = """
import datetime as dt, sys
from brain.sources.state import StateStore
store = StateStore(sys.argv[1])
now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
for number in range(15):
    store.insert("workspaces", {"workspace_id": f"{sys.argv[2]}-{number}", "name": "x",
                                "created_at_utc": now})
    store.audit(now, sys.argv[2], "made", f"{number}", None, {"number": number})
store.close()
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each sort."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'state.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[StateStore]:
    opened = StateStore(url)
    yield opened
    opened.close()


def workspace(name: str) -> dict[str, Any]:
    return {"workspace_id": name, "name": f"{name} GmbH & Söhne", "created_at_utc": NOW}


def test_gives_back_what_it_took(store: StateStore) -> None:
    store.insert("workspaces", workspace("b"), workspace("a"))
    rows = store.rows("workspaces", order="workspace_id")
    assert rows[0] == {**workspace("a"), "plan": "free", "status": "active", "is_demo": False,
                       "keeps_query_text": False}
    assert [row["workspace_id"] for row in rows] == ["a", "b"]
    assert rows[0]["created_at_utc"].tzinfo is dt.UTC
    this = store.tables["workspaces"]
    assert [row["workspace_id"] for row in store.rows("workspaces", this.c.name.like("b%"))] == [
        "b"]


def test_times_of_other_zones_are_the_same_moment(store: StateStore) -> None:
    elsewhere = NOW.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    store.insert("workspaces", workspace("a") | {"created_at_utc": elsewhere})
    assert store.rows("workspaces")[0]["created_at_utc"] == NOW


def test_changes_and_removals(store: StateStore) -> None:
    store.insert("workspaces", workspace("a"), workspace("b"), workspace("c"))
    store.update("workspaces", "workspace_id", "b", plan="team", is_demo=True)
    assert {row["workspace_id"]: row["plan"] for row in store.rows("workspaces")} == {
        "a": "free", "b": "team", "c": "free"}
    assert store.delete("workspaces", is_demo=True) == 1
    assert store.delete("workspaces", is_demo=True) == 0
    assert len(store.rows("workspaces")) == 2
    store.insert("workspaces")  # nothing to add is no error


def test_a_transaction_that_fails_changes_nothing(store: StateStore) -> None:
    store.insert("workspaces", workspace("a"))
    with pytest.raises(sa.exc.IntegrityError):
        store.insert("workspaces", workspace("b"), workspace("a"))
    with pytest.raises(ZeroDivisionError), store.begin() as connection:
        connection.execute(sa.delete(store.tables["workspaces"]))
        raise ZeroDivisionError
    assert [row["workspace_id"] for row in store.rows("workspaces")] == ["a"]


def test_reading_does_not_wait_for_a_writer(store: StateStore) -> None:
    store.insert("workspaces", workspace("a"))
    with store.begin() as connection:
        connection.execute(sa.delete(store.tables["workspaces"]))
        assert len(store.rows("workspaces")) == 1
    assert store.rows("workspaces") == []


def test_opening_again_changes_nothing(store: StateStore, url: str) -> None:
    store.insert("workspaces", workspace("a"))
    again = StateStore(url)
    assert len(again.rows("workspaces")) == 1
    assert len(again.rows("schema_version")) == len(queries.migrations("state"))
    again.close()


def test_refuses_a_newer_schema(store: StateStore, url: str) -> None:
    store.insert("schema_version", {"version": 999})
    with pytest.raises(StateTooNew, match=r"schema 999.*install the newer program"):
        StateStore(url)


def check_chain(entries: list[dict[str, Any]]) -> None:
    """Fail unless each entry's hash is right and names the entry before it."""
    before = ""
    for number, entry in enumerate(entries, start=1):
        told = {name: value for name, value in entry.items() if name != "entry_hash"}
        text = json.dumps(told, default=str, sort_keys=True).encode()
        assert entry["entry_hash"] == hashlib.sha256(text).hexdigest()
        assert (entry["audit_id"], entry["previous_hash"]) == (number, before)
        before = entry["entry_hash"]


def test_audit_entries_are_chained(store: StateStore) -> None:
    for number in range(5):
        store.audit(NOW + number * dt.timedelta(seconds=1), "ada", "changed", f"price {number}",
                    {"usd": "1.5"}, {"usd": "2"})
    entries = store.rows("audit", order="audit_id")
    assert len(entries) == 5
    check_chain(entries)
    store.update("audit", "audit_id", 3, person="eve")
    with pytest.raises(AssertionError):
        check_chain(store.rows("audit", order="audit_id"))


def test_processes_write_side_by_side(url: str) -> None:
    """Four processes open a new database at once and write; no row and no entry is lost."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"w{each}"], cwd=ROOT,
                                env={"PYTHONPATH": str(ROOT)}) for each in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    store = StateStore(url)
    assert len(store.rows("workspaces")) == 4 * 15
    entries = store.rows("audit", order="audit_id")
    assert len(entries) == 4 * 15
    check_chain(entries)
    assert len(store.rows("schema_version")) == len(queries.migrations("state"))
    store.close()
