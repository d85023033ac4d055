"""OpenTelemetry trace data as spans: OTLP in JSON and in protobuf.

Source: OpenTelemetry Protocol 1.x, "opentelemetry/proto/trace/v1/trace.proto"; its JSON form has
ids in hex and whole numbers as texts.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from brain.decisions.reasons import InputError
from brain.sources.importers.telling import find_count, list_objects, read_text

_OLD_SCOPES = "instrumentationLibrarySpans"
_MESSAGE, _REPEATED, _ONE = 11, 3, 1
_DOUBLE, _INT64, _INT32, _FIXED64, _BOOL, _STRING, _BYTES = 1, 3, 5, 6, 8, 9, 12
_SCHEMA: Mapping[str, tuple[tuple[int, str, int, int, str], ...]] = {
    "AnyValue": ((1, "string_value", _STRING, _ONE, ""), (2, "bool_value", _BOOL, _ONE, ""),
                 (3, "int_value", _INT64, _ONE, ""), (4, "double_value", _DOUBLE, _ONE, ""),
                 (5, "array_value", _MESSAGE, _ONE, "ArrayValue"),
                 (6, "kvlist_value", _MESSAGE, _ONE, "KeyValueList"),
                 (7, "bytes_value", _BYTES, _ONE, "")),
    "ArrayValue": ((1, "values", _MESSAGE, _REPEATED, "AnyValue"),),
    "KeyValueList": ((1, "values", _MESSAGE, _REPEATED, "KeyValue"),),
    "KeyValue": ((1, "key", _STRING, _ONE, ""), (2, "value", _MESSAGE, _ONE, "AnyValue")),
    "Resource": ((1, "attributes", _MESSAGE, _REPEATED, "KeyValue"),),
    "Status": ((2, "message", _STRING, _ONE, ""), (3, "code", _INT32, _ONE, "")),
    "Event": ((1, "time_unix_nano", _FIXED64, _ONE, ""), (2, "name", _STRING, _ONE, ""),
              (3, "attributes", _MESSAGE, _REPEATED, "KeyValue")),
    "Span": ((1, "trace_id", _BYTES, _ONE, ""), (2, "span_id", _BYTES, _ONE, ""),
             (5, "name", _STRING, _ONE, ""), (7, "start_time_unix_nano", _FIXED64, _ONE, ""),
             (8, "end_time_unix_nano", _FIXED64, _ONE, ""),
             (9, "attributes", _MESSAGE, _REPEATED, "KeyValue"),
             (11, "events", _MESSAGE, _REPEATED, "Event"), (15, "status", _MESSAGE, _ONE,
                                                            "Status")),
    "ScopeSpans": ((2, "spans", _MESSAGE, _REPEATED, "Span"),),
    "ResourceSpans": ((1, "resource", _MESSAGE, _ONE, "Resource"),
                      (2, "scope_spans", _MESSAGE, _REPEATED, "ScopeSpans"),
                      (1000, "instrumentation_library_spans", _MESSAGE, _REPEATED, "ScopeSpans")),
    "PartialSuccess": ((1, "rejected_spans", _INT64, _ONE, ""), (2, "error_message", _STRING, _ONE,
                                                                 "")),
    "ExportTraceServiceResponse": ((1, "partial_success", _MESSAGE, _ONE, "PartialSuccess"),),
    "TracesData": ((1, "resource_spans", _MESSAGE, _REPEATED, "ResourceSpans"),)}


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids in hex, times in nanoseconds since 1970, attributes as plain values."""

    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any] = field(default_factory=dict)
    is_error: bool = False
    events: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def read_json(found: Mapping[str, Any]) -> Iterator[Span | InputError]:
    """The spans of one element of resourceSpans."""
    told = found.get("resource")
    resource = _read_attributes(told) if isinstance(told, dict) else {}
    for name in ("scopeSpans", _OLD_SCOPES):
        for scope in list_objects(found, name):
            for span in list_objects(scope, "spans"):
                try:
                    yield _read_span(span, resource)
                except InputError as error:
                    yield error
                except RecursionError:
                    yield InputError("too_deep", "an attribute is nested too deeply")


def read_protobuf(message: bytes) -> Iterator[Span | InputError]:
    """The spans of one ResourceSpans message, or of nothing but what is wrong with it."""
    from google.protobuf.message import DecodeError
    try:
        found = message_class("ResourceSpans").FromString(message)
    except DecodeError:
        yield InputError("not_protobuf", f"{len(message):,} bytes are no ResourceSpans message")
        return
    yield from read_message(found)


def read_message(found: Any) -> Iterator[Span]:
    """The spans of a ResourceSpans message that has been read."""
    resource = _plain_pairs(found.resource.attributes)
    for scopes in (found.scope_spans, found.instrumentation_library_spans):
        for scope in scopes:
            for span in scope.spans:
                yield Span(
                    span.trace_id.hex(), span.span_id.hex(), span.start_time_unix_nano,
                    span.end_time_unix_nano, _plain_pairs(span.attributes), resource,
                    span.status.code == 2,
                    tuple((each.name, _plain_pairs(each.attributes)) for each in span.events))


@cache
def message_class(name: str) -> Any:
    """The protobuf class of a message of OTLP's trace data, with the fields that are read."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    file = descriptor_pb2.FileDescriptorProto(
        name="brain/otlp_trace.proto", package="brain.otlp", syntax="proto3")
    for message, fields in _SCHEMA.items():
        made = file.message_type.add(name=message)
        if message == "AnyValue":
            made.oneof_decl.add(name="value")
        for number, field_name, kind, label, of in fields:
            each = made.field.add(name=field_name, number=number, label=label, type=kind)
            if of:
                each.type_name = f".brain.otlp.{of}"
            if message == "AnyValue":
                each.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"brain.otlp.{name}"))


def _read_span(span: Mapping[str, Any], resource: Mapping[str, Any]) -> Span:
    status = span.get("status")
    status = status if isinstance(status, dict) else {}
    return Span(
        _read_id(span, "traceId", 32), _read_id(span, "spanId", 16),
        _read_nanos(span, "startTimeUnixNano"), _read_nanos(span, "endTimeUnixNano"),
        _read_attributes(span), resource, str(status.get("code")) in ("2", "STATUS_CODE_ERROR"),
        tuple((read_text(each, "name"), _read_attributes(each))
              for each in list_objects(span, "events")))


def _read_id(span: Mapping[str, Any], name: str, digits: int) -> str:
    told = read_text(span, name)
    if len(told) == digits:
        return told.lower()
    try:  # what a plain protobuf-to-JSON writer makes of an id
        return base64.b64decode(told, validate=True).hex()
    except ValueError:
        return told.encode("utf-8", "replace").decode()


def _read_nanos(span: Mapping[str, Any], name: str) -> int:
    told = span.get(name)
    if isinstance(told, str) and told.isdecimal() and len(told) <= 20:
        return int(told)
    if isinstance(told, int) and not isinstance(told, bool):
        return told
    if told in (None, ""):
        return 0
    raise InputError("not_a_time", f"{name} must be nanoseconds since 1970, not "
                     f"{str(told)[:60]!r}", "at_utc")


def _read_attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {each["key"]: _plain_json(each.get("value"))
            for each in list_objects(holder, "attributes") if isinstance(each.get("key"), str)}


def _plain_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return None
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in value:
            return value[name]
    if "intValue" in value:
        try:
            return find_count(value, "intValue")
        except InputError:
            return value["intValue"]  # whoever needs it as a number says what is wrong
    for name in ("arrayValue", "kvlistValue"):
        inner = value.get(name)
        if isinstance(inner, dict):
            if name == "arrayValue":
                return [_plain_json(each) for each in list_objects(inner, "values")]
            return {str(each.get("key")): _plain_json(each.get("value"))
                    for each in list_objects(inner, "values")}
    return None


def _plain_pairs(pairs: Any) -> dict[str, Any]:
    return {each.key: _plain(each.value) for each in pairs}


def _plain(value: Any) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if which == "kvlist_value":
        return _plain_pairs(value.kvlist_value.values)
    return getattr(value, which) if which in ("string_value", "bool_value", "int_value",
                                              "double_value") else None


