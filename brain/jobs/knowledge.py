"""Removing for good the documents that were deleted long enough ago."""

from brain.engine import Engine

EVERY_S = 3_600.0


def run(engine: Engine) -> int:
    """How many documents are gone."""
    return engine.knowledge.purge(engine.settings.knowledge.purge_after_days)
