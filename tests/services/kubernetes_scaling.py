"""An API server that answers as Kubernetes does for scales, autoscalers and watches."""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from brain.decisions.scaling.quantities import parse_quantity
from tests.services.kubernetes import TOKEN

NAMESPACE = "brain-ai"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
HPAS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Refusal(Exception):
    def __init__(self, code: int, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.message = code, reason, message or reason


class ScalingServer:
    """Deployments and autoscalers with versions, optimistic locking, dry runs and watches.

    ``refuse`` is a status by method, ``intrude`` is called before each write is looked at,
    ``alter`` changes requests as an admission controller would,
    ``steps`` are what a watch tells: deployments' ready counts, or "gone", "end", "break".
    """

    def __init__(self) -> None:
        self.deployments: dict[str, dict[str, Any]] = {}
        self.hpas: dict[str, dict[str, Any]] = {}
        self.version = 100
        self.refuse: dict[str, int] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.intrude: Any = None
        self.alter: Any = None
        self.steps: list[list[Any]] = []
        self.held = threading.Event()
        self.held.set()
        self.url = ""
        self.body: bytes | None = None

    def deploy(self, name: str, replicas: int, ready: int | None = None,
               requests: dict[str, str] | None = None,
               limits: dict[str, str] | None = None) -> None:
        """A deployment with a sidecar before its main container."""
        self.version += 1
        resources = {"requests": {"cpu": "500m", "memory": "512Mi"} if requests is None
                     else requests, "limits": limits or {}}
        self.deployments[name] = {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE,
                         "resourceVersion": str(self.version)},
            "spec": {"replicas": replicas, "template": {
                "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": name}},
                "spec": {"containers": [{"name": "proxy", "image": "proxy:1"}, {
                    "name": name, "image": "app:1", "resources": resources}]}}},
            "status": {"replicas": replicas,
                       "readyReplicas": replicas if ready is None else ready}}

    def scale_of(self, name: str) -> dict[str, Any]:
        found = self._found(self.deployments, name)
        return {"apiVersion": "autoscaling/v1", "kind": "Scale",
                "metadata": {"name": name, "namespace": NAMESPACE,
                             "resourceVersion": found["metadata"]["resourceVersion"]},
                "spec": {"replicas": found["spec"]["replicas"]},
                "status": {"replicas": found["status"]["replicas"], "selector": f"app={name}"}}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any,
               kind: str) -> dict[str, Any]:
        if method in self.refuse:
            raise Refusal(self.refuse[method], "Forbidden", "not for this account")
        dry = query.get("dryRun") == ["All"]
        if path in (APPS, PODS):
            rows = list(self.deployments.values()) if path == APPS else []
            return {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": rows}
        if path.startswith(APPS):
            name, _, sub = path[len(APPS) + 1:].partition("/")
            if method == "GET":
                return self.scale_of(name) if sub else self._found(self.deployments, name)
            if method == "PATCH" and sub == "scale":
                return self._patch_scale(name, body, dry, kind)
            if method == "PATCH" and not sub:
                return self._patch_deployment(name, body, dry, kind)
        if path.startswith(HPAS):
            name = path[len(HPAS) + 1:]
            if method == "GET":
                return self._found(self.hpas, name)
            return self._write_hpa(method, name, body, dry, kind)
        raise Refusal(404, "NotFound")

    def _patch_scale(self, name: str, body: Any, dry: bool, kind: str) -> dict[str, Any]:
        if kind != MERGE:
            raise Refusal(415, "UnsupportedMediaType")
        self._let_in()
        found = self._found(self.deployments, name)
        self._check_version(found, body)
        replicas = body["spec"]["replicas"]
        if not isinstance(replicas, int) or replicas < 0:
            raise Refusal(422, "Invalid", "spec.replicas: must be greater than or equal to 0")
        after = self.scale_of(name)
        after["spec"]["replicas"] = replicas
        if not dry:
            found["spec"]["replicas"] = replicas
            after["metadata"]["resourceVersion"] = self._touch(found)
        return after

    def _patch_deployment(self, name: str, body: Any, dry: bool, kind: str) -> dict[str, Any]:
        """Lists merge by name, as the schema of a pod's containers has it."""
        if kind != STRATEGIC:
            raise Refusal(415, "UnsupportedMediaType")
        self._let_in()
        after = copy.deepcopy(self._found(self.deployments, name))
        self._check_version(after, body)
        containers = after["spec"]["template"]["spec"]["containers"]
        for given in body["spec"]["template"]["spec"]["containers"]:
            place = next(number for number, each in enumerate(containers)
                         if each["name"] == given["name"])
            resources = containers[place].setdefault("resources", {})
            resources.setdefault("requests", {}).update(given["resources"]["requests"])
            if self.alter is not None:
                self.alter(resources["requests"])
            for kind_of, asked in resources["requests"].items():
                limit = resources.get("limits", {}).get(kind_of)
                if limit is not None and parse_quantity(asked) > parse_quantity(limit):
                    raise Refusal(422, "Invalid", f'Deployment.apps "{name}" is invalid: '
                                  f"spec.template.spec.containers[{place}].resources.requests: "
                                  f'Invalid value: "{asked}": must be less than or equal to '
                                  f"{kind_of} limit of {limit}")
        if not dry:
            self.deployments[name] = after
            self._touch(after)
        return after

    def _write_hpa(self, method: str, name: str, body: Any, dry: bool,
                   kind: str) -> dict[str, Any]:
        self._let_in()
        if method == "POST":
            name = body["metadata"]["name"]
            if name in self.hpas:
                raise Refusal(409, "AlreadyExists")
            after = copy.deepcopy(body)
        elif method == "DELETE":
            after = self._found(self.hpas, name)
            if not dry:
                del self.hpas[name]
            return {"kind": "Status", "apiVersion": "v1", "status": "Success", "metadata": {}}
        else:
            if kind != MERGE:
                raise Refusal(415, "UnsupportedMediaType")
            found = self._found(self.hpas, name)
            self._check_version(found, body)
            after = copy.deepcopy(found)
            for field, value in body["spec"].items():  # a merge patch: null takes a field away
                after["spec"].pop(field, None)
                if value is not None:
                    after["spec"][field] = value
        if after["spec"].get("minReplicas", 1) > after["spec"]["maxReplicas"]:
            raise Refusal(422, "Invalid", "spec.maxReplicas: must be >= minReplicas")
        self.version += 1
        after["metadata"]["resourceVersion"] = str(self.version)
        if not dry:
            self.hpas[name] = after
        return after

    def _found(self, things: dict[str, Any], name: str) -> dict[str, Any]:
        if name not in things:
            raise Refusal(404, "NotFound")
        return dict(things[name])

    def _let_in(self) -> None:
        if self.intrude is not None:
            self.intrude()

    def _check_version(self, found: dict[str, Any], body: Any) -> None:
        if body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", "the object has been modified")

    def _touch(self, found: dict[str, Any]) -> str:
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        return str(self.version)

    def watch(self, name: str) -> Iterator[bytes]:
        """One watch: the next of ``steps``, told line by line."""
        for step in self.steps.pop(0) if self.steps else ["end"]:
            if step == "gone":
                yield _line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired",
                                      "message": "too old resource version"})
            elif step == "break":
                yield b'{"type": "MODIFIED", "obj'
            elif step == "deleted":
                yield _line("DELETED", self.deployments[name])
            elif step == "bookmark":
                yield _line("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})
            elif step != "end":
                found = self.deployments[name]
                found["status"] = {"replicas": step, "readyReplicas": step}
                self._touch(found)
                yield _line("MODIFIED", found)


def _line(kind: str, thing: Any) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


@contextmanager
def running_scaling_server() -> Iterator[ScalingServer]:
    """The server on a free port of loopback; clear ``held`` to let it hold still."""
    api = ScalingServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            api.held.wait(10)
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            api.asked.append((self.command, self.path, body))
            status = 200
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refusal(401, "Unauthorized")
                if query.get("watch") == ["True"] or query.get("watch") == ["true"]:
                    self._stream(query["fieldSelector"][0].partition("=")[2])
                    return
                found = api.answer(self.command, parts.path, query, body,
                                   self.headers.get("Content-Type", ""))
            except Refusal as refusal:
                status = refusal.code
                found = {"kind": "Status", "apiVersion": "v1", "metadata": {},
                         "status": "Failure", "message": refusal.message,
                         "reason": refusal.reason, "code": status}
            told = json.dumps(found).encode() if api.body is None else api.body
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)
            except OSError:
                self.close_connection = True  # the caller has gone

        def _stream(self, name: str) -> None:
            if "WATCH" in api.refuse:
                raise Refusal(api.refuse["WATCH"], "Expired")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            for line in api.watch(name):
                self.wfile.write(line)
                self.wfile.flush()
            self.close_connection = True

        do_GET = do_PATCH = do_POST = do_DELETE = _serve  # noqa: N815 (http.server's names)

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
