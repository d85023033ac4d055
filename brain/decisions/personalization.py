"""How long and in which tone a user likes answers, by a rule that can be read; and suggestions."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from brain.decisions.query_text import normalize_query
from brain.decisions.reasons import Reason

Verbosity = Literal["concise", "normal", "detailed"]
Tone = Literal["neutral", "formal", "friendly"]
VERBOSITIES: tuple[Verbosity, ...] = get_args(Verbosity)
TONES: tuple[Tone, ...] = get_args(Tone)
MOST_SIGNALS = 20
"""Only a user's last signals count, so that a changed mind shows."""
LEAST_LEAD = 2
"""By how many signals one wish must lead before it is followed."""
MOST_LIKED = 50
MOST_SUGGESTIONS = 5
LEAST_SIMILARITY = 0.7
LIKED_STARS = 4
_LONG_TOKENS, _SHORT_TOKENS = 300, 80

_SAID: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("concise", ("too long", "too wordy", "too verbose", "shorter", "more concise", "be brief",
                 "zu lang", "kürzer", "knapper", "zu ausführlich")),
    ("detailed", ("too short", "too brief", "more detail", "more details", "longer", "elaborate",
                  "zu kurz", "ausführlicher", "mehr details", "genauer erklären")),
    ("formal", ("too casual", "too informal", "more formal", "more professional", "zu locker",
                "förmlicher", "sachlicher")),
    ("friendly", ("too formal", "too stiff", "more casual", "friendlier", "zu förmlich", "zu steif",
                  "freundlicher", "lockerer")))
_INSTRUCTIONS = {
    "concise": "Answer briefly: at most a few sentences, no preamble.",
    "detailed": "Answer in detail: give the steps, reasons and an example where one helps.",
    "formal": "Use a formal, factual tone.",
    "friendly": "Use a friendly, conversational tone."}


@dataclass(frozen=True, slots=True)
class Signal:
    """What one piece of feedback says: ``wish`` is a verbosity or tone, ``why`` how it is told."""

    at_utc: dt.datetime
    wish: str
    why: str


@dataclass(frozen=True, slots=True)
class Preference:
    """What holds for a user, and whether each part was set, learned or is the default."""

    verbosity: Verbosity
    tone: Tone
    verbosity_from: Literal["set", "learned", "default"]
    tone_from: Literal["set", "learned", "default"]
    reasons: tuple[Reason, ...]

    @property
    def instruction(self) -> str:
        """What a model is told about it; empty where nothing is preferred."""
        return " ".join(_INSTRUCTIONS[each] for each in (self.verbosity, self.tone)
                        if each in _INSTRUCTIONS)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question of the user's own that was liked and is near; ``similarity`` from 0 to 1."""

    text: str
    similarity: float


def read_signals(at_utc: dt.datetime, stars: int, comment: str,
                 output_tokens: int | None) -> tuple[Signal, ...]:
    """What a piece of feedback says about length and tone.

    Words of the comment count first. Without any about length, one or two stars for a long answer
    (300 tokens and more) wish for short ones, for a short answer (80 and fewer) for long ones.
    """
    said = f" {normalize_query(comment[:5_000])} "
    found = [Signal(at_utc, wish, f"the comment says “{phrase}”")
             for wish, phrases in _SAID
             for phrase in phrases if f" {normalize_query(phrase)} " in said]
    signals = list({each.wish: each for each in found}.values())
    if not any(each.wish in VERBOSITIES for each in signals) and stars <= 2 \
            and output_tokens is not None:
        if output_tokens >= _LONG_TOKENS:
            signals.append(Signal(at_utc, "concise", f"{stars} stars for an answer of "
                                                     f"{output_tokens:,} tokens"))
        elif 0 < output_tokens <= _SHORT_TOKENS:
            signals.append(Signal(at_utc, "detailed", f"{stars} stars for an answer of "
                                                      f"{output_tokens:,} tokens"))
    return tuple(signals)


def decide_preference(settings: Mapping[str, str], signals: Sequence[Signal]) -> Preference:
    """What holds: the user's own setting, else what the last signals wish by a lead of two, else
    the default."""
    latest = sorted(signals, key=lambda each: each.at_utc)[-MOST_SIGNALS:]
    verbosity, verbosity_from, first = _decide(
        "verbosity", settings.get("verbosity", ""), VERBOSITIES, "normal",
        ("concise", "detailed"), latest)
    tone, tone_from, second = _decide("tone", settings.get("tone", ""), TONES, "neutral",
                                      ("formal", "friendly"), latest)
    return Preference(verbosity, tone, verbosity_from, tone_from,  # type: ignore[arg-type]
                      (first, second))


def suggest(typed: str, liked: Sequence[str], *, most: int = MOST_SUGGESTIONS,
            least: float = LEAST_SIMILARITY) -> tuple[Suggestion, ...]:
    """Liked questions (newest first, the first `MOST_LIKED` count) that are near what was typed,
    nearest first; the typed question itself is none.

    Similarity is the cosine of the counts of three letters in a row, spaces included.
    """
    own = normalize_query(typed)
    counts = _trigrams(own)
    found: dict[str, Suggestion] = {}
    for text in liked[:MOST_LIKED]:
        form = normalize_query(text)
        near = _cosine(counts, _trigrams(form))
        if form != own and form not in found and near > least:
            found[form] = Suggestion(text, near)
    return tuple(sorted(found.values(), key=lambda each: -each.similarity)[:most])


def _decide(name: str, chosen: str, allowed: Sequence[str], usual: str, wishes: tuple[str, str],
            signals: Sequence[Signal]) -> tuple[str, str, Reason]:
    if chosen in allowed:
        return chosen, "set", Reason(f"{name}_set", f"{name.capitalize()} {chosen}: you set it.")
    counts = Counter(each.wish for each in signals if each.wish in wishes)
    one, other = (counts[each] for each in wishes)
    wish = wishes[0] if one > other else wishes[1]
    told = f"{one} for {wishes[0]}, {other} for {wishes[1]}"
    if abs(one - other) >= LEAST_LEAD:
        last = next(each for each in reversed(signals) if each.wish == wish)
        return wish, "learned", Reason(f"{name}_learned", f"{name.capitalize()} {wish}: your "
                                       f"feedback says {told}; last, {last.why}.")
    why = f"your feedback says {told}, and a lead of {LEAST_LEAD} is needed" if one or other \
        else "nothing in your feedback speaks of it yet"
    return usual, "default", Reason(f"{name}_default",
                                    f"{name.capitalize()} {usual}, the default: {why}.")


def _trigrams(text: str) -> Counter[str]:
    padded = f"  {text} "
    return Counter(padded[place:place + 3] for place in range(len(padded) - 2)) if text \
        else Counter()


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    product = sum(count * other[piece] for piece, count in one.items())
    sizes = math.sqrt(sum(count**2 for count in one.values())
                      * sum(count**2 for count in other.values()))
    return product / sizes if sizes else 0.0
