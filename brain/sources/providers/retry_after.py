"""How long a provider asks to wait, by the header that it sends."""

import datetime as dt
import math
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_PAUSE_S = 86_400.0


def read_retry_after(told: Any, now: dt.datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait, 0 for a moment that has passed.

    It is a number of seconds or an HTTP date in any of its three forms. None for anything else
    and for more than a day. Source: RFC 9110, 10.2.3 and 5.6.7.
    """
    try:
        wait_s = float(told)
    except (TypeError, ValueError):
        try:
            moment = parsedate_to_datetime(str(told).strip())
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        wait_s = max((moment - now).total_seconds(), 0.0)
    return wait_s if math.isfinite(wait_s) and 0 <= wait_s <= LONGEST_PAUSE_S else None
