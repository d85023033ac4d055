"""Query text is in no file of the data folder unless its workspace allows it."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain import settings
from brain.decisions.query_text import find_topic, normalize_query
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Request
from brain.imports import ImportPlan
from brain.jobs import demo

NOW = dt.datetime(2026, 3, 5, 12, 0, 30, tzinfo=dt.UTC)
AT = dt.datetime(2026, 3, 5, 9, tzinfo=dt.UTC)
SECRET = "Xyzzy-Plugh-7731 should we sue Acme?"
TRACE = b"Plugh-7731"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(settings.load({}, data_dir=tmp_path / "data"), clock=lambda: NOW)
    yield opened
    opened.close()


def ask(event_id: str, text: str | None = SECRET, workspace_id: str = "closed",
        **further: str) -> Request:
    return Request(event_id=event_id, at_utc=AT, workspace_id=workspace_id, query_text=text,
                   **further)  # type: ignore[arg-type]


def stored(engine: Engine) -> dict[str, tuple[str | None, str, str]]:
    """Text, hash and topic of every request that is in the event store."""
    engine.drain()
    with engine.store.transaction() as cursor:
        rows = cursor.execute("select event_id, query_text, query_hash, query_topic "
                              "from requests").fetchall()
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def files_with(folder: Path, trace: bytes = TRACE) -> list[str]:
    """Files under a folder whose bytes hold the trace, in any of the ways texts are packed."""
    ways = (trace, trace.lower(), trace.decode().encode("utf-16-le"))
    return [path.name for path in folder.rglob("*") if path.is_file()
            and any(way in path.read_bytes() for way in ways)]


def lines(*events: dict[str, object]) -> bytes:
    return b"\n".join(json.dumps({"at_utc": AT.isoformat(), **each}).encode() for each in events)


def test_the_search_finds_a_text_that_is_allowed(engine: Engine) -> None:
    engine.keep_query_text("open", True)
    engine.record("requests", [ask("a", workspace_id="open")])
    assert any("spool" in name for name in files_with(engine.settings.data_dir))
    assert stored(engine)["a"][0] == SECRET


def test_record_leaves_no_text_before_or_after_it_is_moved(engine: Engine) -> None:
    engine.record("requests", [ask("a")])
    assert files_with(engine.settings.data_dir) == []  # in the spool and its log
    engine.drain()
    assert files_with(engine.settings.data_dir) == []  # in DuckDB's log
    engine.settle()
    assert files_with(engine.settings.data_dir) == []  # in DuckDB's file
    text, hashed, topic = stored(engine)["a"]
    assert text is None
    assert len(hashed) == 32
    assert topic == ""


def test_lines_of_the_http_api_leave_no_text(engine: Engine) -> None:
    receipt = engine.accept_lines(lines(
        {"event_id": "a", "workspace_id": "closed", "query_text": SECRET},
        {"event_id": "b", "query_text": SECRET, "latency_ms": "slow"},  # refused
        {"event_id": "c", "query_text": "How do I reset a password?"}))
    assert (receipt["accepted"], receipt["rejected"]) == (2, 1)
    engine.settle()
    assert files_with(engine.settings.data_dir) == []
    assert stored(engine)["c"][0] is None
    assert stored(engine)["c"][2] == "account"


@pytest.mark.parametrize(("name", "body"), [
    ("f.csv", f'timestamp,model,query_text,latency_ms\n2026-03-05T09:00:00Z,m,"{SECRET}",5\n'
              f'2026-03-05T09:00:00Z,m,"{SECRET}",slow\n'.encode()),
    ("f.jsonl", lines({"workspace_id": "closed", "model": "m", "query_text": SECRET},
                      {"model": "m", "query_text": SECRET, "latency_ms": "slow"})),
    ("g.jsonl", b"\n".join(json.dumps({
        "timestamp": at, "prompt_tokens": 3, "model": "m", "query_text": SECRET}).encode()
        for at in (AT.isoformat(), "never")))])
def test_an_import_leaves_no_text_not_even_of_rejected_rows(
        engine: Engine, tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    report = engine.import_file(path, ImportPlan(workspace="closed"))
    assert (report.rows_kept, report.rows_rejected) == (1, 1)
    engine.settle()
    assert files_with(engine.settings.data_dir) == []
    ((text, hashed, _),) = stored(engine).values()
    assert text is None
    assert hashed == engine.privacy.hash_text("closed", SECRET)


def test_an_import_keeps_what_its_workspace_allows_and_repeats_nothing(
        engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("timestamp,model,query_text\n2026-03-05T09:00:00Z,m,one\n"
                    "2026-03-05T09:00:00Z,m,two\n")
    engine.keep_query_text("open", True)
    assert engine.import_file(path, ImportPlan(workspace="open")).rows_kept == 2
    assert {row[0] for row in stored(engine).values()} == {"one", "two"}
    assert engine.import_file(path, ImportPlan(workspace="open")).rows_kept == 0


def test_the_demonstration_shows_both(engine: Engine) -> None:
    demo.write(engine, events=2_000, days=7)
    keeps = {row.workspace_id: row for row in engine.workspaces()}
    assert keeps["tansy"].keeps_query_text and keeps["tansy"].texts > 0
    assert not keeps["kestrel"].keeps_query_text and keeps["kestrel"].texts == 0


def test_what_waits_when_it_is_forbidden_does_not_arrive(engine: Engine) -> None:
    engine.keep_query_text("open", True)
    engine.record("requests", [ask("a", workspace_id="open")])
    engine.keep_query_text("open", False)
    assert stored(engine)["a"][0] is None


def test_deleting_takes_the_texts_of_one_workspace(engine: Engine) -> None:
    for each in ("open", "other"):
        engine.keep_query_text(each, True)
    engine.record("requests", [ask("a", workspace_id="open"),
                               ask("b", "What else?", workspace_id="other"), ask("c", None)])
    before = stored(engine)
    engine.keep_query_text("open", False)
    assert engine.forget_query_texts("open") == 1
    assert engine.forget_query_texts("open") == 0
    after = stored(engine)
    assert after["a"] == (None, *before["a"][1:])
    assert after["b"] == before["b"]
    assert not [name for name in files_with(engine.settings.data_dir) if "spool" in name]


def test_every_change_is_in_the_audit(engine: Engine) -> None:
    engine.keep_query_text("open", True, "ann")
    engine.keep_query_text("open", False, "ben")
    engine.forget_query_texts("open", "ben")
    told = [(row["person"], row["action"], row["subject"]) for row in engine.state.rows("audit")]
    assert told == [("ann", "query text allowed", "open"), ("ben", "query text forbidden", "open"),
                    ("ben", "query texts deleted", "open")]


def test_the_secret_is_made_once_and_hashes_stay(tmp_path: Path) -> None:
    def open_here() -> Engine:
        return Engine.open(settings.load({}, data_dir=tmp_path), clock=lambda: NOW)

    first = open_here()
    hashed = first.privacy.hash_text("w", "a question")
    first.close()
    again = open_here()
    assert again.privacy.hash_text("w", "a question") == hashed
    assert len(again.state.rows("secrets")) == 1
    again.close()


def test_one_question_has_one_hash_in_a_workspace_and_another_elsewhere(engine: Engine) -> None:
    told = engine.privacy.hash_text
    assert told("w", "Where is ORDER 7?") == told("w", "  where is\torder: 7 ")
    assert told("w", "Where is order 7?") != told("w", "Where is order 8?")
    assert told("w", "Where is order 7?") != told("v", "Where is order 7?")
    assert told("ab", "c") != told("a", "bc")


def test_a_workspace_id_that_cannot_be_is_refused(engine: Engine) -> None:
    for wrong in ("", "x" * 129):
        with pytest.raises(InputError) as refused:
            engine.keep_query_text(wrong, True)
        assert refused.value.field == "workspace_id"


def test_a_sender_s_own_hash_and_topic_stay(engine: Engine) -> None:
    engine.record("requests", [ask("a", None, query_hash="theirs", query_topic="law"),
                               ask("b", query_topic="law")])
    assert stored(engine)["a"] == (None, "theirs", "law")
    assert stored(engine)["b"][2] == "law"


@pytest.mark.parametrize(("text", "normal"), [
    ("  How do I\n reset a  PASSWORD?! ", "how do i reset a password"),
    ("ＦＵＬＬ－width № 5", "full width no 5"), ("STRASSE", "strasse"), ("Straße", "strasse"),
    ("naïve café", "naïve café"), ("a_b-c", "a b c"), ("?!", "?!"), ("", ""), (" \t", "")])
def test_normal_form(text: str, normal: str) -> None:
    assert normalize_query(text) == normal


@given(st.text())
def test_normal_form_is_its_own_normal_form(text: str) -> None:
    normal = normalize_query(text)
    assert normalize_query(normal) == normal
    assert normalize_query(f"  {text}\n") == normal


@pytest.mark.parametrize(("text", "topic"), [
    ("Explain invoice 12", "billing"), ("Why are my shipments late?", "delivery"),
    ("Write a test for module 3", "code"), ("Hello there", ""), ("pricey", "")])
def test_topic(text: str, topic: str) -> None:
    assert find_topic(text) == topic
