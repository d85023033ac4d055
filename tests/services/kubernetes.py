"""An API server that answers as Kubernetes does for pods and deployments, and one that does not."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-test"


def pod(name: str, phase: str, restarts: int = 0) -> dict[str, Any]:
    """A pod as the API server lists it."""
    status: dict[str, Any] = {"phase": phase, "qosClass": "Burstable"}
    if phase != "Pending":  # one that waits for a node has no containers yet
        status["containerStatuses"] = [{
            "name": "app", "ready": phase == "Running", "restartCount": restarts,
            "image": "registry.example/app:1", "started": True, "state": {"running": {}}}]
    return {"metadata": {"name": name, "namespace": "brain-ai", "uid": f"uid-{name}"},
            "spec": {"containers": [{"name": "app"}]}, "status": status}


def deployment(name: str, wanted: int, ready: int | None) -> dict[str, Any]:
    """A deployment as the API server lists it; none ready leaves the field out."""
    status: dict[str, Any] = {"observedGeneration": 1, "replicas": wanted}
    if ready is not None:
        status["readyReplicas"] = ready
    return {"metadata": {"name": name, "namespace": "brain-ai"}, "spec": {"replicas": wanted},
            "status": status}


class ApiServer:
    """What the server has and how it behaves; ``refuse`` gives a status by resource."""

    def __init__(self) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {"pods": [], "deployments": []}
        self.refuse: Mapping[str, int] = {}
        self.body: bytes | None = None
        self.asked: list[str] = []
        self.held = threading.Event()
        self.held.set()
        self.url = ""

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of a request."""
        parts, query = urlsplit(path), parse_qs(urlsplit(path).query)
        self.asked.append(path)
        resource = parts.path.rsplit("/", 1)[-1]
        group = "/apis/apps/v1" if resource == "deployments" else "/api/v1"
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, _failure(401, "Unauthorized")
        if parts.path != f"{group}/namespaces/brain-ai/{resource}":
            return 404, _failure(404, "NotFound")
        if resource in self.refuse:
            return self.refuse[resource], _failure(self.refuse[resource], "Forbidden")
        if self.body is not None:
            return 200, self.body
        first, most = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["500"])[0])
        rows = self.items[resource]
        more = str(first + most) if first + most < len(rows) else ""
        kind = {"pods": "PodList", "deployments": "DeploymentList"}[resource]
        return 200, json.dumps({"kind": kind, "apiVersion": "v1", "metadata": {
            "resourceVersion": "1", **({"continue": more} if more else {})},
            "items": rows[first:first + most]}).encode()


def _failure(code: int, reason: str) -> bytes:
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                       "message": reason, "reason": reason, "code": code}).encode()


@contextmanager
def running_api_server() -> Iterator[ApiServer]:
    """An API server on a free port of loopback; clear ``held`` to let it hold still."""
    api = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.held.wait(10)
            status, body = api.answer(self.path, self.headers)  # type: ignore[arg-type]
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the caller has gone

        def log_message(self, *_: object) -> None:
            """Nothing: the test tells."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        api.held.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
