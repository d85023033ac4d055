"""Removing deleted documents for good, and how often vectors that lack are made."""

from brain.engine import Engine

EVERY_S = 3_600.0
VECTORS_EVERY_S = 60.0


def run(engine: Engine) -> int:
    """How many documents are gone."""
    return engine.knowledge.purge(engine.settings.knowledge.purge_after_days)
