"""HTTP routes of optimization: the plan, runs, the way back, the configuration."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from brain.api import exchange
from brain.api.exchange import answer_verb, run_verb

_MOST_BYTES = 20_000
NOBODY_ELSE = {"person": ""}
"""Who acts follows from the key, whatever a body says."""
_KINDS = {"json": "application/json", "csv": "text/csv",
          "parquet": "application/vnd.apache.parquet"}


class OptimizationRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def plan(self, request: Request) -> Response:
        """What would be done now, or of ``?only=`` one strategy."""
        self._require_key(request)
        only = request.query_params.get("only", "")
        return await answer_verb("plan_optimization", {"only": only})

    async def run(self, request: Request) -> Response:
        """Begin a run; ``{"dry_run": true}`` only plans, ``{"only": …}`` chooses the strategy."""
        return await answer_verb("run_optimization", await self._read(request) | NOBODY_ELSE)

    async def stop(self, request: Request) -> Response:
        """End the run under way."""
        return await answer_verb("stop_optimization", await self._read(request) | NOBODY_ELSE)

    async def list_runs(self, request: Request) -> Response:
        """Runs of ``?range=``, the newest ``&limit=``, as lines or as the file of ``&form=``."""
        self._require_key(request)
        asked = dict(request.query_params)
        given: dict[str, Any] = {"range": asked.get("range", "")}
        if "limit" in asked:
            given["limit"] = int(asked["limit"]) if asked["limit"].isdecimal() else asked["limit"]
        form = asked.get("form", "lines")
        if form == "lines":
            return await answer_verb("optimization_runs", given)
        found = await run_verb("optimization_runs", given | {"form": form})
        body = b64decode(found["text"]) if form == "parquet" else found["text"].encode()
        return Response(body, media_type=_KINDS[form], headers={
            "Content-Disposition": f'attachment; filename="optimizations.{form}"'})

    async def roll_back(self, request: Request) -> Response:
        """Take a past run back."""
        await self._read(request)
        run_id = request.path_params["run_id"]
        return await answer_verb("roll_back_optimization", {"run_id": run_id})

    async def read_configuration(self, request: Request) -> Response:
        """The configuration in force."""
        self._require_key(request)
        return await answer_verb("optimizer_configuration", {})

    async def configure(self, request: Request) -> Response:
        """Change values; nothing is changed where one breaks a rule."""
        return await answer_verb("configure_optimizer", {"changes": await self._read(request)})

    async def _read(self, request: Request) -> dict[str, Any]:
        self._require_key(request)
        return await exchange.read_object(request, _MOST_BYTES)
