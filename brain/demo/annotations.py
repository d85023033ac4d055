"""The marks that charts of the demonstration carry."""

import datetime as dt
import zlib
from typing import Any

from brain.demo import world
from brain.demo.effects import OUTAGE_PROVIDER, SPIKE_WORKSPACE, effects_of
from brain.demo.plan import DemoPlan, from_us, to_us
from brain.demo.platform import list_deploys


def list_annotations(plan: DemoPlan, start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
    """Rows for the table ``annotations`` that begin in [start, end), by time; aware UTC times."""
    true = effects_of(plan)
    spike = world.WORKSPACES[SPIKE_WORKSPACE]
    found: list[tuple[int, int | None, str, str, str]] = [
        (true.outage.start_us, true.outage.end_us, "incident", "",
         f"Provider {OUTAGE_PROVIDER} unavailable"),
        (true.cache_fault.start_us, true.cache_fault.end_us, "incident", "",
         "Answer cache misconfigured"),
        (true.cost_spike.start_us, true.cost_spike.end_us, "incident", spike.workspace_id,
         f"{spike.name} sent whole documents as prompts"),
    ]
    found += [(o.at_us, None, "optimization", "", o.title) for o in true.optimizations]
    found += [(e.at_us, None, "experiment", "", f"Experiment {e.key} started")
              for e in true.experiments]
    found += [(d.at_us, None, "deploy", "", f"{d.component} {d.version}: {d.note}")
              for d in list_deploys(to_us(start), to_us(end)) if d.at_us >= plan.start_us]
    return [{"annotation_id": _name(plan, at_us, text),
             "at_utc": from_us(at_us), "end_utc": None if end_us is None else from_us(end_us),
             "kind": kind, "workspace_id": workspace_id, "text": text, "is_demo": True}
            for at_us, end_us, kind, workspace_id, text in sorted(found, key=lambda row: row[0])
            if start <= from_us(at_us) < end]


def _name(plan: DemoPlan, at_us: int, text: str) -> str:
    return f"demo-{plan.key}-{at_us // world.SECOND_US}-{zlib.crc32(text.encode()):08x}"
