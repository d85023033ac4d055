"""Keys, the owner's token, host names, origins and headers, on a real server."""

import socket
import stat

import pytest

from tests.serving.console import LINES

SECURITY = {"x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN",
            "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin"}
KEYED = (("POST", "/v1/events"), ("POST", "/v1/imports"), ("GET", "/metrics"))
OPEN = ("/healthz", "/readyz", "/v1/openapi.json", "/", "/_stcore/health")


def shake_hands(port, host, origin=""):
    """Status of a WebSocket handshake with Streamlit's stream."""
    lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket",
             "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"Origin: {origin}"] if origin else []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(link.recv(4096).split()[1])


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Bearer sesam",
                                   "Bearer sesame2", "Basic sesame", "Bearer sésame".encode()])
def test_a_set_key_is_asked_for(keyed, method, path, given):
    headers = LINES if given is None else LINES | {"authorization": given}
    with keyed.client() as http:
        answer = http.request(method, path, headers=headers, content="{}")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "no_key"


def test_the_key_and_the_owners_token_open(keyed):
    for key in ("sesame", keyed.owner["token"]):
        with keyed.client(key) as http:
            assert http.post("/v1/events", content="{}", headers=LINES).status_code == 200
            assert http.get("/metrics").status_code == 200


def test_health_asks_for_no_key(keyed):
    with keyed.client() as http:
        for path in OPEN:
            assert http.get(path).status_code == 200, path


def test_only_the_owner_runs_verbs(keyed):
    for key in ("", "sesame", "wrong"):
        with keyed.client(key) as http:
            answer = http.post("/v1/engine/status", json={})
            assert answer.status_code == 401
            assert http.post("/v1/engine/nonsense", json={}).status_code == 401
    assert "events" in keyed.call("status")


def test_the_token_is_for_this_user_alone(keyed):
    mode = (keyed.data / "owner.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert len(keyed.owner["token"]) >= 40


def test_no_secret_is_printed(keyed):
    assert "sesame" not in keyed.printed
    assert keyed.owner["token"] not in keyed.printed


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example",
                                  "localhost.evil.example", "", "[::2]", "127.0.0.2"])
def test_an_unknown_host_is_refused_everywhere(keyed, host):
    with keyed.client("sesame") as http:
        for path in (*OPEN, "/metrics", "/static/x.js"):
            answer = http.get(path, headers={"host": host})
            assert answer.status_code == 421, path
            assert answer.json()["error"]["code"] == "unknown_host"
    assert shake_hands(keyed.port, host or "x") == 403


def test_known_hosts_are_answered(keyed):
    with keyed.client() as http:
        for host in ("localhost", f"LOCALHOST:{keyed.port}", "127.0.0.1:1", "[::1]:8501",
                     "console.example"):
            assert http.get("/healthz", headers={"host": host}).status_code == 200, host


def test_a_foreign_page_may_not_write(console):
    with console.client() as http:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://[bad",
                       f"http://localhost:{console.port}"):
            for path in ("/v1/events", "/v1/imports", "/v1/engine/status", "/_stcore/x"):
                answer = http.post(path, content="{}", headers=LINES | {"origin": origin})
                assert answer.status_code == 403, (origin, path)
                assert answer.json()["error"]["code"] == "foreign_origin"
        own = http.post("/v1/events", content="{}", headers=LINES | {"origin": console.url})
        assert own.status_code == 200


def test_a_foreign_page_may_not_open_a_session(console):
    host = f"127.0.0.1:{console.port}"
    assert shake_hands(console.port, host) == 101
    assert shake_hands(console.port, host, f"http://{host}") == 101
    assert shake_hands(console.port, host, "https://evil.example") == 403
    assert shake_hands(console.port, host, "null") == 403
    assert shake_hands(console.port, "evil.example", "http://evil.example") == 403


@pytest.mark.parametrize(("method", "path", "host"), [
    *(("GET", path, "") for path in (*OPEN, "/metrics", "/traffic", "/static/none.js", "//x",
                                     "/v1/none", "/_stcore/metrics", "/_stcore/host-config")),
    ("POST", "/v1/events", ""), ("POST", "/v1/engine/status", ""), ("PUT", "/healthz", ""),
    ("OPTIONS", "/v1/events", ""), ("GET", "/", "evil.example")])
def test_every_answer_has_the_security_headers(http, method, path, host):
    answer = http.request(method, path, headers={"host": host} if host else {})
    assert answer.status_code < 500
    assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "object-src 'none'" in policy
    assert "server" not in answer.headers
    assert answer.headers.get("access-control-allow-origin", "") != "*"


def test_streamlits_own_figures_are_closed(http):
    assert http.get("/_stcore/metrics").status_code == 404


@pytest.mark.parametrize("path", ["/static/../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd",
                                  "/..%5c..%5cetc/passwd", "/static//etc/passwd",
                                  "/%2fetc/passwd", "/media/../../../etc/passwd"])
def test_no_path_leads_out(console, path):
    with socket.create_connection(("127.0.0.1", console.port), timeout=10) as link:
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\n\r\n".encode())
        told = b""
        while part := link.recv(65_536):
            told += part
    assert b"root:" not in told
    assert int(told.split()[1]) < 500
