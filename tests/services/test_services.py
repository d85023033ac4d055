"""The real servers behind the other tests start, hold still, go on and come back."""

import socket
import urllib.request
from pathlib import Path

import psycopg
import pytest

from tests.services.garbage import answering
from tests.services.postgres import running_postgres
from tests.services.process import Server, wait_until
from tests.services.prometheus import answers, running_prometheus
from tests.services.redis import running_redis


def test_redis_holds_still_goes_on_and_comes_back(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        server.freeze()
        with socket.create_connection(("127.0.0.1", server.port), timeout=0.3) as link:
            link.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError):
                link.recv(16)
        server.thaw()
        assert _ping(server.port) == b"+PONG\r\n"
        first_pid = server.pid
        server.restart()
        assert server.pid != first_pid
        assert _ping(server.port) == b"+PONG\r\n"
        server.kill()
        assert not server.running
        server.start()
        assert _ping(server.port) == b"+PONG\r\n"
    assert not server.running


def test_postgres_holds_still_goes_on_and_comes_back() -> None:
    with running_postgres() as server:
        with server.database() as url, psycopg.connect(url, autocommit=True) as link:
            link.execute("create table kept (number int)")
            server.freeze()
            link.pgconn.send_query(b"insert into kept values (1)")
            link.pgconn.flush()
            assert link.pgconn.is_busy()
            server.thaw()
            answer = link.pgconn.get_result()
            assert answer is not None and answer.status == 1  # PGRES_COMMAND_OK
            assert link.pgconn.get_result() is None  # nothing more to come
        with psycopg.connect(server.url, autocommit=True) as link:
            link.execute("create table kept (number int)")
        server.restart()
        with psycopg.connect(server.url) as link:
            assert link.execute("select count(*) from kept").fetchone() == (0,)


def test_prometheus_holds_still_goes_on_and_comes_back(tmp_path: Path) -> None:
    with running_prometheus(tmp_path) as server:
        server.freeze()
        assert not answers(f"{server.url}/-/ready")
        server.thaw()
        wait_until(lambda: answers(f"{server.url}/-/ready"), "Prometheus goes on")
        server.restart()
        assert answers(f"{server.url}/-/ready")


def test_alertmanager_answers(alertmanager: Server) -> None:
    assert answers(f"http://127.0.0.1:{alertmanager.port}/api/v2/status")


def test_node_exporter_tells_this_machines_memory(node_exporter: Server) -> None:
    url = f"http://127.0.0.1:{node_exporter.port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as response:
        assert b"node_memory_MemAvailable_bytes" in response.read()


def test_chromium_opens_a_page(chromium) -> None:
    page = chromium.new_page()
    page.set_content("<title>here</title>")
    assert page.title() == "here"
    page.close()


def test_garbage_server_says_what_it_is_told() -> None:
    with answering(b"nonsense") as port:
        assert _ping(port) == b"nonsense"


def test_a_program_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    server = Server(["sh", "-c", "echo no such option; exit 3"], tmp_path, 1, lambda: False)
    with pytest.raises(RuntimeError, match="no such option"):
        server.start()


def _ping(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(b"PING\r\n")
        return link.recv(64)
