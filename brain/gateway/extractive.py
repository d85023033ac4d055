"""Answers without a model: the sentences of the found passages that fit the question best."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.retrieval.passages import clean_marks, cut_sentences
from analytics.retrieval.words import find_words, tell_language
from brain.gateway.knowledge import Passage

MOST_SENTENCES = 3
_LEAST_SHARE = 0.45
_KEPT_RATIO = 0.5
_ROW_WEIGHT = 0.7  # a row of a table says little without its head
_LONGEST_SENTENCE = 600
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_NOTHING = {"en": "I found nothing about this in the documents of this workspace.",
            "de": "Dazu habe ich in den Dokumenten dieses Arbeitsbereichs nichts gefunden."}


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences, each with the number of its source in brackets, and the sources in order."""

    text: str
    sources: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class NothingFound:
    """No passage is about the question; ``text`` says so in the question's language."""

    text: str
    sources: tuple[Passage, ...] = ()


def answer_from(question: str, passages: Sequence[Passage],
                most_sentences: int = MOST_SENTENCES) -> Extract | NothingFound:
    """The best sentences of passages that are about the question, in the order of their sources.

    A passage is about it if its words carry _LEAST_SHARE of the question's weight, or if the
    embedding endpoint's vectors say so. A sentence counts idf (over the passages' sentences) of the
    question's words in it, damped by its length. Where no sentence has any of them, the beginning
    of the nearest passage answers.
    """
    words = set(find_words(question))
    fitting = [each for each in passages if each.share >= _LEAST_SHARE or each.is_near]
    if not fitting or not (words or fitting[0].is_near):
        return NothingFound(_NOTHING[tell_language(question)])
    sentences = [(place, order, sentence, find_words(sentence))
                 for place, passage in enumerate(fitting)
                 for order, sentence in enumerate(
                     cut_sentences(_FENCED.sub("\n\n", passage.text)))]
    held = Counter(word for _, _, _, found in sentences for word in set(found) & words)
    weights = {word: math.log(1 + len(sentences) / held[word]) for word in held}
    scored = []
    for place, order, sentence, found in sentences:
        above = set(find_words(f"{fitting[place].name} {fitting[place].heading}")) & words
        here = sum(weights[word] for word in set(found) & words)
        if not here or sentence.rstrip().endswith(":"):
            continue
        if sentence.lstrip().startswith("|"):
            here *= _ROW_WEIGHT
        here += 0.3 * sum(weights.get(word, 0.0) for word in above - set(found))
        score = here / (1 + 0.15 * math.log1p(len(found))) * (0.9 ** place)
        scored.append((score, -place, -order, sentence))
    scored.sort(reverse=True)
    chosen: list[tuple[int, int, str]] = []
    seen = set()
    for score, place, order, sentence in scored:
        shown = clean_marks(sentence)[:_LONGEST_SENTENCE]
        if score < _KEPT_RATIO * scored[0][0] or len(chosen) == most_sentences:
            break
        if shown and shown not in seen:
            seen.add(shown)
            chosen.append((-place, -order, shown))
    if not chosen:
        return _begin(fitting, most_sentences) or NothingFound(_NOTHING[tell_language(question)])
    used = sorted({place for place, _, _ in chosen})
    text = " ".join(f"{shown} [{used.index(place) + 1}]" for place, _, shown in sorted(chosen))
    return Extract(text, tuple(fitting[place] for place in used))


def _begin(passages: Sequence[Passage], most_sentences: int) -> Extract | None:
    """The first sentences of the nearest passage, None where vectors found none near."""
    near = [each for each in passages if each.is_near]
    if not near:
        return None
    nearest = max(near, key=lambda each: each.scores.get("vector", 0.0))
    sentences = [clean_marks(each)[:_LONGEST_SENTENCE] for each in cut_sentences(
        _FENCED.sub("\n\n", nearest.text))]
    shown = [each for each in sentences if each and not each.endswith(":")][:most_sentences]
    return Extract(" ".join(f"{each} [1]" for each in shown), (nearest,)) if shown else None
