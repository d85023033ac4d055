"""What a call claims of budgets before it runs, and what became of the claim."""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

NANO_PER_USD = 10**9
EXPIRED_KEPT = dt.timedelta(days=2)
"""How long an expired reservation and a past window are known to those who come late."""


class LedgerUnavailable(RuntimeError):
    """The reservations cannot be reached; a hard budget then lets nothing pass."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One hard budget in one of its windows, and the amount that may be spent in it."""

    budget_id: str
    window_start_utc: dt.datetime
    window_end_utc: dt.datetime
    cap_usd: Decimal


@dataclass(frozen=True, slots=True)
class Counted:
    """What a budget's window has spent and holds for calls under way, in USD."""

    spent_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Refused:
    """The first budget that the amount does not fit in, with what stood against it."""

    budget_id: str
    counted: Counted


@dataclass(frozen=True, slots=True)
class Settled:
    """How a settlement went.

    ``was_known`` is False for a reservation that never was, was settled or released: nothing
    is booked then. ``was_late`` says that it had expired; ``over_usd`` is by how much the cost
    passed what had been reserved. The cost is booked in both cases, for it was spent.
    """

    was_known: bool
    was_late: bool = False
    over_usd: Decimal = Decimal(0)


def to_nano(amount_usd: Decimal) -> int:
    """Whole nano-USD, rounded up, so that nothing is counted short.

    Raises ValueError for an amount that is negative, infinite or above a billion USD.
    """
    if not amount_usd.is_finite() or not 0 <= amount_usd <= NANO_PER_USD:
        raise ValueError(f"{amount_usd} USD cannot be reserved or booked")
    return int((amount_usd * NANO_PER_USD).to_integral_value(ROUND_CEILING))


def from_nano(amount_nano_usd: int) -> Decimal:
    """USD of whole nano-USD, exact."""
    return Decimal(amount_nano_usd).scaleb(-9)
