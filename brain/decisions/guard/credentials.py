"""Where a text holds keys and tokens: forms that their issuers made to be recognised."""

import re
from collections.abc import Iterator

_FORMS = re.compile(
    r"(?<![\w-])(?:"
    r"sk-(?:proj-|ant-|live-)?[A-Za-z0-9_-]{20,200}"  # OpenAI, Anthropic
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,100}"  # Stripe
    r"|gh[pousr]_[A-Za-z0-9]{36,100}|github_pat_[A-Za-z0-9_]{22,100}"
    r"|glpat-[A-Za-z0-9_-]{20,100}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
    r"|AIza[A-Za-z0-9_-]{35}"  # Google
    r"|xox[abprs]-[A-Za-z0-9-]{10,100}"  # Slack
    r"|hf_[A-Za-z0-9]{30,60}"
    r"|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"  # JWT
    r")(?![\w-])")
SIGNS = ("sk-", "k_live_", "k_test_", "gh", "glpat-", "AKIA", "ASIA", "AIza", "xox", "hf_", "eyJ",
         "-----BEGIN")
"""One of these stands in every text that holds such a key."""
_BEGINNINGS = ("sk-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "ghp_", "gho_", "ghu_",
               "ghs_", "ghr_", "github_pat_", "glpat-", "AKIA", "ASIA", "AIza", "xoxa-", "xoxb-",
               "xoxp-", "xoxr-", "xoxs-", "hf_", "eyJ")
_LONGEST_BEGINNING = max(map(len, _BEGINNINGS))
_RUN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_LAST_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,45}-{0,5}\Z")
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z]{1,10} ){0,2}PRIVATE KEY-----")
_LONGEST_MARK = 70
_KEY_END = re.compile(r"-----END (?:[A-Z]{1,10} ){0,2}PRIVATE KEY-----")
_LONGEST_KEY = 20_000


def find_credentials(text: str) -> Iterator[tuple[int, int]]:
    """Spans of API keys, tokens and private keys."""
    for each in _FORMS.finditer(text):
        yield each.start(), each.end()
    after = 0
    for begin in _KEY_BEGIN.finditer(text):
        if begin.start() < after:
            continue
        highest = begin.end() + _LONGEST_KEY
        end = _KEY_END.search(text, begin.end(), highest)
        after = end.end() if end else min(highest, len(text))
        yield begin.start(), after


def find_open_key(text: str, after: int = 0) -> int:
    """Where a key begins that may be under way at the text's end, the text's length if none.

    ``after`` is where the search may stop: what stands before it has been judged.
    """
    start = len(text)
    while start > after and (text[start - 1] in _RUN):
        start -= 1
    first = len(text)
    for place in range(start, len(text)):
        if place > start and text[place - 1] != ".":
            continue
        rest = text[place:place + _LONGEST_BEGINNING]
        if any(rest.startswith(each) or each.startswith(rest) for each in _BEGINNINGS):
            first = place
            break
    begun = text.rfind("-----BEGIN", max(after, len(text) - _LONGEST_MARK))
    if begun >= 0 and _LAST_BEGIN.match(text, begun):
        return min(first, begun)
    marks = next((size for size in range(10, 0, -1) if text.endswith("-----BEGIN"[:size])), 0)
    return min(first, len(text) - marks)
