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
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z]{1,10} ){0,2}PRIVATE KEY-----")
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
