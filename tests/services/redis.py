"""A real Redis server on loopback."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.process import Server, find_program, free_port


class RedisServer(Server):
    """Redis with nothing saved to disk; ``url`` is what clients open."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A Redis server that answers, stopped at the end; skips where Redis is not installed."""
    program = find_program("redis-server", "redis-server")
    port = free_port()
    server = RedisServer(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
         "--appendonly", "no", *options], folder, port, lambda: _pings(port))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _pings(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"PING\r\n")
            return link.recv(16)[:1] in (b"+", b"-")  # an error asks for a password: it is up
    except OSError:
        return False
