"""A real SMTP server on loopback that keeps what it takes, or behaves badly on purpose."""

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.services.process import free_port


class Mailbox:
    """What the server took; addresses in ``refused`` or ``later`` get 550 or 450."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refused: set[str] = set()
        self.later: set[str] = set()
        self.port = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str,  # noqa: N802
                          _options: Any) -> str:
        if address in self.refused:
            return "550 no such person"
        if address in self.later:
            return "450 the box is full, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        found = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.messages.append(found)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 kept"


@contextmanager
def running_smtp(port: int = 0, login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """A server that takes mail, with ``login`` only after it."""
    box = Mailbox()
    box.port = port or free_port()

    def check(_server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
        fits = isinstance(given, LoginPassword) and login == (
            given.login.decode(), given.password.decode())
        return AuthResult(success=fits, handled=False)
    options: dict[str, Any] = {} if login is None else {
        "authenticator": check, "auth_required": True, "auth_require_tls": False}
    server = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    server.start()
    try:
        yield box
    finally:
        server.stop()


@contextmanager
def dripping_smtp() -> Iterator[int]:
    """The port of a server that greets with a letter now and then, and never ends its line."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        try:
            while not ended.is_set():
                caller, _ = listener.accept()
                with caller:
                    while not ended.wait(0.05):
                        caller.sendall(b"2")
        except OSError:
            return
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        ended.set()
        listener.close()
        thread.join(5)
