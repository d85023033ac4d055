"""What the scaling policies ask for now and would have done, beside what the cluster did."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory
from brain.decisions.scaling.replay import Load as Trace
from brain.decisions.scaling.schedules import ScheduledBound
from brain.scaling.book import ScalingBook
from brain.scaling.plans import CapPlan, ScalingPlan
from brain.scaling.present import (
    Load,
    Present,
    decide_now,
    memory_from_json,
    memory_to_json,
    start_count,
)
from brain.sources.frames import plain_times
from brain.sources.kubernetes_sizing import KubernetesSizer

if TYPE_CHECKING:
    from brain.engine import Engine

LOAD_S = 60
LATENCY_S = 600
FORGET = dt.timedelta(minutes=10)
"""A controller that was away longer starts anew, as one that was restarted does."""
MINUTE = dt.timedelta(minutes=1)
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class ScalingDesk:
    """Reads load and cluster, decides by the stored policies, and logs what they decide."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._state = engine.state
        self.book = ScalingBook(engine.state)
        self.scaler = KubernetesSizer(engine.settings.kubernetes)

    def plans(self) -> dict[str, ScalingPlan]:
        """Every policy by name."""
        return self.book.items("policy")

    def schedules(self) -> dict[str, ScheduledBound]:
        """Every scheduled bound by name."""
        return self.book.items("schedule")

    def caps(self) -> dict[str, CapPlan]:
        """Every cost cap by name."""
        return self.book.items("cap")

    def load(self) -> Load:
        """Requests per second over the last minute, and p95 over the last ten."""
        now = self._engine.clock()
        start = now - dt.timedelta(seconds=LOAD_S)
        rows = self._engine.query("scaling/load", start=start, minute_start=now, minute_end=now,
                                  end=now, width_s=LOAD_S)
        since = now - dt.timedelta(seconds=LATENCY_S)
        everyone: dict[str, Any] = {name: [] for name in (
            "workspaces", "models", "agents", "regions", "devices")}
        latency = self._engine.query("usage/latency", start=since, hour_start=now, day_start=now,
                                     day_end=now, hour_end=now, end=now, **everyone)
        p95 = None if latency.empty else latency.iloc[0]["p95_ms"]
        return Load(float(rows["requests"].sum()) / LOAD_S,
                    None if p95 is None or p95 != p95 else float(p95))

    def trace(self, start: dt.datetime, end: dt.datetime, width_s: int, step_s: int,
              factor: float = 1.0) -> Trace:
        """Requests per second in steps of ``step_s``, each ``width_s`` by its mean, times a factor.

        A request that is not recorded is not known: buckets without any are 0.
        """
        first = start - (start - _EPOCH) % dt.timedelta(seconds=width_s)
        edge = start + (_EPOCH - start) % MINUTE
        last = max(edge, end - (end - _EPOCH) % MINUTE)
        if edge > end:
            edge = last = end
        rows = self._engine.query("scaling/load", start=start, minute_start=edge, minute_end=last,
                                  end=end, width_s=width_s)
        count = max(1, -(-int((end - first).total_seconds()) // width_s))
        found = np.zeros(count)
        places = ((rows["bucket_start_utc"] - first) / dt.timedelta(seconds=width_s)).astype(int)
        found[places.to_numpy()] = rows["requests"].to_numpy(dtype=float)
        return np.repeat(found / width_s * factor, width_s // step_s)

    def cluster_replicas(self, workload: str) -> int | None:
        """Replicas that the cluster's deployment wants; None where it is not known."""
        if not self.scaler.is_configured:
            return None
        for source in self._engine.sources(0.0):
            if source.name == "Kubernetes" and source.status == "ok":
                for row in source.values.get("deployments", ()):
                    if row["name"] == workload:
                        return int(row["wanted"])
        return None

    def present(self, key: str) -> Present:
        """What a policy would do now. Raises LookupError for an unknown policy, InputError where
        nothing here measures its metrics."""
        plan = self.plans().get(key)
        if plan is None:
            raise LookupError(f"there is no policy {key!r:.80}")
        return self._decide(key, plan, self.load(), self._last(key))

    def log_once(self) -> int:
        """How many policies' decisions were logged; old ones are removed."""
        if self._engine.is_untouched():
            return 0
        now = self._engine.clock()
        load, logged = self.load(), 0
        for key, plan in self.plans().items():
            if not plan.is_shadowed:
                continue
            last = self._last(key)
            try:
                found = self._decide(key, plan, load, last)
            except InputError:  # the page says which policy cannot be decided here
                continue
            self._log(key, found)
            if last and found.cluster_replicas is not None and last["cluster_replicas"] not in (
                    None, found.cluster_replicas):
                self._engine.annotate(now, "scaling", f"{plan.workload}: the cluster went from "
                                      f"{last['cluster_replicas']} to {found.cluster_replicas} "
                                      "replicas")
            logged += 1
        self._forget(now - dt.timedelta(days=self._engine.settings.scaling.keep_days))
        return logged

    def decisions(self, key: str, start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
        """The log of a policy in [start, end), oldest first: at_utc, load_rps, replicas (decided),
        cluster_replicas, wanted, reasons."""
        columns = self._state.tables["scaling_decisions"].c
        rows = self._state.rows("scaling_decisions", columns.policy == key,
                                columns.at_utc >= start.replace(tzinfo=None),
                                columns.at_utc < end.replace(tzinfo=None), order="at_utc")
        return [{**row, "reasons": json.loads(row["reasons_json"])} for row in rows]

    def _decide(self, key: str, plan: ScalingPlan, load: Load,
                last: Mapping[str, Any] | None) -> Present:
        now = self._engine.clock()
        cluster = self.cluster_replicas(plan.workload)
        before = cluster
        if before is None:
            before = int(last["replicas"]) if last else start_count(plan, load)
        caps = [each.cap_usd for each in self.caps().values()
                if each.environment == plan.environment]
        return decide_now(plan, before, load, self._memory(key, now), now,
                          tuple(self.schedules().values()), min(caps, default=None), cluster)

    def _last(self, key: str) -> dict[str, Any] | None:
        this = self._state.tables["scaling_decisions"]
        newest = sa.select(sa.func.max(this.c.at_utc)).where(
            this.c.policy == key).scalar_subquery()
        rows = self._state.rows("scaling_decisions", this.c.policy == key, this.c.at_utc == newest)
        return rows[-1] if rows else None

    def _memory(self, key: str, now: dt.datetime) -> Memory:
        column = self._state.tables["scaling_memory"].c.policy
        rows = self._state.rows("scaling_memory", column == key)
        if not rows or now - rows[0]["at_utc"] > FORGET:
            return Memory()
        return memory_from_json(json.loads(rows[0]["memory_json"]))

    def _log(self, key: str, found: Present) -> None:
        memory = json.dumps(memory_to_json(found.decision.memory))
        with self._state.begin() as connection:
            kept, log = self._state.tables["scaling_memory"], self._state.tables[
                "scaling_decisions"]
            connection.execute(sa.delete(kept).where(kept.c.policy == key))
            connection.execute(sa.insert(kept), [plain_times({
                "policy": key, "memory_json": memory, "at_utc": found.at_utc})])
            connection.execute(sa.insert(log), [plain_times({
                "decision_id": uuid.uuid4().hex, "policy": key, "at_utc": found.at_utc,
                "load_rps": found.load.rps, "replicas": found.decided,
                "cluster_replicas": found.cluster_replicas, "wanted": found.wanted,
                "reasons_json": json.dumps([[each.code, each.text[:500]]
                                            for each in found.reasons])})])

    def _forget(self, before: dt.datetime) -> None:
        this = self._state.tables["scaling_decisions"]
        with self._state.begin() as connection:
            connection.execute(sa.delete(this).where(
                this.c.at_utc < before.replace(tzinfo=None)))
