"""HTTP routes of monitoring: targets, the check of the day, reports."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, verbs
from brain.api.access import Refused

_MOST_BYTES = 10_000
PERSON = "HTTP API"


class MonitoringRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_targets(self, request: Request) -> Response:
        """The one table of targets."""
        self._require_key(request)
        return _answer(await _run("targets", {}))

    async def change_target(self, request: Request) -> Response:
        """Change a metric's levels; ``{"reset": true}`` gives the delivered ones back."""
        self._require_key(request)
        access.require_type(request, "application/json")
        body = await access.read_body(request, _MOST_BYTES)
        try:
            given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error
        who = {"metric": request.path_params["metric"], "person": PERSON}
        if given == {"reset": True}:
            return _answer(await _run("reset_target", who))
        if clash := sorted(set(given) & set(who)):
            raise Refused(400, "invalid", f"{clash[0]} is not for the body", clash[0])
        return _answer(await _run("set_target", given | who))

    async def tell_health(self, request: Request) -> Response:
        """The check of the last 24 hours, or of ``?range=``."""
        self._require_key(request)
        return _answer(await _run("report", {
            "name": "check", "range": request.query_params.get("range", "24h")}))

    async def make_report(self, request: Request) -> Response:
        """A report: ``?name=check|latency``, ``&range=24h``, ``&form=json|txt|html``."""
        self._require_key(request)
        from brain.reports.document import CHARSET
        from brain.reports.files import FORMS
        asked = request.query_params
        form = asked.get("form", "json")
        if form not in FORMS:
            raise Refused(400, "unknown_form", f"form is one of {', '.join(FORMS)}", "form")
        done = await _run("report", {"name": asked.get("name", "latency"),
                                     "range": asked.get("range", "24h")}, form)
        return Response(done, media_type=f"{FORMS[form]}{CHARSET}")


async def _run(verb: str, arguments: dict[str, Any], form: str = "") -> Any:
    def work() -> Any:
        done = verbs.run(running.engine(), verb, arguments)
        return _render(done, arguments["name"], form) if form else done
    try:
        return await run_in_threadpool(work)
    except verbs.VerbRefused as refused:
        raise Refused(400, refused.code, str(refused), refused.field) from refused


def _render(done: Any, kind: str, form: str) -> bytes:
    from brain.reports import document, files
    found, told = document.read_back(kind, done)
    return files.render(form, found, told)


def _answer(done: Any) -> Response:
    return Response(msgspec.json.encode(done), media_type="application/json")
