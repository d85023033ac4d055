"""HTTP routes of monitoring: targets, the check of the day, reports."""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain.api import exchange
from brain.api.access import Refused
from brain.api.exchange import PERSON, answer_verb

_MOST_BYTES = 10_000


class MonitoringRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_targets(self, request: Request) -> Response:
        """The one table of targets."""
        self._require_key(request)
        return await answer_verb("targets", {})

    async def change_target(self, request: Request) -> Response:
        """Change a metric's levels; ``{"reset": true}`` gives the delivered ones back."""
        self._require_key(request)
        who = {"metric": request.path_params["metric"], "person": PERSON}
        given = await exchange.read_object(request, _MOST_BYTES, *who)
        if given == {"reset": True}:
            return await answer_verb("reset_target", who)
        return await answer_verb("set_target", given | who)

    async def tell_health(self, request: Request) -> Response:
        """The check of the last 24 hours, or of ``?range=``."""
        self._require_key(request)
        return await answer_verb("report", {
            "name": "check", "range": request.query_params.get("range", "24h")})

    async def make_report(self, request: Request) -> Response:
        """A report: ``?name=check|latency``, ``&range=24h``, ``&form=json|txt|html``."""
        self._require_key(request)
        from brain.reports.document import CHARSET
        from brain.reports.files import FORMS
        asked = request.query_params
        form = asked.get("form", "json")
        if form not in FORMS:
            raise Refused(400, "unknown_form", f"form is one of {', '.join(FORMS)}", "form")
        name = asked.get("name", "latency")
        done = await exchange.run_verb("report", {"name": name,
                                                  "range": asked.get("range", "24h")})
        made = await run_in_threadpool(_render, done, name, form)
        return Response(made, media_type=f"{FORMS[form]}{CHARSET}")


def _render(done: Any, kind: str, form: str) -> bytes:
    from brain.reports import document, files
    found, told = document.read_back(kind, done)
    return files.render(form, found, told)
