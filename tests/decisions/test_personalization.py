"""Preferences follow settings first, then feedback by a lead of two; suggestions are one's own."""

import datetime as dt

import pytest

from brain.decisions.personalization import (
    Signal,
    decide_preference,
    read_signals,
    suggest,
)

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(("stars", "comment", "tokens", "wishes"), [
    (2, "Much too long, please be brief.", 900, ["concise"]),
    (5, "Perfect!", 900, []), (1, "", 300, ["concise"]), (2, "wrong", 80, ["detailed"]),
    (2, "", 100, []), (3, "", 900, []), (1, "Zu kurz und zu förmlich", 900,
                                         ["detailed", "friendly"]),
    (4, "belongers", None, []), (1, "", 0, [])])
def test_feedback_is_read(stars: int, comment: str, tokens: int | None,
                          wishes: list[str]) -> None:
    assert [each.wish for each in read_signals(NOW, stars, comment, tokens)] == wishes


def signals(*wishes: str) -> list[Signal]:
    return [Signal(NOW + dt.timedelta(hours=n), wish, "said so") for n, wish in enumerate(wishes)]


@pytest.mark.parametrize(("settings", "wishes", "verbosity", "origin"), [
    ({}, [], "normal", "default"), ({}, ["concise"], "normal", "default"),
    ({}, ["concise"] * 2, "concise", "learned"),
    ({}, ["concise", "detailed", "concise"], "normal", "default"),  # a lead of one
    ({"verbosity": "detailed"}, ["concise"] * 9, "detailed", "set"),
    ({}, ["concise"] * 9 + ["detailed"] * 20, "detailed", "learned")])  # the last 20 count
def test_a_preference_is_decided(settings: dict[str, str], wishes: list[str], verbosity: str,
                                 origin: str) -> None:
    found = decide_preference(settings, signals(*wishes))
    assert (found.verbosity, found.verbosity_from) == (verbosity, origin)
    assert found.tone == "neutral" and len(found.reasons) == 2
    assert bool(found.instruction) is (verbosity != "normal")


def test_suggestions_are_near_and_never_the_question_itself() -> None:
    liked = ["How do I reset my password?", "how do i reset my password",
             "How do I reset a password?", "Where is my parcel?"]
    found = suggest("How do I reset my password", liked)
    assert [each.text for each in found] == ["How do I reset a password?"]
    assert 0.7 < found[0].similarity < 1
    assert suggest("", liked) == ()


def test_the_last_fifty_count_and_five_are_shown() -> None:
    liked = [f"What was the revenue in week {n}?" for n in range(60)]
    found = suggest("What was the revenue in week?", liked)
    assert len(found) == 5
    assert not {f"What was the revenue in week {n}?" for n in range(50, 60)} & {
        each.text for each in found}
