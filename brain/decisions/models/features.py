"""What a request is: its tokens, complexity, task, language, and whether it names a person."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from brain.decisions.models.languages import detect_language

Complexity = Literal["low", "medium", "high"]
CHARACTERS_PER_TOKEN = 4
MOST_TOKENS = 10**9
TASK_CLASSES = ("code", "math", "translation", "summary", "extraction", "writing", "analysis",
                "question", "chat")
"""What a request asks for, in the order in which the signs of each are looked for."""

_LOOKED_AT = 20_000  # characters; a sign of code or of a task stands near the beginning
_URL = re.compile(r"\bhttps?://\S+", re.IGNORECASE)
_QUESTION = re.compile(r"[?？؟][?!？！؟]*")
_CODE = re.compile(
    r"```|~~~\w*\n"
    r"|^[ \t]*(?:def \w+\s*\(|class \w+\s*[(:{]|import [\w.]+[ \t]*;?$|from [\w.]+ import "
    r"|#include\s*[<\"]|func \w+\s*\(|fn \w+\s*[(<]|package \w+;?$|@\w+\(|\$ \w+ )"
    r"|\b(?:public|private|protected) (?:static |final )*\w+[\w<>\[\]]* \w+\s*[({=;]"
    r"|\bfunction\s*\w*\s*\([^()]{0,200}\)\s*\{|\([^()]{0,200}\)\s*=>|\blambda \w*\s*:"
    r"|\b(?:const|let|var) \w+\s*=|\bconsole\.log\(|\bprint(?:f|ln)?\([\"'\w]"
    r"|\bdef \w+\([^()]{0,200}\)\s*:"
    r"|\breturn \w[\w.()]*;|[;{]\s*$\n\s*[\w}]"
    r"|\bselect\b[^?]{1,200}\bfrom \w+\s*(?:\bwhere\b|\bgroup by\b|\border by\b|\bjoin\b|;|$)"
    r"|</\w+>|<\?php|#!/", re.MULTILINE | re.IGNORECASE)
_TASKS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in (
    ("code", r"\b(?:code|python|javascript|typescript|java|rust|golang|sql|regex|c\+\+|bash|"
             r"unit tests?|refactor|debug|stack ?trace|compile[rs]?|algorithm|function that|"
             r"script|api endpoint|traceback)\b"),
    ("math", r"\b(?:solve|equations?|integrals?|derivatives?|matrix|probability|theorem|prove|"
             r"how many|calculate|compute|percent(?:age)?|polynomial|geometry)\b|"
             r"\d\s*[-+*/^=]\s*\d"),
    ("translation", r"\btranslat(?:e|ion)\b|\bübersetz|\btradu(?:is|ire|ce)\b|"
                    r"\b(?:in|into|to) (?:english|german|french|spanish|italian|chinese|"
                    r"japanese)\b"),
    ("summary", r"\b(?:summari[sz]e|summary|tl;?dr|key points|condense|zusammenfass\w*|"
                r"r[ée]sum[ée]r?)\b"),
    ("extraction", r"\b(?:extract|classify|categori[sz]e|label|sentiment|named entit\w+|"
                   r"as json|into a table|parse)\b"),
    ("writing", r"\b(?:write|draft|compose|rewrite|rephrase|poem|story|essay|e-?mail|blog post|"
                r"slogan|letter|proofread)\b"),
    ("analysis", r"\b(?:analy[sz]e|compare|contrast|evaluate|explain why|pros and cons|"
                 r"trade-?offs?|strategy|recommend|assess|design|architect\w*|plan)\b"),
    ("question", r"[?？؟]|^\s*(?:what|which|who|when|where|why|how|is|are|does|do|can|explain|"
                 r"define|describe|tell me)\b"),
))
_PERSONAL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}"                            # e-mail
    r"|\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?\b"     # IBAN
    r"|\b\d{3}-\d{2}-\d{4}\b"                                          # SSN
    r"|\b(?:\d[ -]?){13,18}\d\b"                                       # card
    r"|(?<![\w.])\+\d{1,3}[ ./-]?(?:\(?\d{1,4}\)?[ ./-]?){2,5}\d{2,4}\b"  # phone
    r"|(?<![\d.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Features:
    """What a choice goes by. ``input_tokens`` is a count, or characters/4 if ``is_estimated``.

    ``model_tokens`` are counts by models' own tokenizers, by the models' names.
    ``output_tokens`` is what the caller expects of the answer, None if nobody knows.
    """

    input_tokens: int
    complexity: Complexity = "low"
    is_estimated: bool = True
    task_class: str = "chat"
    language: str = ""
    has_personal_data: bool = False
    output_tokens: int | None = None
    model_tokens: tuple[tuple[str, int], ...] = ()


def read_features(prompt: str, count_tokens: Callable[[str], int] | None = None) -> Features:
    """The features of a prompt; ``count_tokens`` is the model's own tokenizer, if there is one."""
    tokens = estimate_tokens(len(prompt)) if count_tokens is None else count_tokens(prompt)
    start = prompt[:_LOOKED_AT]
    has_code = contains_code(prompt)
    complexity = judge_complexity(len(prompt.split()), len(prompt), count_questions(prompt),
                                  has_code=has_code)
    return Features(
        tokens, complexity, count_tokens is None,
        "code" if has_code else classify_task(start), detect_language(start),
        _PERSONAL.search(start) is not None)


def estimate_tokens(characters: int) -> int:
    """A quarter of the characters, rounded up: what is said where no tokenizer is at hand."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def judge_complexity(words: int, characters: int, questions: int, *, has_code: bool) -> Complexity:
    """High with code, more than 100 words or more than one question; medium above 30 words or
    150 characters; else low."""
    if has_code or words > 100 or questions > 1:
        return "high"
    return "medium" if words > 30 or characters > 150 else "low"


def count_questions(prompt: str) -> int:
    """Question marks, runs of them as one, those inside addresses left out."""
    return len(_QUESTION.findall(_URL.sub(" ", prompt)))


def contains_code(text: str) -> bool:
    """Whether source code, or a fenced block, stands in the text."""
    return _CODE.search(text[:_LOOKED_AT]) is not None


def classify_task(text: str) -> str:
    """The first of ``TASK_CLASSES`` whose signs the text shows, "chat" if none."""
    return next((name for name, sign in _TASKS if sign.search(text)), "chat")
