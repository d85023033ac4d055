"""Deleted documents go for good when their time to come back is over."""

import datetime as dt
from pathlib import Path

import pytest

from brain.engine import Engine
from brain.gateway.knowledge import Knowledge
from brain.jobs import knowledge
from brain.settings import load

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


def test_a_deleted_document_goes_after_the_days_that_are_set(tmp_path: Path) -> None:
    now = [NOW]
    engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path),
                               "BRAIN_KNOWLEDGE_PURGE_AFTER_DAYS": "2"}), lambda: now[0])
    try:
        gone, kept = (engine.knowledge.ingest("acme", f"{name}.md", f"# {name}\n\nOf {name}.")
                      for name in ("apples", "pears"))
        other = Knowledge(engine.state, engine.clock, lambda: "other process")
        assert other.search("acme", "apples")
        engine.knowledge.delete("acme", gone.document_id)
        now[0] += dt.timedelta(days=1)
        engine.knowledge.delete("acme", kept.document_id)
        assert knowledge.run(engine) == 0
        now[0] += dt.timedelta(days=1, seconds=1)
        assert knowledge.run(engine) == 1
        assert other.search("acme", "apples") == ()  # it never saw the deleted row
        with pytest.raises(LookupError):
            engine.knowledge.restore("acme", gone.document_id)
        assert engine.knowledge.restore("acme", kept.document_id).name == "pears.md"
    finally:
        engine.close()
