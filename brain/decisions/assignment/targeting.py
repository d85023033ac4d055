"""Targeting: conditions on the attributes of a unit, all of which must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from brain.decisions.reasons import InputError

Operator = Literal["is", "is_not", "in", "not_in", "at_least", "at_most", "above", "below",
                   "starts_with", "contains", "exists", "missing"]
OPERATORS: tuple[str, ...] = get_args(Operator)
_ORDERED = ("at_least", "at_most", "above", "below")
_TEXTUAL = ("starts_with", "contains")


@dataclass(frozen=True, slots=True)
class Condition:
    """What an attribute must be. ``value`` is a list for "in" and "not_in", unused for presence.

    "is_not" and "not_in" hold for a unit without the attribute, every other comparison does not.
    """

    attribute: str
    operator: Operator = "is"
    value: Any = None


def check_condition(condition: Condition, field: str) -> Condition:
    """The condition, if it can be asked.

    Raises InputError naming the field for an unknown operator or a value it cannot compare.
    """
    if not condition.attribute:
        raise InputError("empty", "a condition needs an attribute", f"{field}.attribute")
    operator, value = condition.operator, condition.value
    if operator not in OPERATORS:
        raise InputError("unknown_operator", f"there is no operator {operator!r}",
                         f"{field}.operator")
    if operator in ("in", "not_in"):
        fits = isinstance(value, list | tuple)
    elif operator in _ORDERED:
        fits = _is_number(value) or isinstance(value, str)
    elif operator in _TEXTUAL:
        fits = isinstance(value, str)
    else:
        fits = not isinstance(value, list | tuple | dict)
    if not fits:
        raise InputError("invalid_value", f"{operator!r} cannot compare with {value!r:.80}",
                         f"{field}.value")
    return condition


def holds(condition: Condition, attributes: Mapping[str, Any]) -> bool:
    """Whether the attributes meet the condition; texts and numbers are never compared."""
    operator, wanted = condition.operator, condition.value
    seen = attributes.get(condition.attribute)
    if operator in ("exists", "missing"):
        return (seen is None) == (operator == "missing")
    if seen is None:
        return operator in ("is_not", "not_in")
    if operator in ("is", "is_not"):
        return _same(seen, wanted) == (operator == "is")
    if operator in ("in", "not_in"):
        return any(_same(seen, each) for each in wanted) == (operator == "in")
    if operator == "contains" and isinstance(seen, list | tuple):
        return any(_same(each, wanted) for each in seen)
    if operator in _TEXTUAL:
        return isinstance(seen, str) and (
            seen.startswith(wanted) if operator == "starts_with" else wanted in seen)
    return _ordered(operator, seen, wanted)


def first_unmet(conditions: tuple[Condition, ...],
                attributes: Mapping[str, Any]) -> Condition | None:
    """The first condition that does not hold, None where all do."""
    return next((each for each in conditions if not holds(each, attributes)), None)


def _ordered(operator: str, seen: Any, wanted: Any) -> bool:
    comparable = (_is_number(seen) and _is_number(wanted)) or (
        isinstance(seen, str) and isinstance(wanted, str))
    if not comparable:
        return False
    if operator == "at_least":
        return bool(seen >= wanted)
    if operator == "at_most":
        return bool(seen <= wanted)
    return bool(seen > wanted if operator == "above" else seen < wanted)


def _same(seen: Any, wanted: Any) -> bool:
    return isinstance(seen, bool) == isinstance(wanted, bool) and bool(seen == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
