"""``brain serve``'s own rules, without starting it: ports and browsers."""

import socket

import pytest

from brain.cli import serve
from brain.cli.command import CommandError


def test_the_next_free_port_is_taken():
    first, port = serve._listen("127.0.0.1", 20_000)
    with first:
        second, next_port = serve._listen("127.0.0.1", port)
        with second:
            assert port < next_port < port + 100


def test_a_port_is_ours_as_soon_as_it_is_chosen():
    listener, port = serve._listen("127.0.0.1", 20_000)
    with listener, socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(CommandError, match="no free port"):
        serve._listen("192.0.2.1", 65_530)


def test_no_browser_without_a_display(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("threading.Timer", lambda *_: pytest.fail("no display, no browser"))
    serve._open_browser("http://127.0.0.1:1")
    assert opened == []
