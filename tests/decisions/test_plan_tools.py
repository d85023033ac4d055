"""Pure tools of plans: arithmetic without code, JSON, joining, counting."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.plan_tools import calculate, run_tool
from brain.decisions.reasons import InputError


@pytest.mark.parametrize(("text", "value"), [
    ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("-2 - -3", "1"), ("0.1 + 0.2", "0.3"),
    ("7 / 2 / 2", "1.75"), ("2*(3+(4-1))", "12")])
def test_arithmetic_is_exact(text: str, value: str) -> None:
    assert calculate(text) == Decimal(value)


@pytest.mark.parametrize("text", [
    "", "1 +", "(1", "1)", "1 1", "a", "__import__('os')", "1/0", "2**3", "1..2", "(" * 60 + "1",
    "-" * 3_000 + "1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        calculate(text)


@given(st.text(alphabet="0123456789.+-*/() ", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        calculate(text)
    except InputError as error:
        assert error.code in ("invalid_expression", "no_value", "too_long")


@pytest.mark.parametrize(("tool", "fields", "gives"), [
    ("calculate", {"expression": "6 * 7"}, "42"),
    ("join", {"texts": ["a", 1], "between": "-"}, "a-1"),
    ("pick", {"json": 'Here: {"a": {"b": [1]}} done', "field": "a.b"}, [1]),
    ("numbers", {"text": "about 1,200.5 of -3"}, ["1200.5", "-3"]),
    ("count_words", {"text": "one two"}, 2)])
def test_tools(tool: str, fields: dict[str, Any], gives: Any) -> None:
    assert run_tool(tool, fields) == gives


@pytest.mark.parametrize(("tool", "fields", "code"), [
    ("shell", {}, "unknown_tool"), ("calculate", {}, "missing_field"),
    ("calculate", {"expression": "1", "x": 1}, "unknown_field"),
    ("pick", {"json": "none", "field": "a"}, "invalid_json"),
    ("pick", {"json": {}, "field": "a"}, "missing_field"),
    ("count_words", {"text": "x" * 200_001}, "too_long")])
def test_what_a_tool_cannot_use_is_named(tool: str, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        run_tool(tool, fields)
    assert refused.value.code == code
