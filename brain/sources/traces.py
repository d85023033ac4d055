"""Traces as programs send them by OTLP over HTTP: calls of models made into events.

Source: OpenTelemetry Protocol specification, "OTLP/HTTP".
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from brain.decisions.reasons import InputError
from brain.events import Rejection, Request, find_fault
from brain.sources.importers.otlp_genai import OTLP_VENDOR, knows
from brain.sources.importers.otlp_spans import message_class, read_json, read_message
from brain.sources.importers.records import Record, read_item
from brain.sources.wire import BodyRefused, Lines, find_field


def read_traces(body: bytes, latest: dt.datetime, *, as_json: bool) -> Lines:
    """The calls of models in an ExportTraceServiceRequest; other spans are left out.

    A rejection's line is the number of the call. Raises BodyRefused for a body that is none.
    """
    found = Lines()
    for item in _json_spans(body) if as_json else _protobuf_spans(body):
        record = read_item(OTLP_VENDOR, item, latest)
        if record is None:
            continue
        found.read += 1
        event = _make_event(record, latest) if isinstance(record, Record) else record
        if isinstance(event, Request):
            found.events["requests"].append(event)
        else:
            found.rejected.append(Rejection(found.read, event.code, event.message, event.field))
    return found


def answer_sender(found: Lines, *, as_json: bool) -> bytes:
    """The ExportTraceServiceResponse: how many spans were rejected, and the first reason."""
    count = len(found.rejected)
    message = found.rejected[0].message if count else ""
    if as_json:
        told = {"rejectedSpans": str(count), "errorMessage": message}
        return json.dumps({"partialSuccess": told} if count else {}).encode()
    made = message_class("ExportTraceServiceResponse")()
    if count:
        made.partial_success.rejected_spans = count
        made.partial_success.error_message = message
    return made.SerializeToString()


def _json_spans(body: bytes) -> Iterator[Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyRefused("not_json", f"the body is not JSON: {error}"[:300]) from error
    batches = told.get("resourceSpans", []) if isinstance(told, dict) else None
    if not isinstance(batches, list) or not all(isinstance(each, dict) for each in batches):
        raise BodyRefused("not_otlp", "the body is no object with a list of resourceSpans")
    for each in batches:
        if knows(each):
            yield from read_json(each)


def _protobuf_spans(body: bytes) -> Iterator[Any]:
    from google.protobuf.message import DecodeError
    try:
        told = message_class("TracesData").FromString(body)
    except DecodeError as error:
        raise BodyRefused("not_otlp", "the body is no ExportTraceServiceRequest") from error
    for each in told.resource_spans:
        yield from read_message(each)


def _make_event(record: Record, latest: dt.datetime) -> Request | InputError:
    fields = {name: value for name, value in record.fields.items()
              if value is not None and (name, value) != ("workspace_id", "")}
    for name, value in fields.items():
        if isinstance(value, str) and "\x00" in value:
            return InputError("nul_byte", f"{name} holds a NUL character", name)
    try:
        event = msgspec.convert(fields, Request)
    except msgspec.ValidationError as error:
        return InputError("invalid", str(error)[:500], find_field(str(error)))
    fault = find_fault(event, latest)
    return InputError(*fault) if fault else event
