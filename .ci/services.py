"""See that the programs the tests start are there: ``python .ci/services.py``.

As root, missing Debian packages are installed (their daemons are not started). Otherwise they are
named with the command that installs them, and the tests that need them are skipped with a reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = {  # Debian package: the program the tests start
    "redis-server": "redis-server",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "chromium": "chromium",
    "postgresql-15": "/usr/lib/postgresql/15/bin/postgres",  # brings pg_stat_statements
}
POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> int:
    """Exit code 0 always: what stays missing skips its tests, it does not stop the others."""
    missing = find_missing()
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing for the tests: {' '.join(missing)}", flush=True)
        with daemons_stopped():
            if not install(missing):
                apt("update")
                install(missing)
        missing = find_missing()
    if missing:
        print(f"Not installed: {' '.join(missing)}. Their tests will be reported as not run. "
              f"To run them: sudo apt-get install --no-install-recommends {' '.join(missing)}",
              flush=True)
    return 0


def find_missing() -> list[str]:
    """The Debian packages whose program is not on the path."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/bin"
    return [package for package, program in PROGRAMS.items()
            if not shutil.which(program, path=path)]


def install(packages: list[str]) -> bool:
    """Whether apt-get installed them all."""
    return apt("install", "--yes", "--no-install-recommends", *packages)


def apt(*arguments: str) -> bool:
    """Whether apt-get ended well; the last lines of a failure are shown."""
    done = subprocess.run(["apt-get", "--quiet", "--quiet", *arguments], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-5:]), flush=True)
    return done.returncode == 0


@contextmanager
def daemons_stopped() -> Iterator[None]:
    """Keep packages from starting their daemons while they are installed."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
