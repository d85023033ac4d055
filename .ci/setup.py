"""Build .venv from the locked packages: ``python3 .ci/setup.py [--tests]``.

Needs nothing but Python 3.11 with its standard library. Where Python has no pip, pip is
taken from Debian's package python3-pip-whl, downloaded and unpacked without root.
Runs in a moment when nothing has changed since the last time.
"""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
UV_LOCK = ROOT / ".ci" / "uv.txt"
LOCKS = {"run": ROOT / "requirements.txt", "test": ROOT / "requirements-test.txt"}
STAMP = VENV / ".brain-setup"


class SetupError(Exception):
    """What stopped the set-up, and what the reader can do about it."""


def main() -> int:
    """Exit code: 0 when the environment is as the lock files say."""
    use_newer_python()
    level = "test" if "--tests" in sys.argv[1:] else "run"
    try:
        done = read_stamp()
        if done in {stamp_of("test"), stamp_of(level)}:
            return 0
        if done.startswith("test ") and level == "run":
            level = "test"  # never take the test packages away from someone who has them
        say(f"Setting up {VENV} ({level} packages). The first time takes a minute.")
        STAMP.unlink(missing_ok=True)
        make_venv()
        get_uv()
        sync(level)
        STAMP.write_text(stamp_of(level), encoding="utf-8")
    except SetupError as error:
        say(f"Set-up stopped: {error}")
        return 1
    return 0


def use_newer_python() -> None:
    """Go on under Python 3.11 or later, whichever name it has."""
    if sys.version_info >= (3, 11):
        return
    for name in ("python3.11", "python3.12", "python3.13"):
        found = shutil.which(name)
        if found and works(found, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
            os.execv(found, [found, __file__, *sys.argv[1:]])
    say("Set-up stopped: Python 3.11 or later is needed. On Debian 12: apt-get install python3")
    raise SystemExit(1)


def stamp_of(level: str) -> str:
    """What a finished environment of that level carries: level and hash of all that shaped it."""
    digest = hashlib.sha256(f"{ROOT} {VENV} {sys.version_info[:2]}".encode())
    for path in (LOCKS[level], UV_LOCK, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return f"{level} {digest.hexdigest()}"


def read_stamp() -> str:
    """The stamp found, or '' for none or for an environment whose Python is gone."""
    if not STAMP.exists() or not PYTHON.exists():
        return ""
    return STAMP.read_text(encoding="utf-8")


def make_venv() -> None:
    """Create the environment, without pip: uv installs everything."""
    if PYTHON.exists() and works(PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        return
    if not works(sys.executable, "-c", "import venv"):
        raise SetupError("this Python has no venv module. On Debian: apt-get install python3-venv")
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)


def get_uv() -> None:
    """Put the locked uv into the environment, by the first installer that works."""
    wanted = UV_LOCK.read_text(encoding="utf-8").split("==")[1].split()[0]
    if UV.exists() and works(UV, "--version", says=wanted):
        return
    with tempfile.TemporaryDirectory(prefix="brain-setup-") as folder:
        for install in installers(Path(folder)):
            if works(*install, "--require-hashes", "-r", UV_LOCK, quiet=False) and UV.exists():
                return
    raise SetupError(
        "no way to install uv. Needed: access to a Python package index (pip's own settings are "
        "respected) and one of: uv on the PATH, Python's ensurepip (apt-get install python3-venv), "
        "or apt-get with network access.")


def installers(folder: Path) -> Iterator[list[str | Path]]:
    """Commands that install into the environment, cheapest first."""
    found = shutil.which("uv", path=os.environ.get("PATH", ""))
    if found and Path(found) != UV:
        for tls in ([], ["--native-tls"]):
            yield [found, "pip", "install", "--quiet", *tls, "--python", PYTHON]
    quiet = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--force-reinstall"]
    for wheel in bundled_pips():
        yield [PYTHON, f"{wheel}/pip", *quiet]
    if works(sys.executable, "-m", "pip", "--version"):
        yield [sys.executable, "-m", "pip", "--python", PYTHON, *quiet]
    fetched = debian_pip(folder)
    if fetched:
        yield [PYTHON, f"{fetched}/pip", *quiet]


def bundled_pips() -> Iterator[Path]:
    """pip as a wheel where Python or Debian keeps one for new environments."""
    folders = [Path("/usr/share/python-wheels")]
    found = importlib.util.find_spec("ensurepip")
    if found and found.origin:
        folders.insert(0, Path(found.origin).parent / "_bundled")
    for folder in folders:
        yield from folder.glob("pip-*.whl")


def debian_pip(folder: Path) -> Path | None:
    """pip as a wheel from Debian's archive, unpacked in ``folder``; no root needed."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    say("This Python has no pip: fetching Debian's pip wheel with apt-get, without installing it.")
    lists, cache = folder / "lists", folder / "cache"
    for path in (lists / "partial", cache / "archives" / "partial"):
        path.mkdir(parents=True)
    apt = ["apt-get", "--quiet", "--quiet"]
    own_lists = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}",
                 "-o", "APT::Sandbox::User="]
    if not works(*apt, "download", "python3-pip-whl", cwd=folder):
        works(*apt, *own_lists, "update", cwd=folder, quiet=False)
        works(*apt, *own_lists, "download", "python3-pip-whl", cwd=folder, quiet=False)
    for package in folder.glob("python3-pip-whl*.deb"):
        if works("dpkg-deb", "-x", package, folder / "root"):
            return next((folder / "root").glob("usr/share/python-wheels/pip-*.whl"), None)
    return None


def sync(level: str) -> None:
    """Make the environment hold exactly the locked packages, compiled, and the project itself."""
    lock = LOCKS[level]
    command = [UV, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes",
               "--compile-bytecode", lock, UV_LOCK]
    if not works(*command, quiet=False) and not works(*command, "--native-tls", quiet=False):
        raise SetupError(f"the packages of {lock.name} could not be installed (reason above).")
    # The build backend is uv itself, so this needs no network.
    run(UV, "pip", "install", "--quiet", "--offline", "--python", PYTHON, "--no-deps", "-e", ROOT)


def index_settings() -> dict[str, str]:
    """Package index and certificates as pip is told them, in uv's words."""
    files = ["/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf",
             os.environ.get("PIP_CONFIG_FILE", "")]
    parser = configparser.RawConfigParser()
    parser.read([os.path.expanduser(name) for name in files if name])

    def told(option: str) -> str:
        variable = "PIP_" + option.upper().replace("-", "_")
        return os.environ.get(variable) or parser.get("global", option, fallback="")

    wanted = {"UV_DEFAULT_INDEX": told("index-url"), "SSL_CERT_FILE": told("cert")}
    return {name: value for name, value in wanted.items()
            if value and name not in os.environ and "UV_INDEX_URL" not in os.environ}


ENVIRONMENT = {**os.environ, **index_settings(), "UV_NO_PROGRESS": "1", "UV_NO_CONFIG": "1",
               "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def works(*command: str | Path, says: str = "", quiet: bool = True,
          cwd: Path | None = None) -> bool:
    """Whether the command ends well and, if asked, its output holds ``says``."""
    try:
        done = subprocess.run([str(part) for part in command], cwd=cwd, env=ENVIRONMENT, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return False
    if done.returncode and not quiet:
        say((done.stderr or done.stdout).strip())
    return done.returncode == 0 and says in done.stdout


def run(*command: str | Path) -> None:
    """Run a step that must work."""
    if not works(*command, quiet=False):
        raise SetupError(f"this step failed: {' '.join(str(part) for part in command)}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
