"""Answers in pieces: what comes out is the guarded whole, however the answer was cut."""

import re._parser as patterns

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.guard.attacks import LONGEST_ABUSE, RULES
from brain.decisions.guard.judging import GuardPolicy, judge_answer, judge_prompt, stream_answer

MAIL, PHONE, CARD = "max@example.de", "+49 170 1234567", "4111 1111 1111 1111"
KNOWN = judge_prompt(f"{MAIL}, call {PHONE}, card {CARD}, 10.1.2.3", GuardPolicy()).originals
KEY = "AKIAIOSFODNN7EXAMPLE"
PRIVATE = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC\n-----END RSA PRIVATE KEY-----"
ALLOW = GuardPolicy("allow", "allow", "allow")
PIECES = st.sampled_from((
    "The answer ", "is ", "42. ", MAIL, MAIL.upper(), "max (at) example (dot) de", PHONE,
    "0049 170 1234567", CARD, CARD.replace(" ", "-"), "4111-1111 ", "10.1.2.3", "10.1.2.34 ", KEY,
    f"x{KEY}", PRIVATE, "-----BEGIN ", "-----BEGIN RSA PRIVATE KEY-----", "sk-", "sk-" + "a" * 30,
    "eyJ" + "a" * 20 + ".", "ghp_" + "b" * 40, " ", ".", "-", "\n", "\u200b", "ä", "東京都", "é",
    "e\u0301", "ﷺ", "[SECRET_1]", "[EMAIL_1]", "order no. ", "tel ", "a" * 150, "@", "1",
    "word " * 40))
ABUSE = st.sampled_from(("you are an ", "id\u200biot", "idiot", " I will really ", "kill ", "you ",
                         "all jews should ", "die", "hello ", "word " * 30, "fuck ", "."))


def let_out(parts, policy, known):
    """What comes out piece by piece, and whether the way was shut."""
    stream = stream_answer(policy, known)
    return [*map(stream.feed, parts), stream.end()], stream.blocked


@st.composite
def cut_answers(draw, pieces):
    text = "".join(draw(st.lists(pieces, max_size=12)))
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=40)))
    return text, [text[start:end] for start, end in zip([0, *places], [*places, len(text)],
                                                        strict=True)]


@settings(max_examples=400, deadline=None)
@given(cut_answers(PIECES), st.sampled_from((GuardPolicy(), ALLOW)), st.sampled_from((KNOWN, {})))
def test_the_pieces_together_are_the_guarded_whole(answer, policy, known):
    text, parts = answer
    out, _ = let_out(parts, policy, known)
    assert "".join(out) == judge_answer(text, policy, known).text


@settings(max_examples=200, deadline=None)
@given(cut_answers(PIECES))
def test_letter_by_letter_too(answer):
    text, _ = answer
    out, _ = let_out(text[:1_500], GuardPolicy(), KNOWN)
    assert "".join(out) == judge_answer(text[:1_500], GuardPolicy(), KNOWN).text


@settings(max_examples=300, deadline=None)
@given(cut_answers(ABUSE))
def test_abuse_shuts_the_way_before_any_of_it_is_out(answer):
    text, parts = answer
    out, blocked = let_out(parts, GuardPolicy(), {})
    whole = judge_answer(text, GuardPolicy())
    assert blocked == (whole.action == "refuse")
    told = "".join(out)
    assert text.startswith(told)
    assert judge_answer(told, GuardPolicy()).action == "allow"
    assert blocked or told == text


def test_a_long_answer_keeps_coming_and_costs_no_memory():
    stream = stream_answer(GuardPolicy(), KNOWN)
    text = "Ein Satz, den niemand zurückhalten muss. " * 500
    out, most = [], 0
    for place in range(0, len(text), 7):
        out.append(stream.feed(text[place:place + 7]))
        most = max(most, place + 7 - sum(map(len, out)))
    assert "".join(out) + stream.end() == text
    assert most <= stream.window + 7


def test_nothing_waits_where_everything_is_allowed():
    parts = ["Hello ", "world, ", "this ", "comes ", "at ", "once. "]
    assert let_out(parts, ALLOW, {})[0] == [*parts, ""]


def test_a_key_waits_until_it_can_be_judged():
    out, _ = let_out(["Use A", "KIAIOSFODNN7", "EXAMPLE", " now"], ALLOW, {})
    assert out == ["Use ", "", "", "[SECRET_1] now", ""]


def test_an_open_private_key_never_comes_out():
    out, _ = let_out([*PRIVATE[:60]], ALLOW, {})
    assert "".join(out) == "[SECRET_1]"


@pytest.mark.parametrize("rule", [each for each in RULES if each.kind == "toxicity"],
                         ids=lambda rule: rule.code)
def test_the_window_is_longer_than_any_text_that_a_rule_fits(rule):
    pattern = rule.fits.args[0]
    behind = max([0, *(len(each) for each in ("down", " an email", " an message"))])
    assert patterns.parse(pattern.pattern, pattern.flags).getwidth()[1] + behind + 2 < LONGEST_ABUSE
