"""JSON in and out of our routes: a body as its type, a verb's outcome as an answer."""

from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, verbs
from brain.api.access import Refused
from brain.sources.wire import find_field

PERSON = "HTTP API"
Kind = TypeVar("Kind")
_STATUS = {"not_found": 404, "busy": 409, "checkpoint_invalid": 409, "forbidden": 403}


async def read_json(request: Request, kind: type[Kind], most_bytes: int) -> Kind:
    """The JSON body, an empty one being ``{}``. Raises Refused for another type, size or form."""
    access.require_type(request, "application/json")
    body = await access.read_body(request, most_bytes)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (ValueError, RecursionError) as error:
        raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error


async def read_object(request: Request, most_bytes: int, *not_in_body: str) -> dict[str, Any]:
    """As `read_json`, of any fields but those that the path or the key gives."""
    given = await read_json(request, object, most_bytes)
    if not isinstance(given, dict):
        raise Refused(400, "not_json", "the body is no JSON object")
    if clash := sorted(set(given).intersection(not_in_body)):
        raise Refused(400, "invalid", f"{clash[0]} is not for the body", clash[0])
    return given


def convert(given: dict[str, Any], kind: type[Kind]) -> Kind:
    """Query parameters as their type. Raises Refused naming the one that cannot be used."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


async def run_verb(verb: str, given: dict[str, Any]) -> Any:
    """What a verb gives. Raises Refused with the HTTP status that its code stands for."""
    try:
        return await run_in_threadpool(verbs.run, running.engine(), verb, given)
    except verbs.VerbRefused as refused:
        raise Refused(_STATUS.get(refused.code, 400), refused.code, str(refused),
                      refused.field) from refused


async def answer_verb(verb: str, given: dict[str, Any]) -> Response:
    """`run_verb` as an answer."""
    return answer(await run_verb(verb, given))


def answer(done: Any) -> Response:
    """An outcome as JSON."""
    return Response(msgspec.json.encode(done), media_type="application/json")


def _invalid(error: msgspec.ValidationError) -> Refused:
    return Refused(400, "invalid", str(error)[:500], find_field(str(error)))
