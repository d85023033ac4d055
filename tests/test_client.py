"""brain.client: nothing recorded is lost or doubled while the console comes and goes."""

import ast
import datetime as dt
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from brain.client import Client, RecordRefused
from tests.services.process import free_port, wait_until
from tests.serving.console import ROOT, environment, running_console


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with running_console(tmp_path_factory.mktemp("client"),
                         BRAIN_HOST_INTERVAL_S="3600") as running:
        yield running


@pytest.fixture
def fake():
    """A server whose answers the test chooses; it keeps the bodies' ids."""
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.server.calls.append(self.headers)
            status, body = self.server.answer
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.calls = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def quiet(url, **options):
    """A client whose background thread leaves the sending to ``flush``."""
    return Client(url, interval_s=3_600, **options)


def test_it_needs_the_standard_library_alone():
    tree = ast.parse((ROOT / "brain" / "client.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
             for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    program = "import sys, brain.client; print(sorted({n.partition('.')[0] for n in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True,
                          text=True, check=True, timeout=240)
    assert not {"msgspec", "pandas", "duckdb", "httpx"} & set(ast.literal_eval(done.stdout))


def test_what_was_flushed_is_there(console):
    client, before = quiet(console.url), console.count()
    for number in range(2_500):
        client.record(model="m", input_tokens=number, at_utc=dt.datetime.now(dt.UTC))
    client.flush()
    client.flush()
    assert console.count() == before + 2_500
    assert (client.dropped, client.refused_events) == (0, 0)


def test_it_sends_by_itself(console):
    client, before = Client(console.url, interval_s=0.05), console.count()
    client.record(model="m")
    wait_until(lambda: console.count() == before + 1, "the event arrives")


def test_a_console_that_is_killed_and_restarted_loses_and_doubles_nothing(console):
    client, before = Client(console.url, interval_s=0.01), console.count()
    done = threading.Event()
    recorded = []

    def record():
        while not done.is_set() and len(recorded) < 20_000:
            recorded.append(client.record(model="m"))
            done.wait(0.0005)
    program = threading.Thread(target=record)
    program.start()
    wait_until(lambda: len(recorded) > 200, "events are recorded")
    console.kill()
    wait_until(lambda: len(recorded) > 500, "events are recorded while it is down")
    console.start()
    done.set()
    program.join()
    client.flush()
    assert console.count() == before + len(recorded)
    assert console.call("verify") == {"faults": []}
    assert client.dropped == 0


def test_an_answer_that_got_lost_doubles_nothing(console):
    client, before = quiet(console.url), console.count()
    post, fails = client._post, [True]

    def lose_the_answer(body, timeout_s):
        receipt = post(body, timeout_s)
        if fails:
            fails.clear()
            raise ConnectionResetError("cut after it was stored")
        return receipt
    client._post = lose_the_answer
    client.record(model="m")
    client.flush()
    assert not fails
    assert console.count() == before + 1


def test_many_threads_record_at_once(console):
    client, before = Client(console.url, interval_s=0.01), console.count()
    threads = [threading.Thread(target=lambda: [client.record(model="m") for _ in range(250)])
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.flush()
    assert console.count() == before + 2_000


def test_a_refused_event_is_told_with_its_id_and_the_others_stay(console):
    client, before = quiet(console.url), console.count()
    client.record(model="m")
    wrong = client.record(model="m", input_tokens=-1)
    with pytest.raises(RecordRefused, match="input_tokens") as caught:
        client.flush()
    assert [(each["event_id"], each["field"]) for each in caught.value.errors] == [
        (wrong, "input_tokens")]
    assert client.refused_events == 1
    client.flush()  # told once
    assert console.count() == before + 1


def test_what_json_cannot_carry_is_refused_and_stops_nothing(console):
    client, before = quiet(console.url), console.count()
    ids = [client.record(model=object()), client.record(query_text="x" * 1_000_001),
           client.record(latency_ms=float("nan"))]
    client.record(model="m")
    with pytest.raises(RecordRefused) as caught:
        client.flush()
    assert {each["event_id"] for each in caught.value.errors} == set(ids)
    assert console.count() == before + 1


def test_a_body_that_is_too_large_is_sent_in_parts(tmp_path):
    with running_console(tmp_path, BRAIN_INGEST_MAX_BODY_BYTES="20000",
                         BRAIN_HOST_INTERVAL_S="3600") as console:
        client = quiet(console.url)
        for _ in range(300):
            client.record(model="m", query_text="text " * 100)
        client.record(model="m", query_text="x" * 19_990)
        with pytest.raises(RecordRefused, match="at most 20,000 bytes"):
            client.flush()
        assert console.count() == 300


def test_more_than_can_wait_is_counted():
    client = quiet(f"http://127.0.0.1:{free_port()}", most_waiting=10)
    for _ in range(15):
        client.record(model="m")
    assert client.dropped == 5
    with pytest.raises(TimeoutError, match=r"took no events in 0\.3 s"):
        client.flush(timeout_s=0.3)
    client._waiting.clear()
    client._settled = client._recorded


@pytest.mark.parametrize(("status", "body"), [
    (500, b""), (503, b"{}"), (429, b""), (200, b"<html>"), (200, b"{}"), (200, b"[]")])
def test_an_answer_that_is_no_receipt_keeps_the_events(fake, status, body):
    client = quiet(fake.url)
    client.record(model="m")
    fake.answer = (status, body)
    with pytest.raises(TimeoutError):
        client.flush(timeout_s=0.3)
    fake.answer = (200, json.dumps({"accepted": 1, "rejected": 0, "errors": []}).encode())
    client.flush()
    assert client.refused_events == 0


@pytest.mark.parametrize(("status", "body"), [
    (401, b'{"error": {"code": "no_key", "message": "HTTP says no"}}'), (404, b"HTTP"),
    (400, b"[]"), (403, b'{"error": "HTTP"}')])
def test_a_body_refused_whole_is_told(fake, status, body):
    client = quiet(fake.url, api_key="k")
    number = client.record(model="m")
    fake.answer = (status, body)
    with pytest.raises(RecordRefused, match="HTTP") as caught:
        client.flush()
    assert caught.value.errors[0]["event_id"] == number
    assert fake.calls[0]["Authorization"] == "Bearer k"


PROGRAM = """
import os, sys
from brain.client import record
record(model="at-exit")
if "fork" in sys.argv:
    child = os.fork()
    record(model="at-exit")
    if child:
        os.waitpid(child, 0)
"""


@pytest.mark.parametrize(("words", "events"), [((), 1), (("fork",), 3)])
def test_a_program_that_ends_sends_what_it_recorded(console, tmp_path, words, events):
    before = console.count()
    subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=ROOT, check=True, timeout=240,
                   env=environment(tmp_path) | {"BRAIN_CLIENT_URL": console.url,
                                                "http_proxy": "http://127.0.0.1:9"})
    assert console.count() == before + events


def test_a_program_ends_soon_when_no_console_is_there(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, timeout=240, check=False,
                          capture_output=True, env=environment(tmp_path) | {
                              "BRAIN_CLIENT_URL": f"http://127.0.0.1:{free_port()}"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.listdir(tmp_path) == []
