"""How a figure is taken: repeated runs, the peak of memory meanwhile, and what it must be."""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. ``values`` are in ``unit``; ``peer`` did the same another way.

    ``most`` bounds the p95 from above, ``least`` the median from below; ``failed`` says that
    something else was not as it must be, which ``note`` then tells.
    """

    case: str
    size: str
    unit: str
    values: tuple[float, ...]
    peer: str = ""
    peer_value: float | None = None
    most: float | None = None
    least: float | None = None
    peak_bytes: int | None = None
    note: str = ""
    failed: bool = False

    @property
    def median(self) -> float:
        """The middle value."""
        return quantile(self.values, 0.5)

    @property
    def p95(self) -> float:
        """The value that 95 of 100 stay under."""
        return quantile(self.values, 0.95)

    @property
    def times_better(self) -> float | None:
        """How many times better than the peer; rates are better when higher."""
        if not self.peer_value or not self.median:
            return None
        rate = self.unit.endswith("/s")
        return self.median / self.peer_value if rate else self.peer_value / self.median

    @property
    def verdict(self) -> str:
        """'ok', 'MISSED', or nothing where nothing is asked for."""
        if self.most is None and self.least is None and not self.failed:
            return ""
        missed = (self.failed or (self.most is not None and self.p95 > self.most)
                  or (self.least is not None and self.median < self.least))
        return "MISSED" if missed else "ok"

    def as_json(self) -> dict[str, Any]:
        """Everything of it, for machines."""
        return asdict(self) | {"median": self.median, "p95": self.p95,
                               "times_better": self.times_better, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: store sizes, smallest first."""

    sizes: tuple[int, ...]


def quantile(values: Iterable[float], share: float) -> float:
    """The value at or under which ``share`` of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def timed_ms(work: Callable[[], object]) -> float:
    """Milliseconds that one run takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def repeat_ms(work: Callable[[], object], times: int, *, warm: int = 1) -> tuple[float, ...]:
    """Milliseconds of each of ``times`` runs, after ``warm`` that do not count."""
    for _ in range(warm):
        work()
    gc.collect()
    return tuple(timed_ms(work) for _ in range(times))


def forget_peak() -> None:
    """Begin to watch this process's memory anew."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # the peak since the start of the program is told then


def peak_bytes() -> int | None:
    """Most memory this process held since ``forget_peak``."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def show(figures: Sequence[Figure]) -> str:
    """The figures as one aligned table."""
    titles = ("case", "size", "median", "p95", "unit", "beside", "its median", "x better",
              "peak MB", "must", "verdict")
    rows = [titles, *(_cells(each) for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    numbers = {2, 3, 6, 7, 8}
    lines = ["  ".join(cell.rjust(width) if column in numbers else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
             .rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"* {each.case} ({each.size}): {each.note}" for each in figures if each.note]
    return "\n".join([*lines, *notes])


def _cells(figure: Figure) -> tuple[str, ...]:
    better, peak = figure.times_better, figure.peak_bytes
    must = (f"<= {_short(figure.most)}" if figure.most is not None
            else f">= {_short(figure.least)}" if figure.least is not None else "")
    return (figure.case + (" *" if figure.note else ""), figure.size, _short(figure.median),
            _short(figure.p95), figure.unit, figure.peer, _short(figure.peer_value),
            "" if better is None else f"{better:,.1f}",
            "" if peak is None else f"{peak / 1e6:,.0f}", must, figure.verdict)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 \
        else f"{value:,.2f}"
