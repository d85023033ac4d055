"""HTTP routes of experiments: which there are, a unit's variant, its exposure."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import exchange, experiments
from brain.api.access import Refused
from brain.api.exchange import answer
from brain.decisions.reasons import InputError

_MOST_BYTES = 100_000
Name = Annotated[str, Meta(max_length=256)]


class AssignmentQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """A unit with its attributes; ``expose`` records that it sees the variant now."""

    unit_id: Annotated[str, Meta(max_length=256)]
    attributes: dict[str, Any] = {}
    expose: bool = False
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    session_id: Name = ""


class ExposureNotice(msgspec.Struct, forbid_unknown_fields=True):
    """A unit really saw the variant."""

    unit_id: Annotated[str, Meta(min_length=1, max_length=256)]
    variant: Annotated[str, Meta(max_length=128)]
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    session_id: Name = ""


class ExperimentRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_experiments(self, request: Request) -> Response:
        """Every experiment, or those of ``?state=``."""
        self._require_key(request)
        given = exchange.convert({"state": request.query_params.get("state", "")},
                         experiments.ListExperiments)
        return answer(await _run(lambda: experiments.list_experiments(running.engine(), given)))

    async def ask_assignment(self, request: Request) -> Response:
        """The variant of ``?unit_id=``; every other parameter is an attribute of the unit."""
        self._require_key(request)
        asked = dict(request.query_params)
        unit_id = asked.pop("unit_id", "")
        given = exchange.convert({"unit_id": unit_id, "attributes": asked}, AssignmentQuestion)
        return answer(await _run(lambda: _assign(request.path_params["key"], given)))

    async def assign(self, request: Request) -> Response:
        """The variant of the unit in the body; with ``expose`` its exposure is recorded."""
        given = await self._read(request, AssignmentQuestion)
        return answer(await _run(lambda: _assign(request.path_params["key"], given)))

    async def expose(self, request: Request) -> Response:
        """Record that a unit saw a variant; once per unit and experiment."""
        given = await self._read(request, ExposureNotice)

        def work() -> dict[str, bool]:
            return {"recorded": running.engine().experiments.expose(
                request.path_params["key"], given.unit_id, given.variant,
                workspace_id=given.workspace_id, user_id=given.user_id,
                session_id=given.session_id)}
        return answer(await _run(work))

    async def _read(self, request: Request, kind: type[Any]) -> Any:
        self._require_key(request)
        return await exchange.read_json(request, kind, _MOST_BYTES)


def _assign(key: str, given: AssignmentQuestion) -> dict[str, Any]:
    verbs = running.engine().experiments
    found = verbs.assign(key, given.unit_id, given.attributes)
    recorded = False
    if given.expose and found.variant is not None and found.is_counted:
        recorded = verbs.expose(key, given.unit_id, found.variant, workspace_id=given.workspace_id,
                                user_id=given.user_id, session_id=given.session_id)
    return {"experiment": key, "unit_id": given.unit_id, "variant": found.variant,
            "counted": found.is_counted, "recorded": recorded,
            "reasons": [{"code": each.code, "text": each.text} for each in found.reasons]}


async def _run(work: Callable[[], Any]) -> Any:
    try:
        return await run_in_threadpool(work)
    except InputError as error:
        raise Refused(400, error.code, error.message, error.field) from error
    except LookupError as error:
        raise Refused(404, "unknown_experiment", str(error.args[0]), "key") from error
