"""Runs that are killed by SIGKILL at one point after the other, and what the next start makes of
them; one JSON line a point. Arguments: folder, actuator, how it ends, API server."""

import datetime as dt
import importlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from brain.decisions.targets import TARGETS
from brain.gateway.knobs import Knobs
from brain.optimization.actuators import (
    Actuator,
    KnobActuator,
    KubernetesActuator,
    RecommendActuator,
)
from brain.optimization.records import Run, RunBook
from brain.optimization.runner import Runner, Surroundings, Window
from brain.settings import load
from brain.sources.kubernetes_sizing import KubernetesSizer
from brain.sources.state import StateStore
from tests.services.kubernetes import TOKEN

START = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)
BEFORE, AFTER = 64, 128
LEASE_S = 30.0


class Platform:
    """Stores, actuator and runner of one process, whose clock jumps to what is due."""

    def __init__(self, folder: Path, name: str, ends: str, url: str, owner: str,
                 now: dt.datetime) -> None:
        settings = load({}, data_dir=folder, kubernetes_url=url, kubernetes_token=TOKEN,
                        kubernetes_namespace="brain-ai", kubernetes_allow_changes=True)
        self.now, self.name, self.owner = now, name, owner
        self.value = "cpu_milli" if name == "resources" else "replicas"
        self.state = StateStore(f"sqlite:///{folder / 'state.sqlite'}")
        self.book = RunBook(self.state)
        self.lever: Actuator = KnobActuator(Knobs(settings, self.state, lambda: self.now,
                                                  lambda: "test"))
        if name == "recommend":
            self.lever = RecommendActuator(self.lever)
        if name in ("kubernetes", "resources"):
            self.lever = KubernetesActuator(KubernetesSizer(settings.kubernetes), "brain-api")
        level = 500.0 if ends == "kept" else 4000.0

        def measure(*_: Any) -> Window:
            return {"generation_latency_p95_ms": samples(level)}
        self.runner = Runner(self.book, owner, Surroundings(
            lambda: self.now, lambda *_: self.lever, measure, lambda: TARGETS,
            lambda *_: None))

    def begin(self) -> None:
        assert self.book.take_lease(self.owner, self.now, LEASE_S)
        self.book.begin(Run("run", self.now, "test", "ada", "emergency_scale_up", self.name,
                            due_at_utc=self.now, body={
                                "rules": {"window_s": 60.0}, "goal": "generation_latency_p95_ms",
                                "wanted": {self.value: AFTER}, "expected": {self.value: BEFORE},
                                "before": {"generation_latency_p95_ms": samples(2000.0)}}),
                        self.owner, "planned")

    def finish(self, run: Run) -> Run:
        while not run.is_over:
            self.now = max(self.now, run.due_at_utc)
            run = self.runner.carry_on(run)
        return run

    def level(self) -> int:
        return int(self.lever.read()[self.value])


def samples(level: float) -> list[float | None]:
    rng = np.random.default_rng(int(level))
    return [float(each) for each in rng.normal(level, level / 20, 60)]


def killing(platform: Platform, at: int) -> Callable[[], int]:
    """Count the moments before and after every commit and every act; die at the chosen one."""
    count = 0

    def wrap(thing: Any, name: str) -> None:
        inner = getattr(thing, name)

        def outer(*args: Any, **more: Any) -> Any:
            pass_point()
            answer = inner(*args, **more)
            pass_point()
            return answer
        setattr(thing, name, outer)

    def pass_point() -> None:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
    for thing, name in ((platform.book, "begin"), (platform.book, "advance"),
                        (platform.lever, "apply")):
        wrap(thing, name)
    return lambda: count


def in_child(work: Callable[[], None]) -> int:
    """Status of a process of its own that does the work."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitpid(child, 0)[1]


def main(folder: str, name: str, ends: str, url: str) -> None:
    point, delivered = 0, Path(folder) / "delivered"
    delivered.mkdir()
    StateStore(f"sqlite:///{delivered / 'state.sqlite'}").close()  # migrated once, for all points
    if name == "kubernetes":  # a second of imports, once for all points
        for api in ("ApiClient", "AppsV1Api", "AutoscalingV2Api", "CoreV1Api"):
            getattr(importlib.import_module("kubernetes.client"), api)
    while True:
        point += 1
        place = Path(folder) / f"{name}-{ends}-{point}"
        place.mkdir()
        shutil.copy(delivered / "state.sqlite", place)

        def live(place: Path = place, point: int = point) -> None:
            platform = Platform(place, name, ends, url, "first", START)
            killing(platform, point)
            platform.begin()
            platform.finish(platform.book.find("run"))
        status = in_child(live)

        def wake(place: Path = place, point: int = point, status: int = status) -> None:
            late = dt.timedelta(seconds=31 if point % 2 else 3600)
            platform = Platform(place, name, ends, url, "second", START)
            run, left = platform.book.open_run(), ""
            if run is not None:
                platform.now, left = run.due_at_utc + late, run.step
                assert not platform.book.take_lease("second", START, LEASE_S)
                assert platform.book.take_lease("second", platform.now, LEASE_S)
                platform.finish(platform.runner.recover(run))
            found = platform.book.runs()
            over = found[0] if found else None
            print(json.dumps({
                "point": point, "killed": os.WIFSIGNALED(status), "left": left,
                "step": over.step if over else "none", "verdict": over.verdict if over else "",
                "rolled_back": bool(over and over.rolled_back),
                "replicas": platform.level()}), flush=True)
            if name == "kubernetes":  # the next point begins with the same cluster
                scale = platform.lever._scaler  # type: ignore[attr-defined]
                scale.set_replicas("brain-api", BEFORE, dry_run=False)
            if name == "resources":
                sizer = platform.lever._scaler  # type: ignore[attr-defined]
                sizer.set_requests("brain-api", {"cpu_milli": BEFORE}, dry_run=False)
        if in_child(wake):
            sys.exit(1)
        if not os.WIFSIGNALED(status):
            sys.exit(0 if status == 0 else 1)


if __name__ == "__main__":
    main(*sys.argv[1:5])
