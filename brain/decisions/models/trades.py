"""What taking another model would change, in words."""

from brain.decisions.models.estimates import Expected


def describe_trade(other: Expected, chosen: Expected) -> str:
    """Such as "38 % cheaper, 1.3 s slower, 4 points lower"; what is unknown is left out."""
    parts = [part for part in (_cost(other, chosen), _latency(other, chosen),
                               _quality(other, chosen)) if part]
    return ", ".join(parts) or "no difference that is known"


def cost_change_pct(other: Expected, chosen: Expected) -> float | None:
    """How much more the other costs, in percent of the chosen; None if that is unknown."""
    if other.cost_pico is None or not chosen.cost_pico:
        return 0.0 if other.cost_pico == chosen.cost_pico == 0 else None
    return 100 * (other.cost_pico - chosen.cost_pico) / chosen.cost_pico


def _cost(other: Expected, chosen: Expected) -> str:
    if chosen.cost_pico == 0 and other.cost_pico:
        return "not free"
    change = cost_change_pct(other, chosen)
    if change is None or abs(change) < 0.5:
        return "" if change is None else "same cost"
    if change <= 0:
        return "free" if change == -100 else f"{-change:.0f} % cheaper"
    return f"{change:.0f} % dearer" if change < 200 else f"{1 + change / 100:,.3g} times the cost"


def _latency(other: Expected, chosen: Expected) -> str:
    if other.latency.value is None or chosen.latency.value is None:
        return ""
    change_ms = other.latency.value - chosen.latency.value
    if abs(change_ms) < 1:
        return "as fast"
    size = f"{abs(change_ms) / 1_000:.1f} s" if abs(change_ms) >= 1_000 else \
        f"{abs(change_ms):.0f} ms"
    return f"{size} {'slower' if change_ms > 0 else 'faster'}"


def _quality(other: Expected, chosen: Expected) -> str:
    if other.quality.value is None or chosen.quality.value is None:
        return ""
    change = other.quality.value - chosen.quality.value
    if abs(change) < 0.05:
        return "as good"
    size = f"{abs(change):.0f}" if abs(change) >= 1 else f"{abs(change):.1f}"
    return f"{size} {'point' if size == '1' else 'points'} {'higher' if change > 0 else 'lower'}"
