"""Pure tools that a step of a plan may call: arithmetic, JSON, joining and counting."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from typing import Any

from brain.decisions.grading import numbers_in
from brain.decisions.prompts.templates import value_text
from brain.decisions.reasons import InputError

MOST_CHARS = 200_000
_MOST_SIGNS = 2_000
_MOST_DEPTH = 50


def calculate(text: str) -> Decimal:
    """The value of an expression of numbers, + - * / and brackets, with 28 digits.

    Raises InputError for anything else, and for a division by zero.
    """
    signs = _read_signs(text)
    with localcontext() as context:
        context.traps[Overflow] = True
        try:
            value, after = _sum(signs, 0, 0)
        except (DivisionByZero, InvalidOperation, Overflow) as error:
            raise InputError("no_value", f"{text!r:.80} has no value: it divides by zero or is "
                                         "too large", "expression") from error
    if after != len(signs):
        raise _unreadable(text)
    return value


def run_tool(name: str, given: Mapping[str, Any]) -> Any:
    """What a tool gives. Raises InputError for an unknown tool or what it cannot use."""
    if name not in TOOLS:
        raise InputError("unknown_tool", f"there is no tool {name!r:.40}; there are "
                                         f"{', '.join(TOOLS)}", "tool")
    if sum(len(value_text(each)) for each in given.values()) > MOST_CHARS:
        raise InputError("too_long", f"a tool takes {MOST_CHARS:,} characters", "tool")
    work, takes = TOOLS[name]
    for each in given:
        if each not in takes:
            raise InputError("unknown_field", f"{name} takes {', '.join(takes)}, not {each!r:.40}",
                             str(each)[:64])
    for each in takes:
        if each not in given:
            raise InputError("missing_field", f"{name} needs {each}", each)
    return work(given)


def _join(given: Mapping[str, Any]) -> str:
    parts = given["texts"]
    if not isinstance(parts, list):
        raise InputError("wrong_type", "texts is a list", "texts")
    return value_text(given["between"]).join(value_text(each) for each in parts)


def _pick(given: Mapping[str, Any]) -> Any:
    value = given["json"]
    if isinstance(value, str):
        try:
            value = json.loads(value[value.find("{"):value.rfind("}") + 1])
        except (ValueError, RecursionError) as error:
            raise InputError("invalid_json", "there is no JSON object in the text",
                             "json") from error
    for name in str(given["field"]).split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise InputError("missing_field", f"the object has no {name!r:.60}", "field")
        value = value[name]
    return value


def _numbers(given: Mapping[str, Any]) -> list[str]:
    return [f"{each:f}" for each in numbers_in(value_text(given["text"]))]


TOOLS: dict[str, tuple[Callable[[Mapping[str, Any]], Any], tuple[str, ...]]] = {
    "calculate": (lambda given: f"{calculate(value_text(given['expression'])):f}",
                  ("expression",)),
    "join": (_join, ("texts", "between")),
    "pick": (_pick, ("json", "field")),
    "numbers": (_numbers, ("text",)),
    "count_words": (lambda given: len(value_text(given["text"]).split()), ("text",)),
}
"""Each tool with its function and the fields that it takes."""


def _read_signs(text: str) -> list[str | Decimal]:
    signs: list[str | Decimal] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
        elif text[place] in "+-*/()":
            signs.append(text[place])
            place += 1
        else:
            end = place
            while end < len(text) and (text[end] in "0123456789."):
                end += 1
            try:
                signs.append(Decimal(text[place:end]))
            except InvalidOperation as error:
                raise _unreadable(text) from error
            place = end
        if len(signs) > _MOST_SIGNS:
            raise InputError("too_long", f"an expression may have {_MOST_SIGNS:,} signs",
                             "expression")
    return signs


def _sum(signs: list[str | Decimal], place: int, depth: int) -> tuple[Decimal, int]:
    value, place = _product(signs, place, depth)
    while place < len(signs) and signs[place] in ("+", "-"):
        further, after = _product(signs, place + 1, depth)
        value = value + further if signs[place] == "+" else value - further
        place = after
    return value, place


def _product(signs: list[str | Decimal], place: int, depth: int) -> tuple[Decimal, int]:
    value, place = _factor(signs, place, depth)
    while place < len(signs) and signs[place] in ("*", "/"):
        further, after = _factor(signs, place + 1, depth)
        value = value * further if signs[place] == "*" else value / further
        place = after
    return value, place


def _factor(signs: list[str | Decimal], place: int, depth: int) -> tuple[Decimal, int]:
    if place >= len(signs) or depth > _MOST_DEPTH:
        raise _unreadable("".join(map(str, signs[:40])))
    sign = signs[place]
    if isinstance(sign, Decimal):
        return sign, place + 1
    if sign in ("+", "-"):
        value, after = _factor(signs, place + 1, depth + 1)
        return (-value if sign == "-" else value), after
    if sign == "(":
        value, after = _sum(signs, place + 1, depth + 1)
        if after < len(signs) and signs[after] == ")":
            return value, after + 1
    raise _unreadable("".join(map(str, signs[:40])))


def _unreadable(text: str) -> InputError:
    return InputError("invalid_expression", f"{text!r:.80} is no expression of numbers, + - * / "
                                            "and brackets", "expression")
