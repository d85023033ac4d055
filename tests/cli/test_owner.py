"""Commands find the owner of the stores, or say why they cannot be used."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from brain import running
from brain.cli import owner
from brain.cli.command import CommandError
from brain.settings import load
from tests.serving.console import ROOT, environment
from tests.serving.inside import command_runner

HOLD = """
import sys
from brain import running
from brain.settings import load
running.engine(load())
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def announced(tmp_path, monkeypatch):
    """Announces an owner at an address; commands believe it while it is announced."""
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path))
    settings = load()
    yield lambda url: running.announce(settings, url)
    running.withdraw(settings)


@pytest.fixture
def nonsense_server():
    """A server that answers every POST with the bytes it is given."""
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            status, body = self.server.answer
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_stores_that_another_process_holds_are_left_alone(tmp_path, monkeypatch, capsys):
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=ROOT, env=environment(tmp_path),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        done = command_runner(tmp_path, monkeypatch, capsys)("data", "status", "--json")
        holder.stdin.close()
    assert done.status == 1
    assert done.json["error"]["code"] == "store_busy"
    assert "owned by another process" in done.json["error"]["message"]


def test_an_owner_that_does_not_answer_is_named(announced):
    announced("http://127.0.0.1:9")
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:9 does not answer") as caught:
        owner.call("status")
    assert caught.value.code == "no_answer"


@pytest.mark.parametrize(("status", "body", "code", "said"), [
    (200, b"<html>", "bad_answer", "answered 200"), (502, b"", "bad_answer", "answered 502"),
    (500, b"[]", "failed", "HTTP 500"), (500, b'{"error": 5}', "failed", "HTTP 500"),
    (400, json.dumps({"error": {"code": "c", "message": "words", "field": "f"}}).encode(),
     "c", "words"),
])
def test_a_nonsense_answer_is_an_error(announced, nonsense_server, status, body, code, said):
    nonsense_server.answer = (status, body)
    announced(f"http://127.0.0.1:{nonsense_server.server_port}")
    with pytest.raises(CommandError, match=said) as caught:
        owner.call("status")
    assert caught.value.code == code
