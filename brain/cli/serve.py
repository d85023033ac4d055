"""``brain serve``: the console, the HTTP API and the jobs in one process."""

from argparse import Namespace
from typing import TYPE_CHECKING

from brain.cli.command import Command, CommandError, Option
from brain.cli.owner import open_engine

if TYPE_CHECKING:
    import socket

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
STOP_WITHIN_S = 8


def serve(arguments: Namespace) -> int:
    """Run until stopped; 0 after a clean stop."""
    import os

    from brain import running
    from brain.settings import load
    settings = load()
    if settings.server.host not in LOOPBACK and not settings.server.allow_without_sign_in:
        raise CommandError(
            f"{settings.server.host} can be reached from other machines, and the console asks "
            "nobody to sign in (BRAIN_SERVER_API_KEY guards the HTTP API alone): put a proxy that "
            "signs in before 127.0.0.1, or set BRAIN_SERVER_ALLOW_WITHOUT_SIGN_IN=true",
            "sign_in_off", "server.host")
    if owner := running.find_owner(settings):
        raise CommandError(f"a console is already running at {owner.url} (process {owner.pid})",
                           "already_running")
    listener, port = _listen(settings.server.host, settings.server.port)
    os.environ |= {"BRAIN_DATA_DIR": str(settings.data_dir), "BRAIN_SERVER_PORT": str(port),
                   "STREAMLIT_SERVER_PORT": str(port)}
    if further := settings.server.allowed_hosts:
        os.environ["STREAMLIT_SERVER_ALLOWED_HOSTS"] = (
            f"localhost,127.0.0.1,[::1],{further}")
    from brain.serving import ROOT
    os.chdir(ROOT)
    try:
        return _run(arguments, listener)
    finally:
        listener.close()
        running.close()


def _run(arguments: Namespace, listener: "socket.socket") -> int:
    import signal
    import sys

    import uvicorn

    from brain import running
    from brain.settings import load
    settings = load()
    address = running.reach(settings)
    engine = open_engine(settings)
    for fault in engine.faults:
        print(f"brain: WARNING: {fault}", file=sys.stderr)
    if arguments.demo_if_empty and engine.is_untouched():
        from brain.jobs import demo
        print("No data yet: writing demonstration data …", flush=True)
        written = demo.write(engine)
        print(f"{written:,} demonstration events written; one click removes them.", flush=True)
    sys.path.insert(0, ".")
    server = uvicorn.Server(uvicorn.Config(
        "pages.ui.server:app", log_level="warning", timeout_graceful_shutdown=STOP_WITHIN_S,
        ws_max_size=64_000_000, lifespan="on", server_header=False, access_log=False))
    print(f"Brain Console: {address}  (Ctrl+C stops it)", flush=True)
    if settings.server.open_browser and not arguments.no_browser:
        _open_browser(address)
    # Once it has stopped, uvicorn raises the signal again for whoever handled it before.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> "tuple[socket.socket, int]":
    import socket
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + 100, 65_536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen()  # a port that is only bound can be bound again
            return listener, candidate
        except OSError:
            listener.close()
    raise CommandError(f"no free port from {port} to {port + 99} on {host}", "no_port")


def _open_browser(address: str) -> None:
    import os
    import sys
    import threading
    import webbrowser
    if sys.platform.startswith("linux") and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    timer = threading.Timer(1.5, webbrowser.open, [address])
    timer.daemon = True
    timer.start()


COMMANDS = (
    Command("serve", "", "Run the console, the HTTP API and the jobs until stopped.", (
        Option("--demo-if-empty", "Write demonstration data first if there are no events.",
               flag=True),
        Option("--no-browser", "Do not open a browser.", flag=True)), run=serve),
)
