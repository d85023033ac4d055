"""What a source's last values say, in a sentence, and single figures out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

NoValue = Literal["", "no_series", "no_traffic", "not_asked"]
WORDS: Mapping[NoValue, str] = {
    "no_series": "Prometheus has no such series", "no_traffic": "no traffic",
    "not_asked": "Prometheus did not answer this question"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One figure of Prometheus: its value, or why there is none."""

    value: float | None
    why: NoValue = ""


def answer(values: Mapping[str, Any], name: str) -> Answer:
    """A figure that is one number. NaN is no traffic; a series that is missing is unknown."""
    if name not in values:
        return Answer(None, "not_asked")
    samples = values[name]
    if not samples:
        return Answer(None, "no_series")
    value = samples[0].value
    return Answer(value, "" if value is not None else "no_traffic")


def rows(values: Mapping[str, Any], name: str, label: str) -> dict[str, float | None]:
    """A figure by the value of a label; None where there was no traffic."""
    return {sample.labels.get(label, ""): sample.value for sample in values.get(name, ())}


def cache_hit_pct(values: Mapping[str, Any]) -> float | None:
    """Hits per 100 look-ups since the Redis server's start; None without look-ups."""
    hits, misses = values.get("hits"), values.get("misses")
    if hits is None or misses is None or not hits + misses:
        return None
    return 100.0 * hits / (hits + misses)


def tell_redis(values: Mapping[str, Any]) -> str:
    """Version, hit ratio, memory and clients."""
    ratio = values.get("cache_hit_pct")
    hits = "no look-ups yet" if ratio is None else f"hit ratio {ratio:.1f} %"
    return (f"Version {values.get('version', 'unknown')}, {hits}, "
            f"{values.get('used_memory_bytes', 0) / 1e6:,.1f} MB used, "
            f"{values.get('connected_clients', 0):,} clients.")


def tell_prometheus(values: Mapping[str, Any]) -> str:
    """Targets, and how many of them answer."""
    targets, up = answer(values, "targets").value, answer(values, "targets_up").value
    if targets is None:
        return "It scrapes no target."
    return f"{up or 0:,.0f} of {targets:,.0f} targets are up."


def tell_postgres(values: Mapping[str, Any]) -> str:
    """Version, role and connections."""
    role = "standby" if values.get("is_standby") else "primary"
    return (f"Version {values.get('version', 'unknown')}, {role}, "
            f"{values.get('db_connections') or 0:,.0f} of "
            f"{values.get('max_connections', 0):,} connections.")


def tell_kubernetes(values: Mapping[str, Any]) -> str:
    """Pods by phase, and deployments that are not ready."""
    pods = values.get("pods")
    told = "pods not visible" if pods is None else ", ".join(
        f"{count:,} {phase.lower()}" for phase, count in pods.items() if count) or "no pods"
    waiting = [row["name"] for row in values.get("deployments", ()) if row["ready"] < row["wanted"]]
    return f"{told[0].upper()}{told[1:]}." + (
        f" Not ready: {', '.join(waiting[:5])}." if waiting else "")
