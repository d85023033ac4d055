"""Looks at every budget, and at the running hour for a cost spike."""

from brain.engine import Engine

EVERY_S = 300.0


def run(engine: Engine) -> None:
    """Tell each crossing once, and let the kill switch see the hour."""
    engine.budgets.check()
    engine.budgets.check_spike()
