"""Templates render what they are given and nothing else; schemas judge as the standard does."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.prompts.inputs import check_schema, fit_inputs
from brain.decisions.prompts.templates import MOST_RENDERED, read_template, render_template
from brain.decisions.reasons import InputError


def render(text: str, **inputs: Any) -> str:
    return render_template(read_template(text), inputs)


@pytest.mark.parametrize(("text", "inputs", "gives"), [
    ("Hello {{name}}.", {"name": "Ann"}, "Hello Ann."),
    ("{{a.b.c}}|{{a.x}}", {"a": {"b": {"c": 3}}}, "3|"),
    ("{{#items}}- {{.}}\n{{/items}}", {"items": ["x", "y"]}, "- x\n- y\n"),
    ("{{#rows}}{{n}}{{unit}} {{/rows}}", {"rows": [{"n": 1}, {"n": 2}], "unit": "s"}, "1s 2s "),
    ("{{#on}}yes{{/on}}{{^on}}no{{/on}}", {"on": False}, "no"),
    ("{{#on}}yes{{/on}}{{^on}}no{{/on}}", {"on": 0}, "yes"),  # 0 is a value, unlike nothing
    ("{{! a note }}{\"json\": {\"a\": 1}}", {}, '{"json": {"a": 1}}'),
    (r"\{{name}}", {}, "{{name}}"),
    ("{{none}}{{yes}}{{list}}", {"none": None, "yes": True, "list": [1, "ä"]}, 'true[1, "ä"]'),
])
def test_a_template_gives_its_text(text: str, inputs: dict[str, Any], gives: str) -> None:
    assert render(text, **inputs) == gives


def test_a_value_is_never_read_as_a_template() -> None:
    assert render("{{a}}", a="{{b}} {% raw %} ${c} {{#x}}") == "{{b}} {% raw %} ${c} {{#x}}"


@pytest.mark.parametrize(("text", "says"), [
    ("line\nand {{name", "line 2, column 5"), ("{{#a}}x", "not closed"), ("{{/a}}", "closes no"),
    ("{{#a}}{{/b}}", "closes no"), ("{{a b}}", "no name"), ("{{a.__class__()}}", "no name"),
    ("{{}}", "no name"), ("{{#a}}" * 9 + "{{/a}}" * 9, "8 deep"), ("x" * 100_001, "100,000")])
def test_a_faulty_template_says_where(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read_template(text, "system")
    assert refused.value.field == "system"


def test_a_small_text_cannot_become_a_huge_one() -> None:
    rows = list(range(200))
    with pytest.raises(InputError, match="more than"):
        render("{{#a}}{{#b}}{{#c}}{{/c}}{{/b}}{{/a}}", a=rows, b=rows, c=rows)
    with pytest.raises(InputError, match="more than"):
        render("{{a}}{{a}}", a="x" * (MOST_RENDERED // 2 + 1))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError) as refused:
        render("{{name}}")
    assert (refused.value.code, refused.value.field) == ("missing_input", "inputs.name")


@given(st.text(max_size=200), st.dictionaries(st.sampled_from("abc"), st.text(max_size=9)))
def test_any_text_renders_or_is_refused(text: str, inputs: dict[str, str]) -> None:
    try:
        render(text, **inputs)
    except InputError as error:
        assert error.message


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(
    [0.5, 1.0, 2.5]), st.text("ab", max_size=4))
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)),
    max_leaves=6)
LEAVES = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null",
                             ["string", "null"]]),
    "minimum": st.integers(-3, 3), "exclusiveMaximum": st.integers(-3, 3),
    "minLength": st.integers(0, 3), "maxItems": st.integers(0, 2),
    "enum": st.lists(SCALARS, min_size=1, max_size=3), "const": SCALARS})
SCHEMAS = st.fixed_dictionaries({"type": st.just("object")}, optional={
    "properties": st.dictionaries(st.sampled_from("xyz"), st.one_of(
        LEAVES, st.builds(lambda each: {"type": "array", "items": each}, LEAVES)), max_size=3),
    "required": st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
    "additionalProperties": st.booleans()})


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3))
def test_inputs_are_judged_as_json_schema_says(schema: dict[str, Any],
                                               inputs: dict[str, Any]) -> None:
    check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema).is_valid(inputs)
    try:
        fit_inputs(schema, inputs)
    except InputError:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(("schema", "place"), [
    ({"type": "array"}, "schema"), ([], "schema"),
    ({"properties": {"a": {"pattern": "(a+)+$"}}}, "schema.properties.a.pattern"),
    ({"properties": {"a": {"$ref": "#"}}}, "schema.properties.a.$ref"),
    ({"properties": {"a": {"type": "text"}}}, "schema.properties.a.type"),
    ({"properties": {"a": {"type": "integer", "default": "x"}}}, "schema.properties.a.default"),
    ({"required": "a"}, "schema.required")])
def test_a_schema_that_is_not_understood_is_refused_by_place(schema: Any, place: str) -> None:
    with pytest.raises(InputError) as refused:
        check_schema(schema)
    assert refused.value.field == place


def test_defaults_are_filled_in_and_what_is_left_out_is_nothing() -> None:
    schema = {"properties": {"tone": {"type": "string", "default": "calm"}, "note": {}}}
    assert fit_inputs(schema, {}) == {"tone": "calm", "note": None}
