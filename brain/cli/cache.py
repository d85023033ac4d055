"""``brain cache replay``: which eviction policy would have hit how often on a trace."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show

_MOST_KEYS = 20_000_000


def replay(arguments: Namespace) -> None:
    """Print each policy's hit ratio on the trace."""
    from analytics.caching.policies import POLICIES
    if arguments.size < 1:
        raise CommandError("--size must be at least 1 entry", "out_of_range", "size")
    numbers: dict[str, int] = {}
    trace = [numbers.setdefault(key, len(numbers)) for key in _read(Path(arguments.trace))]
    if not trace:
        raise CommandError(f"{arguments.trace} names no key", "empty", "trace")
    ratios = {name: count(trace, arguments.size) / len(trace) for name, count in POLICIES}
    told = {"requests": len(trace), "keys": len(numbers), "size": arguments.size,
            "hit_ratio": ratios}
    if arguments.json:
        show(told, True)
        return
    show(f"{len(trace):,} requests of {len(numbers):,} keys, cache of {arguments.size:,} entries",
         False)
    show([{"policy": name, "hit ratio": f"{ratio:.4f}",
           "of the optimum": f"{ratio / ratios['optimum']:.1%}" if ratios["optimum"] else ""}
          for name, ratio in ratios.items()], False)


def _read(path: Path) -> Iterator[str]:
    """Keys in order: each hash of ``hash_ids``, a ``key``, or a whole plain line."""
    read = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text:
                continue
            try:
                keys = _keys(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise CommandError(f"line {number:,} cannot be read: {error}", "invalid_line",
                                   "trace") from error
            read += len(keys)
            if read > _MOST_KEYS:
                raise CommandError(f"a trace may name {_MOST_KEYS:,} keys", "too_large", "trace")
            yield from keys


def _keys(line: bytes) -> list[str]:
    if not line.startswith(b"{"):
        return [line.decode()]
    row = msgspec.json.decode(line)
    if isinstance(found := row.get("hash_ids"), list):
        return [str(each) for each in found]
    if "key" not in row:
        raise msgspec.DecodeError("it has neither hash_ids nor key")
    return [str(row["key"])]


COMMANDS: tuple[Command, ...] = (
    Command("cache", "replay", "Hit ratio of LRU, LFU, S3-FIFO, W-TinyLFU and the optimum.", (
        Option("--trace", "JSON lines with hash_ids (Mooncake) or key, or a key a line.",
               required=True, metavar="FILE"),
        Option("--size", "Entries that the cache holds.", kind=int, required=True)), run=replay),
)
