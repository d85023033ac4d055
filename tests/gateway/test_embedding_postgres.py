"""Knowledge with an embedding endpoint on PostgreSQL: pgvector finds the nearest where it is."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from brain.engine import Engine
from brain.settings import load
from tests.gateway.test_embedding import DOCUMENTS, NOW, SYNONYM, codes, complete, fill, rows
from tests.services.embeddings import EmbeddingServer, running_embeddings

QUESTIONS = (SYNONYM, "When does the canteen open?", "Salary or wage?", "How do I eat lunch?",
             "Where do printers print?", "xyzzy")


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with running_embeddings() as found:
        yield found


@pytest.fixture
def open_engine(postgres_url: str, tmp_path: Path, server: EmbeddingServer) -> Iterator[Any]:
    opened: list[Engine] = []

    def open_(name: str, state_url: str = postgres_url) -> Engine:
        opened.append(Engine.open(load({
            "BRAIN_DATA_DIR": str(tmp_path / name), "BRAIN_STATE_URL": state_url,
            "BRAIN_EMBEDDINGS_BASE_URL": server.url, "BRAIN_EMBEDDINGS_MODEL": "fake-embed",
            "BRAIN_EMBEDDINGS_QUESTION_TIMEOUT_S": "60"}), lambda: NOW))
        return opened[-1]
    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def plain_url(postgres_url: str) -> str:
    """The address for a role that may not make extensions."""
    role = f"plain_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as link:
        link.execute(f"create role {role} login")
        link.execute(f"grant all on schema public to {role}")
    parts = urlsplit(postgres_url)
    return urlunsplit(parts._replace(netloc=f"{role}:@{parts.netloc.rpartition('@')[2]}"))


def count_passages(url: str) -> int | None:
    """Rows of the vector column, None where there is none."""
    with psycopg.connect(url) as link:
        there = link.execute("select to_regclass('pgvector_passages')").fetchone()
        if there is None or there[0] is None:
            return None
        found = link.execute("select count(*) from pgvector_passages").fetchone()
        return int(found[0]) if found else None


def found(engine: Engine) -> list[list[tuple[str, int, float, float]]]:
    return [[(each.name, each.position, round(each.score, 6), round(each.scores["vector"], 4))
             for each in engine.knowledge.search("default", question)] for question in QUESTIONS]


def test_two_processes_share_what_the_database_finds(postgres_url: str, open_engine: Any,
                                                     server: EmbeddingServer) -> None:
    first, second = open_engine("first"), open_engine("second")
    assert second.knowledge.search("default", SYNONYM) == ()
    fill(first)
    complete(first)
    complete(second)
    assert count_passages(postgres_url) == len(DOCUMENTS)
    assert {each["vectors"] for each in rows(first).values()} == {""}
    hit = second.knowledge.search("default", SYNONYM)[0]
    assert (hit.name, hit.is_near) == ("rest.md", True)
    fill(second, "other")  # a workspace of its own
    complete(second, "other")
    assert second.knowledge.search("default", SYNONYM)[0].document_id == hit.document_id
    second.knowledge.delete("default", hit.document_id)
    assert first.knowledge.search("default", SYNONYM) == ()
    assert count_passages(postgres_url) == 2 * len(DOCUMENTS) - 1
    first.knowledge.reindex("default")
    complete(first)
    assert count_passages(postgres_url) == 2 * len(DOCUMENTS) - 1


def test_vectors_of_another_length_are_noticed_there_too(open_engine: Any,
                                                         server: EmbeddingServer) -> None:
    engine = open_engine("first")
    fill(engine)
    complete(engine)
    server.dimensions = 48
    assert codes(engine.knowledge.find("default", SYNONYM)) == ["vectors_changed"]
    assert "re-index" in engine.knowledge.vector_state("default").told
    engine.knowledge.reindex("default")
    complete(engine)
    assert [each.name for each in engine.knowledge.search("default", SYNONYM)] == ["rest.md"]
    assert engine.knowledge.vector_state("default").fault == ""


def test_without_pgvector_memory_gives_the_same_and_its_vectors_move_there_later(
        postgres_url: str, plain_url: str, open_engine: Any, server: EmbeddingServer) -> None:
    plain = open_engine("plain", plain_url)
    fill(plain)
    complete(plain)
    assert count_passages(postgres_url) is None
    in_memory = found(plain)
    asked = len(server.texts)
    allowed = open_engine("allowed")
    assert allowed.knowledge.embed() == 0
    assert count_passages(postgres_url) == len(DOCUMENTS)
    complete(allowed)
    assert found(allowed) == in_memory
    assert len(server.texts) == asked + len(QUESTIONS)  # no passage was asked for again
