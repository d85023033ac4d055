"""Knowledge with an embedding endpoint: found by meaning, made in the background, not waited on."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.engine import Engine
from brain.gateway.knowledge import Found
from brain.gateway.question import Question
from brain.settings import SettingsError, load
from tests.services.embeddings import EmbeddingServer, running_embeddings
from tests.services.process import wait_until

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
DOCUMENTS = {
    "rest.md": "# Rest\n\nEmployees take thirty days of vacation every year.",
    "lunch.md": "# Lunch\n\nThe canteen opens at noon.",
    "network.md": "# Network\n\nThe vpn drops after eight hours.",
    "money.md": "# Money\n\nThe salary comes on the last day of the month.",
    "doors.md": "# Doors\n\nBadge readers open the doors from six to ten.",
    "printer.md": "# Printer\n\nPrinters on the third floor print in colour.",
    "coffee.md": "# Coffee\n\nMachines are cleaned on Mondays.",
    "desk.md": "# Desk\n\nChairs can be raised and lowered.",
    "post.md": "# Post\n\nLetters go out at four.",
}
SYNONYM = "Urlaub?"  # no document has this word, nor a part of it
Open = Callable[..., Engine]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with running_embeddings() as found:
        yield found


@pytest.fixture
def open_engine(tmp_path: Path, server: EmbeddingServer) -> Iterator[Open]:
    opened: dict[str, Engine] = {}

    def open_(**more: Any) -> Engine:
        given = {"BRAIN_DATA_DIR": str(tmp_path), "BRAIN_EMBEDDINGS_BASE_URL": server.url,
                 "BRAIN_EMBEDDINGS_MODEL": "fake-embed", "BRAIN_GATEWAY_TIMEOUT_S": "240",
                 "BRAIN_EMBEDDINGS_QUESTION_TIMEOUT_S": "60",
                 **{f"BRAIN_{name}".upper(): str(value) for name, value in more.items()}}
        if before := opened.pop(given["BRAIN_DATA_DIR"], None):
            before.close()
        engine = opened[given["BRAIN_DATA_DIR"]] = Engine.open(load(given), lambda: NOW)
        return engine
    yield open_
    for each in opened.values():
        each.close()


def fill(engine: Engine, workspace: str = "default") -> None:
    for name, text in DOCUMENTS.items():
        engine.knowledge.ingest(workspace, name, text)


def filled(engine: Engine, workspace: str = "default") -> Engine:
    """The engine, once the background has made all vectors."""
    fill(engine, workspace)
    complete(engine, workspace)
    return engine


def complete(engine: Engine, workspace: str = "default") -> None:
    wait_until(lambda: engine.knowledge.vector_state(workspace).source == "endpoint",
               "vectors in the background")


def codes(found: Found) -> list[str]:
    return [each.code for each in found.reasons]


def rows(engine: Engine) -> dict[str, dict[str, Any]]:
    return {each["document_id"]: each for each in engine.state.rows("knowledge_vectors")}


def test_a_question_without_shared_words_finds_its_passage_with_the_endpoint_only(
        open_engine: Open, tmp_path: Path) -> None:
    engine = filled(open_engine())
    found = engine.knowledge.find("default", SYNONYM)
    assert [(each.name, each.share, each.is_near) for each in found.passages] == [
        ("rest.md", 0.0, True)]
    assert codes(found) == ["vectors_asked"]
    answer = engine.gateway.ask(Question(SYNONYM))
    assert [each.name for each in answer.sources] == ["rest.md"]
    assert answer.text == "Employees take thirty days of vacation every year. [1]"
    retrieve = next(each for each in answer.steps if each.name == "retrieve")
    assert [each.code for each in retrieve.reasons] == ["retrieved", "vectors_asked"]

    built_in = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path / "other")}), lambda: NOW)
    try:
        fill(built_in)
        built_in.knowledge.reindex("default")
        assert built_in.knowledge.find("default", SYNONYM) == Found(())
        assert "nothing" in built_in.gateway.ask(Question("Holidays?")).text
        assert built_in.knowledge.vector_state("default").told == (
            "The built-in vectors are used: 9 of 9 passages have them.")
    finally:
        built_in.close()


def test_words_still_count_beside_meaning(open_engine: Open) -> None:
    engine = filled(open_engine())
    found = engine.knowledge.find("default", "When do letters go out?")
    assert found.passages[0].name == "post.md"
    assert set(found.passages[0].ranks) == {"bm25", "vector"}
    assert engine.knowledge.find("default", "xyzzy").passages == ()  # near nothing, no words
    assert engine.knowledge.search("default", "Holidays?", by=("bm25",)) == ()


def test_vectors_outlast_a_stop_and_are_made_once(open_engine: Open,
                                                  server: EmbeddingServer) -> None:
    filled(open_engine())
    sent = len(server.texts)
    assert sent == len(DOCUMENTS)
    again = open_engine()  # the first one is closed
    assert again.knowledge.vector_state("default").source == "endpoint"
    assert [each.name for each in again.knowledge.search("default", SYNONYM)] == ["rest.md"]
    assert again.knowledge.embed() == 0
    assert len(server.texts) == sent + 1  # the question
    again.knowledge.search("default", SYNONYM)
    assert len(server.texts) == sent + 1  # its vector is kept in memory


def test_changed_text_gets_new_vectors_and_what_goes_loses_them(open_engine: Open,
                                                                server: EmbeddingServer) -> None:
    engine = filled(open_engine())
    document = next(each for each in engine.knowledge.documents("default")
                    if each.name == "desk.md")
    old = rows(engine)[document.document_id]
    engine.knowledge.update("default", document.document_id, "# Desk\n\nEvery car has a place.")
    complete(engine)
    new = rows(engine)[document.document_id]
    assert new["text_hash"] != old["text_hash"] and new["vectors"] != old["vectors"]
    assert [each.name for each in engine.knowledge.search("default", "Vehicle?")] == ["desk.md"]
    engine.knowledge.delete("default", document.document_id)
    assert document.document_id not in rows(engine)
    assert engine.knowledge.search("default", "Vehicle?") == ()
    engine.knowledge.restore("default", document.document_id)
    complete(engine)
    assert [each.name for each in engine.knowledge.search("default", "Vehicle?")] == ["desk.md"]
    before = len(server.texts)
    engine.knowledge.reindex("default")
    complete(engine)
    assert len(server.texts) - before == len(DOCUMENTS)


def test_while_the_endpoint_is_down_words_answer_and_later_all_is_made_up_for(
        open_engine: Open, server: EmbeddingServer) -> None:
    server.mode = "error"
    engine = open_engine()
    fill(engine)
    assert engine.knowledge.embed() == 0
    state = engine.knowledge.vector_state("default")
    assert (state.source, state.with_vectors, state.passages) == ("built-in", 0, 9)
    assert "HTTP 500; see its log" in state.told and "2026-11-26 12:00 UTC" in state.told
    found = engine.knowledge.find("default", "When does the canteen open?")
    assert found.passages[0].name == "lunch.md"
    assert codes(found) == ["vectors_incomplete"]
    assert "9 of 9 documents" in found.reasons[0].text
    server.mode = "ok"
    assert engine.knowledge.embed() == 9
    state = engine.knowledge.vector_state("default")
    assert (state.source, state.fault) == ("endpoint", "")
    assert state.told == (f"The vectors of fake-embed at {server.url[7:-3]} are used: 9 of 9 "
                          "passages have them.")


def test_the_job_makes_what_a_stop_had_left(open_engine: Open, server: EmbeddingServer,
                                            tmp_path: Path) -> None:
    without = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}), lambda: NOW)
    fill(without)
    without.close()
    engine = open_engine()
    engine.knowledge.embed_soon()  # what the schedule calls every minute
    complete(engine)
    assert len(server.texts) == 9


@pytest.mark.parametrize("mode", ["slow", "error", "nan", "unauthorized"])
def test_a_question_falls_back_with_the_reason_and_soon_does_not_wait(
        open_engine: Open, server: EmbeddingServer, mode: str) -> None:
    engine = filled(open_engine(embeddings_question_timeout_s=0.2))
    server.mode = mode
    answers = [engine.gateway.ask(Question(f"When does the canteen open? {number}"))
               for number in range(5)]
    assert [each.sources[0].name for each in answers] == ["lunch.md"] * 5
    told = [next(step for step in each.steps if step.name == "retrieve").reasons[1]
            for each in answers]
    assert {each.code for each in told} == {"vectors_unavailable"}
    assert all(each.text.endswith("the built-in vectors were used.") for each in told)
    assert len(server.texts) == 9 + 3  # three failed; the others did not ask
    assert "left alone for" in told[-1].text
    assert "canteen" not in str(told)
    assert engine.knowledge.vector_state("default").fault


def test_half_of_the_time_left_bounds_the_wait_without_blaming_the_endpoint(
        open_engine: Open, server: EmbeddingServer) -> None:
    engine = filled(open_engine())
    server.mode = "slow"
    for number in range(4):
        answer = engine.gateway.ask(Question(f"When does the canteen open? {number}",
                                             max_latency_ms=400))
        step = next(step for step in answer.steps if step.name == "retrieve")
        assert "gave no vectors within 0." in step.reasons[1].text
    assert len(server.texts) == 9 + 4  # it was asked each time
    assert engine.knowledge.vector_state("default").fault == ""


def test_the_data_policy_keeps_texts_from_the_endpoint(open_engine: Open,
                                                       server: EmbeddingServer) -> None:
    engine = open_engine(embeddings_region="us, eu-west")
    policies = engine.gateway.data_policies
    policies.put("strict", regions=["eu"])
    policies.put("loose", regions=["us"])
    policies.put("careful", no_training=True)
    policies.put("personal", no_training_for_personal_data=True)
    for workspace in ("strict", "careful", "personal"):
        fill(engine, workspace)
    assert engine.knowledge.embed() == 0
    filled(engine, "loose")
    for workspace, word in (("strict", "BRAIN_EMBEDDINGS_REGION"),
                            ("careful", "BRAIN_EMBEDDINGS_NO_TRAINING"),
                            ("personal", "BRAIN_EMBEDDINGS_NO_TRAINING")):
        found = engine.knowledge.find(workspace, "When does the canteen open?")
        assert found.passages[0].name == "lunch.md"
        assert codes(found) == ["vectors_forbidden"] and word in found.reasons[0].text
        assert word in engine.knowledge.vector_state(workspace).told
    assert len(server.texts) == 9  # those of the loose one
    policies.put("loose", regions=["eu"])  # its vectors are there; its questions stay here now
    assert codes(engine.knowledge.find("loose", SYNONYM)) == ["vectors_forbidden"]
    assert len(server.texts) == 9


def test_a_promise_opens_the_endpoint(open_engine: Open) -> None:
    engine = open_engine(embeddings_region="eu", embeddings_no_training="yes")
    engine.gateway.data_policies.put("default", regions=["eu"], no_training=True)
    filled(engine)
    assert codes(engine.knowledge.find("default", SYNONYM)) == ["vectors_asked"]


def test_the_guard_comes_first(open_engine: Open, server: EmbeddingServer) -> None:
    engine = filled(open_engine())
    engine.gateway.ask(Question("May ann@example.com take holidays?"))
    engine.knowledge.find("default", "May bob@example.com take holidays?")
    assert [each for each in server.texts if "holidays" in each] == [
        "May [EMAIL_1] take holidays?"]  # the same text: asked for once
    engine.guard.set_policy("default", pii="refuse")
    found = engine.knowledge.find("default", "May carl@example.com take holidays?")
    assert codes(found) == ["vectors_withheld"]
    assert "carl" not in str(server.texts) and len(server.texts) == 10


def test_a_refused_document_stops_no_other(open_engine: Open, server: EmbeddingServer) -> None:
    server.most_characters = 80
    engine = open_engine()
    fill(engine)
    engine.knowledge.ingest("default", "long.md", "# Long\n\n" + "word " * 60)
    wait_until(lambda: engine.knowledge.vector_state("default").with_vectors == 9,
               "vectors of the others")
    state = engine.knowledge.vector_state("default")
    assert state.passages == 10 and "does not take these texts" in state.told
    asked = len(server.bodies)
    engine.knowledge.embed()
    assert len(server.bodies) == asked  # it is left alone for a while
    server.most_characters = 1_000
    engine.knowledge.reindex("default")
    complete(engine)


def test_vectors_of_another_length_are_noticed(open_engine: Open,
                                               server: EmbeddingServer) -> None:
    engine = filled(open_engine())
    server.dimensions = 48
    found = engine.knowledge.find("default", SYNONYM)
    assert codes(found) == ["vectors_changed"] and "Re-index" in found.reasons[0].text
    engine.knowledge.ingest("default", "new.md", "# New\n\nA new one.")
    wait_until(lambda: "re-index" in engine.knowledge.vector_state("default").told, "the advice")
    engine.knowledge.reindex("default")
    complete(engine)
    assert [each.name for each in engine.knowledge.search("default", "Ferien?")] == ["rest.md"]


def test_small_documents_share_calls_and_large_ones_take_several(open_engine: Open,
                                                                 server: EmbeddingServer) -> None:
    server.mode = "error"
    engine = open_engine(embeddings_batch=4)
    fill(engine)
    engine.knowledge.ingest("default", "large.md", "\n\n".join(
        f"# Part {number}\n\nText of part {number}." for number in range(10)))
    engine.knowledge.embed()
    server.mode, server.bodies = "ok", []
    assert engine.knowledge.embed() == 19
    assert max(len(each["input"]) for each in server.bodies) <= 4
    assert len(server.bodies) <= 3 + 4  # 10 parts in 3 calls; 9 small ones around them in 3 or 4


@pytest.mark.parametrize(("given", "words"), [
    ({"base_url": "127.0.0.1:11434", "model": "m"}, "is not an address"),
    ({"base_url": "ftp://host/v1", "model": "m"}, "is not an address"),
    ({"base_url": "http://host:99999/v1", "model": "m"}, "is not an address"),
    ({"base_url": "http://host/v1?key=x", "model": "m"}, "is not an address"),
    ({"base_url": "http://ann:secret@host/v1", "model": "m"}, "BRAIN_EMBEDDINGS_KEY"),
    ({"base_url": "http://host/v1"}, "BRAIN_EMBEDDINGS_MODEL is missing"),
    ({"base_url": "http://host/v1", "model": "m" * 201}, "at most 200 characters"),
    ({"model": "m"}, "without BRAIN_EMBEDDINGS_BASE_URL"),
    ({"base_url": "http://host/v1", "model": "m", "key": "a\nb"}, "no HTTP header"),
    ({"least_cosine": "nan"}, "is outside"), ({"least_cosine": "1.5"}, "is outside"),
    ({"batch": "0"}, "is outside"), ({"timeout_s": "soon"}, "is not a float"),
    ({"question_timeout_s": "0"}, "is outside"), ({"no_training": "maybe"}, "is not a bool")])
def test_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path, given: dict[str, str],
                                                          words: str) -> None:
    with pytest.raises(SettingsError, match="BRAIN_EMBEDDINGS_") as refused:
        Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path), **{
            f"BRAIN_EMBEDDINGS_{name.upper()}": value for name, value in given.items()}}))
    assert words in str(refused.value) and "secret" not in str(refused.value)
