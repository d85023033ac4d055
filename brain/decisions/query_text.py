"""What of a question may be kept: its text in one form for all who ask it, and its topic."""

import re
import unicodedata

_APART = re.compile(r"[\W_]+")
_TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("billing", ("invoice", "refund", "billing", "payment", "price", "subscription", "receipt")),
    ("delivery", ("delivery", "shipment", "shipping", "parcel", "carrier", "warehouse")),
    ("account", ("password", "login", "account", "signin", "permission", "profile")),
    ("contracts", ("contract", "clause", "agreement", "liability", "legal", "lawsuit")),
    ("code", ("code", "function", "bug", "python", "javascript", "sql", "compile", "refactor",
              "module", "stacktrace", "exception")),
    ("reports", ("report", "forecast", "dashboard", "revenue", "sales", "quarter")),
    ("policy", ("policy", "leave", "vacation", "expense", "compliance")),
    ("writing", ("write", "rewrite", "email", "letter", "translate", "proofread", "draft")),
    ("summaries", ("summarize", "summarise", "summary", "tldr")),
)
_PLACES = {word: place for place, (_, signs) in reversed(list(enumerate(_TOPICS)))
           for sign in signs for word in (sign, f"{sign}s")}


def normalize_query(text: str) -> str:
    """The text in the one form that all spellings of a question share.

    Compatibility forms, case, white space and punctuation are levelled; accents and digits stay.
    A text of nothing but signs keeps them, for "?!" and "+" are not one question.
    Source: Unicode Standard Annex 15 (NFKC) and Unicode 3.13, "Default Case Algorithms".
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_APART.sub(" ", folded).split()) or " ".join(folded.split())


def find_topic(text: str) -> str:
    """The first topic of the list that a word of the text speaks of, "" where none does.

    Whole words and their plural in s are looked for, in English.
    """
    found = min((_PLACES.get(word, len(_TOPICS)) for word in normalize_query(text).split()),
                default=len(_TOPICS))
    return _TOPICS[found][0] if found < len(_TOPICS) else ""
