"""Brain › Knowledge: sample documents, adding, searching, changing, removing and bringing back."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from brain import running
from brain.engine import Engine
from brain.settings import load
from tests.pages.conftest import NOW, OpenPage
from tests.services.embeddings import running_embeddings

PAGE = "brain/knowledge.py"


def press(app: AppTest, label: str) -> AppTest:
    app = next(each for each in app.button if each.label == label).click().run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(each.value for kind in (app.markdown, app.caption, app.success, app.info,
                                            app.error, app.subheader) for each in kind)


def shown(elements: Iterable[Any]) -> str:
    """Texts as they are read, without the signs that keep Markdown away."""
    return " ".join(each.value for each in elements).replace("\\", "")


def test_the_empty_page_offers_sample_documents_that_go_again(engine: Engine,
                                                              open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "No documents yet" in texts(app)
    app = press(app, "Load sample documents")
    loaded = engine.knowledge.documents("default")
    assert len(loaded) > 10 and all(each.is_demo for each in loaded)
    app.text_input(key="knowledge_query").set_value("How do I record events?").run()
    assert not app.exception and "Sources: " in texts(app)
    found = next(each.value for each in app.dataframe if "passage" in each.value.columns)
    assert found["passage"].str.contains("recording-events").any()
    press(app, "Remove sample documents")
    assert engine.knowledge.documents("default") == ()


def test_a_pasted_text_is_found_and_a_fault_is_told(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    app.text_input(key="document_name").set_value("hours.md")
    app.text_area(key="document_text").set_value("We open at nine. <script>alert(1)</script> ![x](http://e.example)")
    app = press(app, "Add text")
    assert [each.name for each in engine.knowledge.documents("default")] == ["hours.md"]
    app.text_input(key="knowledge_query").set_value("When do you open?").run()
    assert "We open at nine" in texts(app) and "![x]" not in texts(app)
    app.text_area(key="document_text").set_value("   ")
    app = press(app, "Add text")
    assert "1 to 256 characters" in texts(app) or "holds no text" in texts(app)


def test_documents_of_another_workspace_are_not_shown(engine: Engine, open_page: OpenPage) -> None:
    engine.knowledge.ingest("acme", "secret.txt", "The plan of acme is secret.")
    app = open_page(PAGE)
    assert "No documents yet" in texts(app)
    app = open_page(PAGE, workspace="acme")
    names = next(each.value for each in app.dataframe if "chunks" in each.value.columns)
    assert list(names["name"]) == ["secret.txt"]


def test_whose_vectors_rank_and_what_is_in_the_way(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine,
        open_page: OpenPage) -> None:
    engine.knowledge.ingest("default", "a.md", "Employees take vacation in May.")
    assert "The built-in vectors are used: 0 of 1 passages" in shown(open_page(PAGE).caption)
    with running_embeddings() as server:
        server.mode = "error"
        other = Engine.open(load({
            "BRAIN_DATA_DIR": str(tmp_path / "other"), "BRAIN_EMBEDDINGS_BASE_URL": server.url,
            "BRAIN_EMBEDDINGS_MODEL": "fake-embed", "BRAIN_EMBEDDINGS_QUESTION_TIMEOUT_S": "60",
            }), lambda: NOW)
        try:
            monkeypatch.setattr(running, "engine", lambda _settings=None: other)
            other.knowledge.ingest("default", "a.md", "Employees take vacation in May.")
            other.knowledge.embed()
            app = open_page(PAGE)
            warned = shown(app.warning)
            assert "0 of 1 passages have them" in warned and "HTTP 500; see its log" in warned
            server.mode = "ok"
            other.knowledge.embed()
            app = open_page(PAGE)
            assert not app.warning and "1 of 1 passages have them" in shown(app.caption)
            app.text_input(key="knowledge_query").set_value("Holidays?").run()
            assert not app.exception
            assert "Employees take vacation in May" in texts(app)
            assert "were used" in shown(app.caption)
        finally:
            other.close()
