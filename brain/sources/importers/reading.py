"""From blocks of raw columns to judged rows: what every tabular format shares."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from brain.events import Rejection
from brain.sources.importers.judging import Judge, Judged
from brain.sources.importers.mapping import Chosen
from brain.sources.importers.opening import Ready
from brain.sources.importers.plan import ImportPlan, ImportRefused
from brain.sources.importers.texts import TextReader

if TYPE_CHECKING:
    from brain.sources.importers.whole_file import WholeFile

ROWS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows: columns named as fields, the line of each, and lines that are no rows at all."""

    raw: pa.Table
    lines: np.ndarray
    rejected: tuple[Rejection, ...] = ()


@dataclass(slots=True)
class Opened:
    """A file being read. ``notes`` grows until ``judged`` is through.

    Rows of ``whole`` need no judge: they are not among those that ``judged`` gives.
    """

    judged: Iterator[Judged]
    rows_total: int | None
    ignored: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    default_workspace: str = "default"
    whole: "WholeFile | None" = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format needs to read a file. ``latest`` is the last moment not in the future."""

    ready: Ready
    plan: ImportPlan
    reader: TextReader
    latest: dt.datetime


@dataclass(frozen=True, slots=True)
class Format:
    """One way to read a file. ``open`` raises ImportRefused where the file is not of it."""

    name: str
    sentence: str
    open: Callable[[Reading], Opened]


def judge_blocks(reading: Reading, chosen: Chosen, blocks: Iterator[Block],
                 rows_total: int | None, required: tuple[str, ...] = ()) -> Opened:
    """A file of one kind of event, judged block by block."""
    notes = list(chosen.notes)
    judge = Judge(reading.plan.kind, reading.reader, reading.latest, required)
    return Opened(_judge(judge, chosen, blocks, notes), rows_total, chosen.ignored, notes)


def _judge(judge: Judge, chosen: Chosen, blocks: Iterator[Block],
           notes: list[str]) -> Iterator[Judged]:
    for block in blocks:
        try:
            judged = judge.judge(block.raw, block.lines, includes_cached=chosen.includes_cached,
                                 scales=chosen.scales)
        except pa.ArrowException as error:
            raise ImportRefused("unusable_column", "a column cannot be read as what it is mapped "
                                f"to: {first_line(error)}", "file") from error
        judged.read += len(block.rejected)
        judged.rejected = sorted([*judged.rejected, *block.rejected], key=lambda row: row.line)
        yield judged
    if numbers := judge.units - {"iso"}:
        notes.append(f"times without a date are read as {', '.join(sorted(numbers))} since 1970, "
                     "by their size")
    notes.extend(f"{count:,} empty {name} were read as 0" for name, count
                 in judge.emptied.items())


def first_line(error: BaseException) -> str:
    """The first line of an error's text, not too long."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
