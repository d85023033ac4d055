"""Watching the platform's own series for what is unusual."""

from brain.engine import Engine

EVERY_S = 60.0


def run(engine: Engine) -> int:
    """How many anomalies are new since the last run."""
    return engine.anomaly_watch.run_once(engine.has_demo)
