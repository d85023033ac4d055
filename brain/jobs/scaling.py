"""Logging what the scaling policies would do, beside what the cluster does."""

from brain.engine import Engine


def run(engine: Engine) -> int:
    """How many policies' decisions were logged."""
    return engine.scaling.log_once()
