"""The question a call asked, found in the shapes in which programs record what they sent."""

import json
from typing import Any

LONGEST = 20_000
"""Characters of a question that are kept; an event holds no more."""
_INSIDE = ("messages", "input", "prompt", "contents", "query", "question", "text", "content",
           "parts")
_DEEPEST = 6


def find_question(told: Any) -> str | None:
    """The text of the last message of a user, or None where none can be told.

    ``told`` is a text, messages with role and content, a body that holds them, or either as JSON.
    """
    found = _read(told, _DEEPEST)
    if found is None:
        return None
    kept = found[:LONGEST].replace("\x00", " ").encode("utf-8", "replace").decode()
    return kept if kept.strip() else None


def _read(told: Any, depth: int) -> str | None:
    if depth == 0:
        return None
    if isinstance(told, str):
        return _read_text(told, depth)
    if isinstance(told, dict):
        for key in _INSIDE:
            if told.get(key) and (found := _read(told[key], depth - 1)):
                return found
        return None
    if isinstance(told, list):
        return _read_list(told, depth)
    return None


def _read_text(told: str, depth: int) -> str | None:
    if told.lstrip()[:1] not in ("[", "{"):
        return told
    try:
        value = json.loads(told)
    except (ValueError, RecursionError):
        return told
    return _read(value, depth - 1)


def _read_list(told: list[Any], depth: int) -> str | None:
    roles = [each.get("role") for each in told if isinstance(each, dict)]
    if any(roles):
        asked = [each for each in told if isinstance(each, dict)
                 and each.get("role") in ("user", "human")]
        for each in reversed(asked):
            if found := _read({key: value for key, value in each.items() if key != "role"},
                              depth - 1):
                return found
        return None
    parts = [_read(each, depth - 1) for each in told[:1_000]]
    return "\n".join(part for part in parts if part) or None
