"""Writing the daily check and the latency report once a day."""

import datetime as dt

from brain.engine import Engine
from brain.reports.files import write_due

EVERY_S = 60.0
FIRST_AFTER = dt.timedelta(minutes=1)
"""A server that has just started has a browser to serve first."""


def run(engine: Engine) -> int:
    """How many reports were due and have been written; none while nothing was ever recorded."""
    if engine.clock() - engine.opened_at_utc < FIRST_AFTER or engine.is_untouched():
        return 0
    return write_due(engine)
