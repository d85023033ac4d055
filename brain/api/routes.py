"""The HTTP API: events in, imports in, the engine's verbs for this machine's user, health out."""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from queue import SimpleQueue
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from brain import acting, running
from brain.api import access, metrics, openapi, verbs
from brain.api.access import Refused
from brain.api.allocation_routes import AllocationRoutes
from brain.api.budget_routes import BudgetRoutes
from brain.api.experiment_routes import ExperimentRoutes
from brain.api.gateway_routes import GatewayRoutes
from brain.api.knowledge_routes import KnowledgeRoutes
from brain.api.monitoring_routes import MonitoringRoutes
from brain.api.optimization_routes import OptimizationRoutes
from brain.api.studio_routes import StudioRoutes
from brain.api.trace_routes import TraceRoutes
from brain.jobs.schedule import Schedule
from brain.settings import Settings
from brain.sources.wire import BodyRefused, unpack

_LINES = ("application/x-ndjson", "application/jsonl", "application/json")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
_log = logging.getLogger("brain.api")
Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """The routes of one server, over this process's engine."""

    def __init__(self, settings: Settings, owner_token: str, schedule: Schedule) -> None:
        self._settings, self._owner_token, self._schedule = settings, owner_token, schedule
        self._monitoring = MonitoringRoutes(self._require_key)
        self._experiments = ExperimentRoutes(self._require_key)
        self._optimization = OptimizationRoutes(self._require_key)
        self._gateway = GatewayRoutes(self._require_key)
        self._budgets = BudgetRoutes(self._require_key)
        self._allocation = AllocationRoutes(self._require_key)
        self._knowledge = KnowledgeRoutes(self._require_key)
        self._studio = StudioRoutes(self._require_key)
        self._traces = TraceRoutes(settings, self._require_key)

    def table(self) -> tuple[tuple[str, str, Handler], ...]:
        """Method, path and handler of every route."""
        return (("POST", "/v1/events", self.take_events),
                ("POST", "/v1/traces", self._traces.take_traces),
                ("POST", "/v1/imports", self.take_import),
                ("POST", "/v1/ask", self._gateway.ask),
                ("POST", "/v1/chat/completions", self._gateway.complete_chat),
                ("GET", "/v1/models", self._gateway.list_models),
                ("POST", "/v1/feedback", self._gateway.feedback),
                ("POST", "/v1/engine/{verb}", self.run_verb),
                ("GET", "/v1/openapi.json", self.describe),
                ("GET", "/api/v1/targets", self._monitoring.list_targets),
                ("PUT", "/api/v1/targets/{metric}", self._monitoring.change_target),
                ("GET", "/api/v1/monitoring/health", self._monitoring.tell_health),
                ("GET", "/api/v1/monitoring/report", self._monitoring.make_report),
                ("GET", "/api/v1/optimization/plan", self._optimization.plan),
                ("POST", "/api/v1/optimization/run", self._optimization.run),
                ("POST", "/api/v1/optimization/stop", self._optimization.stop),
                ("GET", "/api/v1/optimization/runs", self._optimization.list_runs),
                ("POST", "/api/v1/optimization/runs/{run_id}/rollback",
                 self._optimization.roll_back),
                ("GET", "/api/v1/optimization/configuration",
                 self._optimization.read_configuration),
                ("PUT", "/api/v1/optimization/configuration", self._optimization.configure),
                ("GET", "/v1/budgets", self._budgets.list_budgets),
                ("PUT", "/v1/budgets/{budget_id}", self._budgets.put_budget),
                ("DELETE", "/v1/budgets/{budget_id}", self._budgets.remove_budget),
                ("POST", "/v1/budgets/{budget_id}/undo", self._budgets.undo_budget),
                ("GET", "/v1/budget-alerts", self._budgets.list_alerts),
                ("GET", "/v1/allocations", self._allocation.list_all),
                ("GET", "/v1/allocations/{policy_id}", self._allocation.show),
                ("PUT", "/v1/allocations/{policy_id}", self._allocation.put),
                ("DELETE", "/v1/allocations/{policy_id}", self._allocation.remove),
                ("POST", "/v1/allocations/{policy_id}/undo", self._allocation.undo),
                ("POST", "/v1/allocations/{policy_id}/stop", self._allocation.stop),
                ("POST", "/v1/allocations/{policy_id}/resume", self._allocation.resume),
                ("GET", "/v1/experiments", self._experiments.list_experiments),
                ("GET", "/v1/experiments/{key}/assignment", self._experiments.ask_assignment),
                ("POST", "/v1/experiments/{key}/assignment", self._experiments.assign),
                ("POST", "/v1/experiments/{key}/exposure", self._experiments.expose),
                ("GET", "/v1/knowledge/documents", self._knowledge.list_documents),
                ("POST", "/v1/knowledge/documents", self._knowledge.put_document),
                ("DELETE", "/v1/knowledge/documents/{document_id}",
                 self._knowledge.remove_document),
                ("POST", "/v1/knowledge/search", self._knowledge.search),
                *self._studio.table(),
                ("GET", "/metrics", self.show_metrics),
                ("GET", "/healthz", self.answer_alive),
                ("GET", "/readyz", self.answer_ready))

    def routes(self) -> list[Route]:
        """Every route, and those that keep the console's pages from answering for them."""
        known = [Route(path, _guarded(handler), methods=[method])
                 for method, path, handler in self.table()]
        allowed: dict[str, set[str]] = {}
        for route in known:
            allowed.setdefault(route.path, set()).update(route.methods or ())
        wrong = [Route(path, _refuse_method(methods), methods=sorted(_METHODS - methods))
                 for path, methods in allowed.items()]
        rest = [Route(f"{beginning}/{{rest:path}}", _guarded(self.answer_unknown),
                      methods=sorted(_METHODS)) for beginning in ("/v1", "/api")]
        return [*known, *wrong, *rest]

    async def answer_unknown(self, _request: Request) -> Response:
        """404."""
        raise Refused(404, "not_found", "there is no such route; /v1/openapi.json names them all")

    async def take_events(self, request: Request) -> Response:
        """Accept JSON lines of events; answers when the sound ones are safe on disk."""
        self._require_key(request)
        access.require_type(request, *_LINES)
        most = self._settings.ingest.max_body_bytes
        packed = await access.read_body(request, most)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        try:
            body = await run_in_threadpool(unpack, packed, encoding, most,
                                           self._settings.ingest.max_body_lines)
        except BodyRefused as refused:
            status = 413 if refused.code.startswith("too_") else 400
            raise Refused(status, refused.code, str(refused)) from refused
        try:
            receipt = await run_in_threadpool(running.engine().accept_lines, body)
        except Exception as failure:  # whatever it was, nothing of the body was taken
            _log.exception("events could not be stored")
            raise Refused(503, "not_stored", "the events could not be stored, none of them was "
                                             "taken: send them again later") from failure
        return JSONResponse(receipt, status_code=207 if receipt["rejected"] else 200)

    async def take_import(self, request: Request) -> Response:
        """Import the file in the body; answers JSON lines: progress, then the report."""
        self._require_key(request)
        access.require_type(request, "application/octet-stream")
        from brain.imports import ImportRefused, plan_from_query
        try:
            plan = plan_from_query(dict(request.query_params))
        except ImportRefused as refused:
            raise Refused(400, refused.code, str(refused), refused.field) from refused
        folder = self._settings.data_dir / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uuid.uuid4().hex
        size = 0
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > self._settings.ingest.max_file_bytes:
                        raise Refused(413, "too_large", "a file holds at most "
                                      f"{self._settings.ingest.max_file_bytes:,} bytes")
                    await run_in_threadpool(file.write, part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return StreamingResponse(self._import_lines(path, plan), media_type="application/x-ndjson")

    async def _import_lines(self, path: Any, plan: Any) -> AsyncIterator[bytes]:
        from brain.imports import ImportRefused, report_to_json
        told: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

        def work() -> None:
            try:
                report = running.engine().import_file(
                    path, plan, lambda stage, done, total: told.put(
                        {"stage": stage, "rows_done": done, "rows_total": total}))
                told.put({"report": report_to_json(report)})
            except ImportRefused as refused:
                told.put({"error": {"code": refused.code, "message": str(refused),
                                    "field": refused.field}})
            except Exception as failure:  # the caller gets a sentence, the log the trace
                _log.exception("import failed")
                told.put({"error": {"code": "failed", "message": type(failure).__name__,
                                    "field": ""}})
            finally:
                path.unlink(missing_ok=True)
                told.put(None)
        task = asyncio.ensure_future(run_in_threadpool(work))
        while (line := await run_in_threadpool(told.get)) is not None:
            yield json.dumps(line, default=str).encode() + b"\n"
        await task

    async def run_verb(self, request: Request) -> Response:
        """Run one of the engine's verbs for this machine's user."""
        access.require_owner(request, self._owner_token)
        access.require_type(request, "application/json")
        body = await access.read_body(request, self._settings.ingest.max_body_bytes)
        try:
            arguments = msgspec.json.decode(body or b"{}")
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is not JSON: {error}") from error
        verb = request.path_params["verb"]
        try:
            done = await run_in_threadpool(verbs.run, running.engine(), verb, arguments)
        except verbs.VerbRefused as refused:
            raise Refused(400, refused.code, str(refused), refused.field) from refused
        return Response(json.dumps(done, default=str), media_type="application/json")

    async def describe(self, _request: Request) -> Response:
        """The OpenAPI description of this API."""
        return JSONResponse(openapi.describe())

    async def show_metrics(self, request: Request) -> Response:
        """Our own figures for Prometheus."""
        self._require_key(request)
        text = await run_in_threadpool(metrics.describe, running.engine(), self._schedule)
        return Response(text, media_type="text/plain; version=0.0.4")

    async def answer_alive(self, _request: Request) -> Response:
        """200 as long as this process answers."""
        return JSONResponse({"status": "ok"})

    async def answer_ready(self, _request: Request) -> Response:
        """200 if the stores hold all that was accepted and the jobs run, else 503 and why."""
        faults = [*running.engine().faults,
                  *(f"job {each.name}: {each.error}" for each in self._schedule.states()
                    if each.error)]
        return JSONResponse({"status": "faulty" if faults else "ready", "faults": faults},
                            status_code=503 if faults else 200)

    def _require_key(self, request: Request) -> None:
        acting.act_as(access.identify(request, self._settings, self._owner_token))


def _refuse_method(allowed: Iterable[str]) -> Handler:
    names = ", ".join(sorted(allowed))

    async def answer(request: Request) -> Response:
        refusal = access.answer_refused(request, Refused(
            405, "wrong_method", f"this route takes {names} only"))
        refusal.headers["Allow"] = names
        return refusal
    return answer


def _guarded(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return access.answer_refused(request, refused)
        except Exception:  # the caller gets a sentence, the log the trace
            _log.exception("%s failed", request.url.path)
            return access.answer_refused(request, Refused(
                500, "failed", "this went wrong here, not with you; the server's log says why"))
    return answer
