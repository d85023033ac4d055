"""Arrow tables in the exact columns of each event kind."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from brain import events
from brain.demo.world import Ints

MOMENT = pa.timestamp("us")
FLOATS = frozenset({"latency_ms", "ttft_ms", "duration_ms", "value"})
COUNTS = frozenset({"input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
                    "reasoning_tokens", "stars"})


def column_type(name: str) -> pa.DataType:
    """Arrow type of an event field: times are UTC without a zone, as in the event store."""
    if name == "at_utc":
        return MOMENT
    if name in FLOATS:
        return pa.float64()
    if name in COUNTS:
        return pa.int64()
    return pa.bool_() if name == "cached" else pa.string()


def schema(kind: str) -> pa.Schema:
    """Arrow schema of a kind, fields in table order."""
    return pa.schema([(name, column_type(name)) for name in events.columns(kind)])


def name_of(choices: Sequence[str | None], index: npt.NDArray[np.integer]) -> pa.Array:
    """``choices[index]`` as Arrow strings."""
    return pa.array(choices, pa.string()).take(pa.array(index))


def join(*parts: str | npt.NDArray[np.integer] | pa.Array) -> pa.Array:
    """The parts written one after the other, numbers as decimals."""
    texts = [pa.scalar(part) if isinstance(part, str)
             else pc.cast(pa.array(part), pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar(""))


def build(kind: str, at_us: Ints, key: str, day: int,
          values: dict[str, pa.Array | npt.NDArray[np.generic]]) -> pa.Table:
    """The rows of a day in the order given; fields not given are ''.

    The n-th row has the event_id ``demo-<key>-<kind>-<day>-<n>``.
    """
    count = len(at_us)
    filled: dict[str, pa.Array | npt.NDArray[np.generic]] = {
        "event_id": event_ids(kind, key, day, np.arange(count)),
        "at_utc": pa.array(at_us).cast(MOMENT), "source": pa.repeat("demo", count), **values}
    arrays = []
    for field in schema(kind):
        given = filled.get(field.name)
        if given is None:
            arrays.append(pa.repeat("", count).cast(field.type))
        else:
            arrays.append(given if isinstance(given, pa.Array) else pa.array(given, field.type))
    return pa.Table.from_arrays(arrays, schema=schema(kind))


def event_ids(kind: str, key: str, day: int, number: Ints) -> pa.Array:
    """Ids of the rows with these numbers in a kind's day."""
    return join(f"demo-{key}-{kind}-{day}-", number)


def cut(table: pa.Table, start_us: int, end_us: int) -> pa.Table:
    """The rows with ``at_utc`` in [start, end)."""
    at = table["at_utc"].cast(pa.int64()).to_numpy()
    keep = (at >= start_us) & (at < end_us)
    return table if keep.all() else table.filter(pa.array(keep))
