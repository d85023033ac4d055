"""A prompt as numbers: weighted words and pieces of words, and what its form tells."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
LONGEST = 20_000
"""Characters of a prompt that are looked at."""
MOST_WORDS, MOST_PIECES = 40_000, 20_000

_WORD = re.compile(r"\w\w+")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = re.compile(r"\w+")
_SIGNS = "=+*/^<>∫√\\$%"
_MATH = _words("sqrt mod log sin cos matrix integral probability equation")
_NEGATION = _words("not except least false incorrect never cannot")
_ASKING = _words("what which who when where why how if is are does")
_OPTION = re.compile(r"^[A-J][.)] (.*)$", re.MULTILINE)
_NUMERIC = re.compile(r"[\s$\-+(]*[\d.,]+")
_SENTENCE = re.compile(r"[.?!]\s")
_LONG_WORD = re.compile(r"[a-zA-Z]{9,}")
_QUANTITY = _words("twice half third quarter double triple times each every per percent fewer "
                   "remaining left total altogether average rest another both ratio")
_COMPARED = re.compile(r"\b(?:more than|less than)\b")
_TIME = _words("hour hours minute minutes day days week weeks month months year years am pm old "
               "age")
_CONDITION = _words("if then unless until after before when while than")
_AMOUNT = re.compile(r"\d[\d,]*(?:\.\d+)?")
_FRACTION = re.compile(r"\d\.\d|\d/\d|\d%")
_BEST = _words("best most primary main following")
_SUPPOSED = _words("suppose assume given consider scenario would should could might")
_NAME = re.compile(r"\b[A-Z][a-z]+")
FORM = ("length", "words", "characters_per_word", "digit_share", "numbers", "math_per_word", "math",
        "negation", "questions", "asking_per_word", "option_length", "option_spread",
        "numeric_options", "options", "upper_share", "beyond_ascii", "commas_per_word", "quotes",
        "first_line", "distinct_words", "word_length", "statements", "blanks", "long_words",
        "lines", "longest_sentence", "quantities", "quantities_per_word", "times",
        "conditions_per_word", "largest_number", "distinct_numbers", "fractions", "best_per_word",
        "supposed_per_word", "names_per_word", "sentences", "sentence_length", "money_per_word",
        "brackets", "backslashes_per_word", "short_words")
"""What `describe_form` gives, in this order."""


def describe_form(prompt: str) -> list[float]:
    """Lengths, counts and shares of the prompt by the names of ``FORM``."""
    text = prompt[:LONGEST]
    words, lines, characters = text.split(), text.splitlines(), max(len(text), 1)
    count = max(len(words), 1)
    options = _OPTION.findall(text)
    lengths = [len(each) for each in options] or [0]
    mean = sum(lengths) / len(lengths)
    spread = math.sqrt(sum((each - mean) ** 2 for each in lengths) / len(lengths))
    lower = text.lower()
    tokens = _TOKEN.findall(lower)
    signs = sum(map(text.count, _SIGNS)) + _count(_TOKEN.findall(text), _MATH)
    sentences = _SENTENCE.split(text)
    numbers = {each.replace(",", "") for each in _AMOUNT.findall(text)}
    quantities = _count(tokens, _QUANTITY) + len(_COMPARED.findall(lower))
    told = max(sum(not each.isspace() for each in sentences if each), 1)
    return [
        math.log1p(len(text)), math.log1p(len(words)), characters / count,
        len(_DIGIT.findall(text)) / characters, math.log1p(len(_NUMBER.findall(text))),
        signs / count, math.log1p(signs), float(not _NEGATION.isdisjoint(tokens)),
        min(text.count("?"), 10), _count(tokens, _ASKING) / count, math.log1p(mean),
        math.log1p(spread),
        sum(_NUMERIC.match(each) is not None for each in options) / max(len(options), 1),
        len(options), sum(map(str.isupper, text)) / characters,
        0.0 if text.isascii() else sum(letter > "\x7f" for letter in text) / characters,
        text.count(",") / count, float('"' in text), math.log1p(len(lines[0]) if lines else 0),
        len({each.lower() for each in words}) / count, sum(map(len, words)) / count,
        float("Statement" in text), float("____" in text), len(_LONG_WORD.findall(text)) / count,
        math.log1p(len(lines)), max(map(len, sentences)) / 200, math.log1p(quantities),
        quantities / count, math.log1p(_count(tokens, _TIME)),
        _count(tokens, _CONDITION) / count, math.log1p(_largest(numbers)),
        math.log1p(len(numbers)), math.log1p(len(_FRACTION.findall(text))),
        _count(tokens, _BEST) / count,
        (_count(tokens, _SUPPOSED) + lower.count("according to")) / count,
        _count_names(text) / count, math.log1p(told), count / told / 20,
        text.count("$") / count, float("(" in text), text.count("\\") / count,
        sum(len(each) <= 3 for each in words) / count]


def _count(tokens: Sequence[str], words: frozenset[str]) -> int:
    return sum(map(words.__contains__, tokens))


def _count_names(text: str) -> int:
    """Capitalised words that begin no sentence."""
    starts = [found.start() for found in _NAME.finditer(text)]
    return sum(start > 0 and not (start > 1 and text[start - 1].isspace()
                                  and text[start - 2] in ".?!") for start in starts)


def _largest(numbers: set[str]) -> float:
    """The largest of numbers in digits, none above 10^15 as such."""
    return max((float(each) if len(each) <= 15 else 1e15 for each in numbers), default=0.0)


def split_words(prompt: str) -> list[str]:
    """Words of two letters and more, and pairs of neighbours."""
    words = _WORD.findall(prompt[:LONGEST].lower())
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def split_pieces(prompt: str) -> list[str]:
    """Pieces of three and four characters within words, a space on either side."""
    found = []
    for word in prompt[:LONGEST].lower().split():
        spaced = f" {word} "
        for width in (3, 4):
            found += [spaced[start:start + width]
                      for start in range(max(len(spaced) - width + 1, 1))]
    return found


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms with their places and inverse document frequencies."""

    terms: dict[str, int]
    idf: Floats
    documents: int = 0

    def weigh(self, found: Sequence[str]) -> tuple[list[int], Floats]:
        """Places and weights of the terms found: (1 + ln count) × idf, of length 1 together."""
        counts = Counter(found)
        known = [(place, count) for term, count in counts.items()
                 if (place := self.terms.get(term)) is not None]
        if not known:
            return [], np.zeros(0)
        places = [place for place, _ in known]
        weights = (1 + np.log([count for _, count in known])) * self.idf[places]
        return places, weights / math.sqrt(float(weights @ weights))

    def rarity(self, words: Iterable[str], is_own: bool = False) -> list[float]:
        """How rare the words are: mean ln((1 + n) / (1 + df)), mean of the rarest fifth, share
        that stood in no document. ``is_own`` leaves out one document, for the words are from it."""
        none = math.log1p(self.documents)
        places = [self.terms.get(each) for each in set(words)]
        known = self.idf[[place for place in places if place is not None]] - 1
        if is_own:
            least = 1 / (1 + self.documents)
            known = -np.log(np.maximum(np.exp(-known) - least, least))
        found = sorted([*known.tolist(), *[none] * places.count(None)]) or [0.0]
        rare = found[-max(len(found) // 5, 1):]
        return [sum(found) / len(found), sum(rare) / len(rare),
                sum(each > none - 0.7 for each in found) / len(found)]

    def common_words(self, most: int) -> tuple[str, ...]:
        """The single words that stand in the most documents."""
        single = [(float(self.idf[place]), term) for term, place in self.terms.items()
                  if " " not in term]
        return tuple(term for _, term in sorted(single)[:most])


def learn_vocabulary(found: Sequence[Sequence[str]], least: int, most: int) -> Vocabulary:
    """The ``most`` frequent terms of at least ``least`` documents.

    idf = ln((1 + n) / (1 + df)) + 1.
    """
    frequency: Counter[str] = Counter()
    for each in found:
        frequency.update(set(each))
    kept = sorted(((-count, term) for term, count in frequency.items() if count >= least))[:most]
    terms = {term: place for place, (_, term) in enumerate(kept)}
    counts = np.array([-count for count, _ in kept], float)
    return Vocabulary(terms, np.log((1 + len(found)) / (1 + counts)) + 1, len(found))


def weigh_all(vocabulary: Vocabulary, found: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """A row of weights for each document."""
    places, weights, ends = [], [], [0]
    for each in found:
        at, weight = vocabulary.weigh(each)
        places.append(np.array(at, dtype=np.int64))
        weights.append(weight)
        ends.append(ends[-1] + len(at))
    rows = sparse.csr_matrix((np.concatenate(weights or [np.zeros(0)]),
                              np.concatenate(places or [np.zeros(0, np.int64)]), ends),
                             shape=(len(found), len(vocabulary.terms)))
    rows.sort_indices()
    return rows
