"""Moves the shares of routes by what they were worth, and stops those that do harm."""

from brain.engine import Engine

EVERY_S = 60.0


def run(engine: Engine) -> None:
    """Look at every allocation that is on or in a dry run."""
    engine.allocation.update()
