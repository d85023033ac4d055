"""A server that says the wrong thing: bytes that are not its protocol, drops, or silence."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def answering(reply: bytes, *, again_each_s: float | None = None,
              hang: bool = False) -> Iterator[int]:
    """The loopback port of a server that sends ``reply`` to whoever connects and speaks.

    Then it closes, or with ``again_each_s`` sends the reply again and again at that pause, or
    with ``hang`` keeps the connection open in silence.
    """
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def serve(link: socket.socket) -> None:
        with link, suppress(OSError):
            link.settimeout(0.5)
            with suppress(TimeoutError):
                link.recv(65_536)
            link.sendall(reply)
            while again_each_s is not None and not ended.wait(again_each_s):
                link.sendall(reply)
            if hang:
                ended.wait()

    def accept() -> None:
        while not ended.is_set():
            with suppress(TimeoutError, OSError):
                link, _ = listener.accept()
                threading.Thread(target=serve, args=(link,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        ended.set()
        acceptor.join(5)
        listener.close()
