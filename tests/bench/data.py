"""Stores of a million and more requests over 30 days, in the shape of the demonstration."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from brain import settings as knobs
from brain.demo import world
from brain.engine import Engine
from brain.sources import frames

NOW = dt.datetime(2026, 11, 20, 14, 25, tzinfo=dt.UTC)
DAYS = 30
START = NOW - dt.timedelta(days=DAYS)
CHUNK_ROWS = 1_000_000
VERSION = 1  # of what is generated; another number makes old stores useless
ROOT = Path(os.environ.get("BENCH_DIR") or Path(__file__).parents[2] / "var" / "bench")

# The n-th of `total` rows; x is its day since the start. Days have a quiet half: the density of
# x - 0.08 sin(2 pi x) lies between 0.67 and 2 times the mean. u(k) is uniform and fixed by n and k.
_REQUESTS = """
with drawn as (
    select n, (n + 0.5) / $total * $days as x,
           hash(n * 16 + 1) / 18446744073709551616.0 as u1,
           hash(n * 16 + 2) / 18446744073709551616.0 as u2,
           hash(n * 16 + 3) / 18446744073709551616.0 as u3,
           hash(n * 16 + 4) / 18446744073709551616.0 as u4,
           hash(n * 16 + 5) / 18446744073709551616.0 as u5,
           hash(n * 16 + 6) / 18446744073709551616.0 as u6,
           hash(n * 16 + 7) / 18446744073709551616.0 as u7
    from (select range as n from range($first, $last))
), placed as (
    select *,
           $workspace_of[1 + floor(u1 * 1000)::integer] as w,
           $agent_of[1 + floor(u2 * 1000)::integer] as a,
           $model_of[1 + floor(u3 * 1000)::integer] as m,
           sqrt(-2 * ln(u4 + 1e-18)) * cos(2 * pi() * u5) as z1,
           sqrt(-2 * ln(u4 + 1e-18)) * sin(2 * pi() * u5) as z2,
           (0.02 * (pow(51, u6) - 1) * $users)::bigint as rank
    from drawn
)
select $prefix || n as event_id,
       $start + to_microseconds(
           ((x - $wave * sin(2 * pi() * x)) * 86400e6)::bigint) as at_utc,
       $workspaces[w] as workspace_id,
       $workspaces[w] || '-u' || rank as user_id,
       's' || (n // 9) as session_id,
       'bench' as source, $agents[a] as agent_id, $providers[m] as provider,
       $models[m] as model, '/v1/ask' as endpoint, 'chat' as feature, 'key-' || w as api_key_id,
       $regions[1 + (rank % 5)] as region,
       case when u7 < 0.68 then 'desktop' when u7 < 0.94 then 'mobile' else 'tablet' end as device,
       '' as variant, case when hash(n * 16 + 8) % 200 = 0 then 'error' else 'ok' end as status,
       '' as error_code, exp(6.2 + 0.55 * z1) as latency_ms, exp(5.5 + 0.4 * z1) as ttft_ms,
       least(exp(6.7 + 1.0 * z2), 14050)::bigint as input_tokens,
       case when u7 < 0.39 then 400 else 0 end::bigint as cache_read_tokens,
       0::bigint as cache_write_tokens,
       least(exp(4.7 + 0.8 * z1), 1899)::bigint as output_tokens, 0::bigint as reasoning_tokens,
       hash(n * 16 + 9) % 100 < 24 as cached, 'topic-' || (rank % 9) as query_topic,
       'q' || (rank % 400) as query_hash, null::varchar as query_text
from placed
"""
_VIEWS = """
select event_id || 'v' as event_id, at_utc, workspace_id, user_id, session_id, source,
       ['/chat', '/documents', '/search', '/dashboard', '/reports', '/agents', '/settings']
           [1 + output_tokens % 7] as page, '' as referrer, region, device,
       latency_ms * 20 as duration_ms
from fresh where hash(event_id) % 5 = 0
"""


def requests(total: int, first: int, last: int, *, prefix: str = "b",
             start: dt.datetime = START, days: float = DAYS) -> pa.Table:
    """Requests ``first`` to ``last`` (half-open) of ``total`` spread over ``days``, by time."""
    values = {
        "total": total, "first": first, "last": last, "prefix": prefix, "days": days,
        "start": start.replace(tzinfo=None), "users": max(50, total // 800),
        "wave": 0.0 if days < 1 else 0.08, "workspaces": list(world.WORKSPACE_IDS),
        "workspace_of": _thousand([each.share_ratio for each in world.WORKSPACES]),
        "agents": [each.agent_id for each in world.AGENTS],
        "agent_of": _thousand([each.share_ratio for each in world.AGENTS]),
        "models": [each.model for each in world.MODELS],
        "providers": [each.provider for each in world.MODELS],
        "model_of": _thousand([each.share_ratio or 0.006 for each in world.MODELS]),
        "regions": list(world.REGIONS)}
    with duckdb.connect() as connection:
        return frames.conform("requests", connection.execute(_REQUESTS, values)
                              .to_arrow_reader(CHUNK_ROWS).read_all())


def page_views(fresh: pa.Table) -> pa.Table:
    """A page view for every fifth request."""
    with duckdb.connect() as connection:
        connection.register("fresh", fresh)
        return frames.conform("page_views", connection.execute(_VIEWS)
                              .to_arrow_reader().read_all())


def chunks(total: int) -> Iterator[dict[str, pa.Table]]:
    """Everything a store of ``total`` requests holds, by time."""
    for first in range(0, total, CHUNK_ROWS):
        fresh = requests(total, first, min(first + CHUNK_ROWS, total))
        yield {"requests": fresh, "page_views": page_views(fresh)}


def folder(total: int) -> Path:
    """Where the store of ``total`` requests lies; made if it is not there."""
    path = ROOT / f"{total}-v{VERSION}"
    if not (path / "complete").exists():
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        print(f"  (writing {total:,} requests once into {path})", flush=True)
        engine = open_engine(path)
        for tables in chunks(total):
            engine.append_tables(tables)
        engine.settle()
        engine.close()
        (path / "complete").touch()
    return path


def open_engine(path: Path) -> Engine:
    """The engine over a folder, whose present moment is ``NOW``."""
    return Engine.open(knobs.load({}, data_dir=path), clock=lambda: NOW)


def _thousand(shares: list[float]) -> list[int]:
    """Numbers from 1, each as often among a thousand as its share says."""
    return [int(each) + 1 for each in np.searchsorted(
        world.cumulate(tuple(shares)), (np.arange(1000) + 0.5) / 1000)]
