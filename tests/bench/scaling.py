"""Scaling decisions: microseconds each, and lines a second through the machine form."""

import io
import json
from argparse import Namespace
from collections.abc import Iterator

import numpy as np

from brain.cli.machine import answer_lines
from brain.cli.scaling import COMMANDS
from brain.decisions.scaling.behavior import Memory
from brain.decisions.scaling.decide import decide_replicas
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.proposals import Observation, Workload
from brain.decisions.scaling.replay import ServiceModel, replay_policy
from brain.decisions.scaling.replicas import Container, Pod, Sample
from tests.bench.measuring import Figure, Plan, repeat_ms, timed_ms

PODS = 20
METRICS = 5
RUNS = 200
MOST_US = 200.0
LINES = 2_000
STEP_S = 15.0
STEPS = 30 * 5_760
LEAST_PER_S = 1_000.0


def measure(_plan: Plan) -> Iterator[Figure]:
    """One decision of five metrics over twenty pods, reading its manifest, and streamed lines."""
    manifest = default_hpa("busy", "api")
    manifest["spec"]["metrics"] = manifest["spec"]["metrics"][:METRICS]
    policy = read_hpa(manifest)
    pods = tuple(Pod(f"pod-{number}", start_s=0.0, ready_transition_s=10.0, containers=(
        Container("api", {"cpu": 500, "memory": 2**30 * 1000}),)) for number in range(PODS))
    observed = [Observation({pod.name: Sample(level + place, 3_590.0)
                             for place, pod in enumerate(pods)})
                for level in (400, 2**29 * 1000, 90_000, 80_000, 1_500)]
    workload = Workload(10, 10, pods)

    def decide() -> None:
        decide_replicas(policy, workload, observed, Memory(()), 3_600.0)
    size = f"{METRICS} metrics, {PODS} pods"
    yield Figure("decide_replicas", size, "us", tuple(
        each * 1000 for each in repeat_ms(decide, RUNS, warm=20)), most=MOST_US)
    yield Figure("read the manifest", f"{METRICS} metrics", "us", tuple(
        each * 1000 for each in repeat_ms(lambda: read_hpa(manifest), RUNS, warm=20)))
    load = 100 + 80 * np.sin(np.arange(STEPS) * STEP_S / 86_400 * 2 * np.pi) + (
        np.random.default_rng(1).gamma(2, 10, STEPS))
    replayed = read_hpa(default_hpa("standard", "api") | {"spec": {
        **manifest["spec"], "maxReplicas": 60, "metrics": manifest["spec"]["metrics"][:1]}})
    yield Figure("replay_policy", "30 days, 15 s steps", "ms", repeat_ms(
        lambda: replay_policy(load, STEP_S, ServiceModel(10.0), replayed), 3), most=1_000.0)
    yield _stream("brain scaling decide, by count", {
        "manifest": manifest, "replicas": 10, "now_utc": 3_600.0, "desired_replicas": 12})
    yield _stream(f"brain scaling decide, {size}", {
        "manifest": manifest, "replicas": 10, "now_utc": 3_600.0,
        "pods": [_pod_object(pod) for pod in pods],
        "observations": [{"items": [_sample_object(name, place, sample)
                                    for name, sample in (each.sampled or {}).items()]}
                         for place, each in enumerate(observed)]}, least=None)


def _stream(name: str, line: dict[str, object], least: float | None = LEAST_PER_S) -> Figure:
    form = COMMANDS[0].form
    assert form is not None
    decide = form.prepare(Namespace())
    text = (json.dumps(line) + "\n").encode() * LINES

    def run() -> None:
        answer_lines(form, decide, io.BytesIO(text), io.BytesIO())
    rates = tuple(LINES / timed_ms(run) * 1000 for _ in range(3))
    return Figure(name, f"{LINES:,} lines", "lines/s", rates, least=least)


def _pod_object(pod: Pod) -> dict[str, object]:
    return {"metadata": {"name": pod.name}, "spec": {"containers": [{
        "name": "api", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]},
        "status": {"phase": "Running", "startTime": 0, "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": 10}]}}


def _sample_object(name: str, place: int, sample: Sample) -> dict[str, object]:
    if place < 2:
        return {"metadata": {"name": name}, "timestamp": sample.at_s, "window": "1m", "containers":
                [{"name": "api", "usage": {("cpu", "memory")[place]: f"{sample.milli}m"}}]}
    return {"describedObject": {"name": name}, "value": f"{sample.milli}m"}
