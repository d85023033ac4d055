"""Price contexts: the words about a request, beside its tokens, that decide which price holds."""

import re
from collections.abc import Iterable

STANDARD = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand", "ondemand",
                      "global", "not_available", "none", "null", "unknown"})
"""Words with which sources say that nothing but the plain price holds."""
MOST_CHARACTERS = 64

_UNLIKE_A_WORD = re.compile(r"[^a-z0-9._/-]+")
_SAME = {"batches": "batch", "batch_api": "batch", "priority_on_demand": "priority",
         "flex_discount": "flex"}


def read_context(*told: str) -> str:
    """The context that a source's own words come to: lower case, sorted, each once.

    Batch, flex, priority, fast, a region such as us. Words for the plain price say nothing; what
    does not fit into 64 characters is left out, last words first.
    """
    words = sorted({word for each in told if (word := _word(each))})
    while len(" ".join(words)) > MOST_CHARACTERS:
        words.pop()
    return " ".join(words)


def words_of(context: str) -> frozenset[str]:
    """The words of a context as a price or a request carries it."""
    return frozenset(context.lower().split())


def holds_in(price_context: str, request_context: str) -> bool:
    """Whether a price of one context holds for a request of another: it has all its words."""
    return words_of(price_context) <= words_of(request_context)


def is_well_formed(context: str) -> bool:
    """Whether a price may carry it: plain words, sorted, each once, 64 characters at most."""
    return len(context) <= MOST_CHARACTERS and " ".join(
        sorted({word for word in context.split() if _word(word) == word})) == context


def distinct(contexts: Iterable[str]) -> tuple[str, ...]:
    """The contexts there are, the plain one first."""
    return tuple(sorted({"", *contexts}))


def _word(told: str) -> str:
    word = told.strip().lower()
    if word in STANDARD:
        return ""
    word = _UNLIKE_A_WORD.sub("-", word).strip("-")
    word = _SAME.get(word.replace("-", "_"), word)
    return "" if word in STANDARD else word
