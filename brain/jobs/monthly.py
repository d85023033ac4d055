"""Making the month's cost report when it is due, and delivering what waits in the outbox."""

import datetime as dt

from brain.engine import Engine
from brain.reports.monthly_files import make_due, outbox

EVERY_S = 60.0
FIRST_AFTER = dt.timedelta(minutes=1)
"""A server that has just started has a browser to serve first."""


def run(engine: Engine) -> None:
    """Make what is due; try what waits."""
    if engine.clock() - engine.opened_at_utc < FIRST_AFTER:
        return
    try:
        if not engine.is_untouched():
            make_due(engine)
    finally:
        outbox(engine).deliver_due()
