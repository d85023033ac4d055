"""Measuring models: the figures that choices go by, and once a day a router learned anew."""

from brain.engine import Engine

EVERY_S = 1_800.0


def run(engine: Engine) -> int:
    """How many models were measured; a router is trained too where the last try is a day old."""
    measured = engine.models.measure()
    engine.models.learn_daily()
    return measured
