"""What a prompt takes: a JSON Schema of its inputs, and whether given inputs fit it.

A part of JSON Schema 2020-12 that always ends fast: no references, no patterns (a pattern that
someone typed can keep a processor busy for hours), no combinations. A keyword outside it is
refused by name instead of being passed over.
Source: JSON Schema Validation, 2020-12.
"""

import math
from collections.abc import Mapping
from typing import Any

from brain.decisions.reasons import InputError

MOST_PROPERTIES = 100
MOST_DEPTH = 6
MOST_SCHEMA_CHARS = 50_000
_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_SAID = ("title", "description", "default", "examples", "$schema", "$comment", "deprecated")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_KEYWORDS = {*_SAID, *_COUNTS, *_BOUNDS, "type", "enum", "const", "properties", "required",
             "additionalProperties", "items"}


def check_schema(schema: Any, field: str = "schema") -> None:
    """Nothing, where the schema can be used. Raises InputError naming the place."""
    if len(str(schema)) > MOST_SCHEMA_CHARS:
        raise InputError("too_long", f"a schema may have {MOST_SCHEMA_CHARS:,} characters", field)
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise InputError("invalid_schema", "the schema of inputs is an object of type object",
                         field)
    _check_schema(schema, field, 0)


def fit_inputs(schema: Mapping[str, Any], inputs: Any, field: str = "inputs") -> dict[str, Any]:
    """Inputs that fit, with defaults, and None for declared ones that are left out.

    Raises InputError naming the input that does not fit and what would.
    """
    if not isinstance(inputs, Mapping):
        raise InputError("invalid_input", f"{field} must be an object", field)
    declared = schema.get("properties", {})
    filled = {name: each["default"] for name, each in declared.items() if "default" in each}
    given = {**filled, **inputs}
    _check_value(schema, given, field)
    return {**dict.fromkeys(declared), **given}


def _check_schema(schema: Any, field: str, depth: int) -> None:
    if not isinstance(schema, Mapping):
        raise InputError("invalid_schema", f"{field} must be an object", field)
    if depth > MOST_DEPTH:
        raise InputError("too_deep", f"a schema may be {MOST_DEPTH} levels deep", field)
    for name in schema:
        if name not in _KEYWORDS:
            raise InputError("unknown_keyword", f"{name!r:.40} is not used here; there are "
                             f"{', '.join(sorted(_KEYWORDS))}", f"{field}.{name}"[:200])
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            raise InputError("invalid_schema", f"{kind!r:.40} is no type; there are "
                                               f"{', '.join(_TYPES)}", f"{field}.type")
    for name in _COUNTS:
        if name in schema and (not _is_integer(schema[name]) or schema[name] < 0):
            raise InputError("invalid_schema", f"{name} is a whole number from 0",
                             f"{field}.{name}")
    for name in _BOUNDS:
        if name in schema and not _is_number(schema[name]):
            raise InputError("invalid_schema", f"{name} is a number", f"{field}.{name}")
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        raise InputError("invalid_schema", "enum is a list of values", f"{field}.enum")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or len(properties) > MOST_PROPERTIES:
        raise InputError("invalid_schema", f"properties is an object of at most {MOST_PROPERTIES}",
                         f"{field}.properties")
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(each, str) for each in required):
        raise InputError("invalid_schema", "required is a list of names", f"{field}.required")
    for name, each in properties.items():
        _check_schema(each, f"{field}.properties.{name}"[:200], depth + 1)
        if "default" in each:
            _check_value(each, each["default"], f"{field}.properties.{name}.default"[:200])
    if "items" in schema:
        _check_schema(schema["items"], f"{field}.items", depth + 1)
    further = schema.get("additionalProperties", True)
    if not isinstance(further, bool):
        _check_schema(further, f"{field}.additionalProperties", depth + 1)


def _check_value(schema: Mapping[str, Any], value: Any, field: str) -> None:
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if wanted is not None and not any(_is(kind, value) for kind in wanted):
        raise InputError("wrong_type", f"{field} must be {' or '.join(wanted)}", field)
    if "enum" in schema and not any(_same(value, each) for each in schema["enum"]):
        listed = ", ".join(str(each) for each in schema["enum"][:20])
        raise InputError("not_listed", f"{field} must be one of {listed}", field)
    if "const" in schema and not _same(value, schema["const"]):
        raise InputError("not_listed", f"{field} must be {schema['const']!s:.80}", field)
    if isinstance(value, str):
        _check_count(schema, len(value), "Length", "characters", field)
    elif isinstance(value, list):
        _check_count(schema, len(value), "Items", "items", field)
        for number, each in enumerate(value):
            _check_value(schema.get("items", {}), each, f"{field}[{number}]")
    elif isinstance(value, Mapping):
        _check_object(schema, value, field)
    elif _is_number(value):
        _check_bounds(schema, value, field)


def _check_object(schema: Mapping[str, Any], value: Mapping[str, Any], field: str) -> None:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            raise InputError("missing_input", f"{field} needs {name!r:.60}", f"{field}.{name}")
    further = schema.get("additionalProperties", True)
    for name, each in value.items():
        place = f"{field}.{name}"[:200]
        if name in properties:
            _check_value(properties[name], each, place)
        elif further is False:
            known = ", ".join(properties) or "none"
            raise InputError("unknown_input", f"{field} takes no {name!r:.60}; it takes {known}",
                             place)
        elif isinstance(further, Mapping):
            _check_value(further, each, place)


def _check_count(schema: Mapping[str, Any], count: int, end: str, unit: str, field: str) -> None:
    least, most = schema.get(f"min{end}", 0), schema.get(f"max{end}", math.inf)
    if count < least:
        raise InputError("too_short", f"{field} needs at least {least} {unit}", field)
    if count > most:
        raise InputError("too_long", f"{field} may have {most} {unit}, not {count}", field)


def _check_bounds(schema: Mapping[str, Any], value: Any, field: str) -> None:
    for name, holds, words in (
            ("minimum", lambda bound: value >= bound, "at least"),
            ("maximum", lambda bound: value <= bound, "at most"),
            ("exclusiveMinimum", lambda bound: value > bound, "more than"),
            ("exclusiveMaximum", lambda bound: value < bound, "less than")):
        if name in schema and not holds(schema[name]):
            raise InputError("out_of_range", f"{field} must be {words} {schema[name]}", field)


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return _is_integer(value) or (isinstance(value, float) and value.is_integer())
    if kind == "number":
        return _is_number(value)
    types: dict[str, type | tuple[type, ...]] = {
        "string": str, "boolean": bool, "array": list, "object": Mapping, "null": type(None)}
    return isinstance(value, types[kind])


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return one == other and (type(one) is type(other) or (_is_number(one) and _is_number(other)))
