"""HTTP routes of the query engine: ask, OpenAI's chat completions, models, feedback."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from brain import running
from brain.api import access, gateway_forms
from brain.api.access import Refused
from brain.decisions.reasons import InputError
from brain.gateway.desk import Gateway
from brain.gateway.question import Answer, Delta, Question
from brain.sources.wire import find_field

_MOST_BYTES = 16_000_000
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota",
          403: "permission_error", 404: "invalid_request_error", 413: "invalid_request_error",
          415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error"}
_log = logging.getLogger("brain.api")
Handler = Callable[[Request], Awaitable[Response]]


class GatewayRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def ask(self, request: Request) -> Response:
        """Answer a question; with ``stream`` in pieces as server-sent events."""
        asked = await self._read(request, gateway_forms.Asked)
        question = gateway_forms.to_question(asked, _key_id(request))
        gateway = running.engine().gateway
        try:
            if not asked.stream:
                answer = await _while_there(request, gateway.answer(question))
                return _json(gateway_forms.tell_answer(answer), answer.http_status, answer)
            first, rest = await _begin(gateway, question, "ask")
        except InputError as error:
            raise Refused(400, error.code, error.message, error.field) from error
        if first.answer is not None and first.answer.status != "ok":
            return _json(gateway_forms.tell_answer(first.answer), first.answer.http_status,
                         first.answer)
        return _Events(_ask_lines(first, rest))

    async def feedback(self, request: Request) -> Response:
        """Record a verdict on an answer; answers when it is safe."""
        given = await self._read(request, gateway_forms.Verdict)
        stars = given.stars if given.stars is not None else {
            "up": 5, "down": 1}.get(given.thumbs or "")
        if stars is None:
            raise Refused(400, "missing", "give stars (1 to 5) or thumbs (up or down)", "stars")

        def work() -> str:
            return running.engine().gateway.feedback(
                given.request_id.removeprefix("chatcmpl-"), stars, given.comment,
                workspace_id=given.workspace_id, user_id=given.user_id, agent_id=given.agent_id,
                success=given.success)
        return _json({"feedback_id": await run_in_threadpool(work)})

    async def list_models(self, request: Request) -> Response:
        """Models on offer in OpenAI's form, "auto" for the engine's own choice first."""
        self._require_key(request)
        offers = running.engine().gateway.providers.models()
        listed = [("auto", "brain"), *((each.name, each.provider) for each in offers)]
        return _json({"object": "list", "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": owner}
            for name, owner in dict(reversed(listed)).items()][::-1]})

    async def complete_chat(self, request: Request) -> Response:
        """A chat completion in OpenAI's form, whole or as a stream; errors in its form too."""
        try:
            return await self._complete(request)
        except InputError as error:
            return _openai_error(400, error.code, error.message, error.field)
        except Refused as refused:
            return _openai_error(refused.status, refused.code, str(refused), refused.field)
        except Exception:  # the caller gets a sentence, the log the trace
            _log.exception("a chat completion failed")
            return _openai_error(500, "failed", "this went wrong here, not with you; the server's "
                                                "log says why")

    async def _complete(self, request: Request) -> Response:
        self._require_key(request)
        access.require_type(request, "application/json")
        body = _decode(await access.read_body(request, _MOST_BYTES))
        question = gateway_forms.read_chat(body, _key_id(request))
        gateway = running.engine().gateway
        created = int(gateway.now().timestamp())
        if not body.get("stream"):
            answer = await _while_there(request, gateway.answer(question, "chat"))
            if answer.status != "ok":
                return _answer_error(answer)
            return _json(gateway_forms.tell_chat(answer, created), 200, answer)
        first, rest = await _begin(gateway, question, "chat")
        if first.answer is not None and first.answer.status != "ok":
            return _answer_error(first.answer)
        options = body.get("stream_options")
        wants_usage = bool(isinstance(options, dict) and options.get("include_usage"))
        return _Events(_chat_lines(first, rest, created, question.model, wants_usage))

    async def _read(self, request: Request, kind: type[Any]) -> Any:
        self._require_key(request)
        access.require_type(request, "application/json")
        body = await access.read_body(request, _MOST_BYTES)
        try:
            return msgspec.json.decode(body or b"{}", type=kind)
        except msgspec.ValidationError as error:
            raise Refused(400, "invalid_value", str(error), find_field(str(error))) from error
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error


class _Events(StreamingResponse):
    """Server-sent events whose source is closed however the response ends."""

    def __init__(self, lines: AsyncGenerator[bytes, None]) -> None:
        super().__init__(lines, media_type="text/event-stream",
                         headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._lines.aclose()


async def _while_there(request: Request, work: Awaitable[Answer]) -> Answer:
    """What ``work`` gives; it is cancelled when the caller goes away."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refused(499, "cancelled", "the caller went away")
        return task.result()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _begin(gateway: Gateway, question: Question, endpoint: str
                 ) -> tuple[Delta, AsyncGenerator[Delta, None]]:
    """The first piece, which shows whether there will be an answer, and the rest."""
    pieces = gateway.answer_stream(question, endpoint)
    try:
        return await pieces.__anext__(), pieces
    except BaseException:
        await pieces.aclose()
        raise


async def _all(first: Delta, rest: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    try:
        yield first
        async for each in rest:
            yield each
    finally:
        await rest.aclose()


async def _ask_lines(first: Delta, rest: AsyncGenerator[Delta, None]
                     ) -> AsyncGenerator[bytes, None]:
    pieces = _all(first, rest)
    try:
        async for each in pieces:
            if each.text or each.tool_calls:
                yield _event({"text": each.text})
            if each.answer is not None:
                yield _event({"answer": gateway_forms.tell_answer(each.answer)})
    finally:
        await pieces.aclose()


async def _chat_lines(first: Delta, rest: AsyncGenerator[Delta, None], created: int, model: str,
                      wants_usage: bool) -> AsyncGenerator[bytes, None]:
    pieces = _all(first, rest)
    number = hashlib.sha256(repr((created, id(rest))).encode()).hexdigest()[:24]
    empty = {"usage": None} if wants_usage else {}
    try:
        yield _event(gateway_forms.tell_chunk(number, created, model,
                                              {"role": "assistant", "content": ""}, **empty))
        async for each in pieces:
            delta: dict[str, Any] = {"content": each.text} if each.text else {}
            if each.tool_calls:
                delta["tool_calls"] = gateway_forms.tell_tools(each.tool_calls, each.tool_numbers)
            if delta:
                yield _event(gateway_forms.tell_chunk(number, created, model, delta, **empty))
            if each.answer is None:
                continue
            answer = each.answer
            if answer.status != "ok":
                yield _event(_error_body(answer.http_status, answer.error, _words(answer)))
                return
            yield _event(gateway_forms.tell_chunk(
                number, created, answer.model, {}, answer.finish_reason,
                brain=gateway_forms.tell_brain(answer), **empty))
            if wants_usage:
                yield _event(gateway_forms.tell_chunk(number, created, answer.model, None,
                                                      usage=gateway_forms.tell_usage(answer)))
        yield b"data: [DONE]\n\n"
    finally:
        await pieces.aclose()


def _event(told: Any) -> bytes:
    return b"data: " + msgspec.json.encode(told) + b"\n\n"


def _decode(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error
    if not isinstance(found, dict):
        raise Refused(400, "not_json", "the body must be a JSON object")
    return found


def _json(told: Any, status: int = 200, answer: Answer | None = None) -> Response:
    headers = {}
    if answer is not None:
        headers = {"x-request-id": answer.request_id}
        if answer.retry_after_s is not None:
            headers["retry-after"] = str(max(1, -int(-answer.retry_after_s // 1)))
    return Response(msgspec.json.encode(told), status, headers, "application/json")


def _answer_error(answer: Answer) -> Response:
    return _json(_error_body(answer.http_status, answer.error, _words(answer)),
                 answer.http_status, answer)


def _words(answer: Answer) -> str:
    return " ".join(each.text for each in answer.reasons) or answer.error


def _error_body(status: int, code: str, message: str, field: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": _TYPES.get(status, "server_error"),
                      "param": field or None, "code": code}}


def _openai_error(status: int, code: str, message: str, field: str = "") -> Response:
    return _json(_error_body(status, code, message, field), status)


def _key_id(request: Request) -> str:
    """A name for the caller's key that does not tell the key."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return f"key-{hashlib.sha256(given.encode()).hexdigest()[:12]}" if given else ""
