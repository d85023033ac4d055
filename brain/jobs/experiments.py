"""Ramping, halting, stopping and reallocating running experiments."""

from brain.engine import Engine

EVERY_S = 300.0


def run(engine: Engine) -> int:
    """How many running experiments something was done to."""
    return engine.experiments.run_once()
