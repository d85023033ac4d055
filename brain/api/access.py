"""Who may call: host names, origins, keys, sizes; and the headers of every answer."""

import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brain.decisions.roles import Actor, as_role, read_keys, why_not
from brain.settings import Settings

CALLER, LOCAL = "HTTP API", "local user over HTTP"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_CLOSED = {"/_stcore/metrics"}  # Streamlit's own figures, which it gives to anybody
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
            "Content-Security-Policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'self'"}


class Refused(Exception):
    """A request that gets an error answer: HTTP status, code for machines, words for people."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def answer_refused(_request: Request, refused: Exception) -> JSONResponse:
    """The error answer of our routes."""
    if not isinstance(refused, Refused):
        raise refused
    return JSONResponse({"error": {"code": refused.code, "message": refused.message,
                                   "field": refused.field}}, status_code=refused.status)


class Gate:
    """Refuses unknown host names and foreign origins, and adds security headers."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(each.lower() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        fault = self._fault(scope, Headers(scope=scope))
        if fault and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    given.setdefault(name, value)
            await send(message)
        answer = answer_refused(Request(scope), fault) if fault else self._app
        await answer(scope, receive, with_headers)

    def _fault(self, scope: Scope, headers: Headers) -> Refused | None:
        host = headers.get("host", "").lower()
        if "*" not in self._hosts and _name(host) not in self._hosts:
            return Refused(421, "unknown_host", f"this server does not answer to {host[:200]!r}; "
                           "BRAIN_SERVER_ALLOWED_HOSTS names further hosts")
        if scope["path"] in _CLOSED:
            return Refused(404, "not_found", "there is nothing here")
        origin = headers.get("origin")
        acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin and acts and origin.partition("://")[2].lower() != host:
            return Refused(403, "foreign_origin", f"a page of {origin[:200]!r} may not write here")
        return None


def identify(request: Request, settings: Settings, owner_token: str) -> Actor:
    """Who calls: by the bearer key, or the local user's role where no key is set at all.

    Reading takes the role viewer, POST operator, PUT and DELETE admin. Raises Refused for a key
    that is missing or unknown, or whose role is too low.
    """
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    chosen = settings.access
    actor = next((Actor(f"key {each.name}", each.role) for each in read_keys(chosen.keys)
                  if _same(given, each.key)), None)
    if actor is None and _same(given, owner_token):
        actor = Actor(LOCAL, as_role(chosen.local_role))
    if actor is None and _same(given, settings.server.api_key):
        actor = Actor(CALLER, as_role(chosen.api_key_role))
    if actor is None and not (settings.server.api_key or chosen.keys):
        actor = Actor(CALLER, as_role(chosen.local_role))
    if actor is None:
        raise Refused(401, "no_key", "send 'Authorization: Bearer <key>' with a valid key")
    kind = ("api.read" if request.method in _SAFE_METHODS else
            "api.act" if request.method == "POST" else "api.configure")
    if why := why_not(actor, kind):
        raise Refused(403, "forbidden", why)
    return actor


def require_owner(request: Request, owner_token: str) -> None:
    """Raise Refused unless the caller holds the token of this server's user."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not _same(given, owner_token):
        raise Refused(401, "no_key", "only this machine's user may call this, by the brain command")


def require_type(request: Request, *allowed: str) -> None:
    """Raise Refused for a body of another type; a foreign form can send only plain ones."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given not in allowed:
        raise Refused(415, "wrong_type", f"send content-type {' or '.join(allowed)}, "
                                         f"not {given or 'none'}", "content-type")


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The body as sent. Raises Refused when it is larger than ``most_bytes``."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise Refused(413, "too_large", f"a body holds at most {most_bytes:,} bytes; send less")
        parts.append(part)
    return b"".join(parts)


def _name(host: str) -> str:
    return host if host.endswith("]") else host.rsplit(":", 1)[0]


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
