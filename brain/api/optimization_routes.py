"""HTTP routes of optimization: the plan, runs, the way back, the configuration."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, verbs
from brain.api.access import Refused

_MOST_BYTES = 20_000
NOBODY_ELSE = {"person": ""}
"""Who acts follows from the key, whatever a body says."""
_STATUS = {"not_found": 404, "busy": 409, "checkpoint_invalid": 409, "forbidden": 403}
_KINDS = {"json": "application/json", "csv": "text/csv",
          "parquet": "application/vnd.apache.parquet"}


class OptimizationRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def plan(self, request: Request) -> Response:
        """What would be done now, or of ``?only=`` one strategy."""
        self._require_key(request)
        return await _run("plan_optimization", {"only": request.query_params.get("only", "")})

    async def run(self, request: Request) -> Response:
        """Begin a run; ``{"dry_run": true}`` only plans, ``{"only": …}`` chooses the strategy."""
        return await _run("run_optimization", await self._read(request) | NOBODY_ELSE)

    async def stop(self, request: Request) -> Response:
        """End the run under way."""
        return await _run("stop_optimization", await self._read(request) | NOBODY_ELSE)

    async def list_runs(self, request: Request) -> Response:
        """Runs of ``?range=``, the newest ``&limit=``, as lines or as the file of ``&form=``."""
        self._require_key(request)
        asked = dict(request.query_params)
        given: dict[str, Any] = {"range": asked.get("range", "")}
        if "limit" in asked:
            given["limit"] = int(asked["limit"]) if asked["limit"].isdecimal() else asked["limit"]
        form = asked.get("form", "lines")
        if form == "lines":
            return await _run("optimization_runs", given)
        found = await _do("optimization_runs", given | {"form": form})
        body = b64decode(found["text"]) if form == "parquet" else found["text"].encode()
        return Response(body, media_type=_KINDS[form], headers={
            "Content-Disposition": f'attachment; filename="optimizations.{form}"'})

    async def roll_back(self, request: Request) -> Response:
        """Take a past run back."""
        await self._read(request)
        return await _run("roll_back_optimization", {"run_id": request.path_params["run_id"]})

    async def read_configuration(self, request: Request) -> Response:
        """The configuration in force."""
        self._require_key(request)
        return await _run("optimizer_configuration", {})

    async def configure(self, request: Request) -> Response:
        """Change values; nothing is changed where one breaks a rule."""
        return await _run("configure_optimizer", {"changes": await self._read(request)})

    async def _read(self, request: Request) -> dict[str, Any]:
        self._require_key(request)
        access.require_type(request, "application/json")
        body = await access.read_body(request, _MOST_BYTES)
        try:
            return msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error


async def _run(verb: str, given: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(await _do(verb, given)), media_type="application/json")


async def _do(verb: str, given: dict[str, Any]) -> Any:
    try:
        return await run_in_threadpool(verbs.run, running.engine(), verb, given)
    except verbs.VerbRefused as refused:
        status = _STATUS.get(refused.code, 400)
        raise Refused(status, refused.code, str(refused), refused.field) from refused
