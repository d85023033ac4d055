"""A journal of what has to be written down: on file before its writer goes on, settled later."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path


class Journal:
    """Lines in numbered files of a folder.

    ``write`` returns when the line has left this process, so that killing it loses nothing;
    `settle` then moves lines to their lasting place and takes the file away. Lines that a
    former process left are given to the first `settle`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock, self._settling = threading.Lock(), threading.Lock()
        self._left = sorted(folder.glob("*.jsonl"))
        self._number = max((int(each.stem) for each in self._left), default=0)
        self._file: int | None = None
        self._path = folder
        self._lines: list[bytes] = []
        self._pending: list[tuple[Path, list[bytes]]] = []

    def write(self, line: bytes) -> int:
        """How many lines wait, this one included, which is on file now.

        Raises OSError where it could not be written; then nothing of it counts.
        """
        with self._lock:
            if self._file is None:
                self._number += 1
                self._path = self._folder / f"{self._number:012d}.jsonl"
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND,
                                     0o600)
            packed = line + b"\n"
            done = os.write(self._file, packed)
            if done != len(packed):  # a full disk: what is half there is no line
                os.ftruncate(self._file, os.fstat(self._file).st_size - done)
                raise OSError("the journal could not be written whole")
            self._lines.append(line)
            return len(self._lines) + sum(len(lines) for _, lines in self._pending)

    def waiting(self) -> int:
        """How many lines are not settled yet."""
        with self._lock:
            return len(self._lines) + sum(len(lines) for _, lines in self._pending)

    def settle(self, keep: Callable[[Sequence[bytes]], object]) -> int:
        """How many lines ``keep`` took to their lasting place.

        Where it raises, every line stays for the next time; it must take a line again for the
        same as once.
        """
        with self._settling:
            self._turn_page()
            done = 0
            while self._pending:
                path, lines = self._pending[0]
                if lines:
                    keep(lines)
                path.unlink(missing_ok=True)
                with self._lock:
                    self._pending.pop(0)
                done += len(lines)
            return done

    def _turn_page(self) -> None:
        for path in self._left:
            whole = [line for line in path.read_bytes().split(b"\n")[:-1] if line]
            with self._lock:
                self._pending.append((path, whole))
        self._left = []
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._pending.append((self._path, self._lines))
                self._file, self._lines = None, []

    def close(self) -> None:
        """Give the file free; lines that wait stay on it."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
