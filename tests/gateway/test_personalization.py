"""Preferences of users as kept, and suggestions from what they liked, where text may be kept."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Feedback, Request
from brain.settings import load
from tests.gateway.studios import open_studio

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Any]:
    with open_studio(tmp_path) as opened:
        yield opened


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(load({}, data_dir=tmp_path), clock=lambda: NOW)
    yield opened
    opened.close()


def test_feedback_teaches_and_a_reset_forgets(small: Any) -> None:
    personal = small.studio.personalization
    assert personal.preference("acme", "ann").verbosity_from == "default"
    for _ in range(2):
        personal.note_feedback("acme", "ann", 2, "too long", 500)
    found = personal.preference("acme", "ann")
    assert (found.verbosity, found.verbosity_from) == ("concise", "learned")
    assert "“too long”" in found.reasons[0].text
    assert personal.preference("acme", "bob").verbosity == "normal"
    assert personal.preference("globex", "ann").verbosity == "normal"
    assert personal.set("acme", "ann", verbosity="detailed").verbosity == "detailed"
    assert personal.reset("acme", "ann").verbosity_from == "default"
    assert personal.signals("acme", "ann") == ()
    actions = [row["action"] for row in small.state.rows("audit", order="audit_id")]
    assert actions == ["answer preference set", "answer preference reset"]


def test_what_is_not_offered_is_refused(small: Any) -> None:
    with pytest.raises(InputError) as refused:
        small.studio.personalization.set("acme", "ann", tone="rude")
    assert refused.value.field == "tone"
    with pytest.raises(InputError):
        small.studio.personalization.set("acme", "", tone="formal")


def test_only_as_many_signals_are_kept_as_count(small: Any) -> None:
    for _ in range(30):
        small.studio.personalization.note_feedback("acme", "ann", 1, "too short", None)
    assert len(small.studio.personalization.signals("acme", "ann")) == 20


def test_suggestions_are_the_users_own_liked_questions(engine: Engine) -> None:
    engine.keep_query_text("acme", True)
    asked = [("r1", "ann", "How do I reset a password?", 5), ("r2", "ann", "Where is it?", 5),
             ("r3", "bob", "How do I reset the password?", 5),
             ("r4", "ann", "How can I reset my password?", 2)]
    engine.record("requests", [Request(
        event_id=number, at_utc=NOW, workspace_id="acme", user_id=user, query_text=text)
        for number, user, text, _ in asked])
    engine.record("feedback", [Feedback(
        at_utc=NOW, workspace_id="acme", user_id=user, request_id=number, stars=stars)
        for number, user, _, stars in asked])
    engine.settle()
    suggest = engine.studio.personalization.suggest
    assert [each.text for each in suggest("acme", "ann", "How do I reset my password?")] == [
        "How do I reset a password?"]
    assert suggest("acme", "", "How do I reset my password?") == ()
    engine.keep_query_text("acme", False)
    assert suggest("acme", "ann", "How do I reset my password?") == ()
