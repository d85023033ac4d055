"""How numbers, money and times are written everywhere in the console."""

import datetime as dt
import re
import zoneinfo
from decimal import Decimal

UNKNOWN = "unknown"
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
_BYTE_STEPS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#+\-!|~$:]")


def plain(text: str) -> str:
    """The text as Markdown that shows it as it is: no links, pictures or emphasis of its own."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def count(value: float | None) -> str:
    """A whole number with thousands apart: "19,366"."""
    return UNKNOWN if value is None else f"{round(value):,}"


def compact(value: float | None) -> str:
    """A number short enough for a card: "19,366", "23.9 M", "1.25 B"."""
    if value is None:
        return UNKNOWN
    for size, letter in _STEPS:
        if abs(value) >= size * 0.99995:
            return f"{value / size:.3g} {letter}"
    return count(value)


def usd(amount: Decimal | None) -> str:
    """Money with as many decimals as help: "1,234.50 USD", "0.0213 USD", "0.0000085 USD"."""
    if amount is None:
        return UNKNOWN
    size = abs(amount)
    if not size:
        return "0.00 USD"
    if size >= 1:
        return f"{amount:,.2f} USD"
    places = 4 if size >= Decimal("0.001") else 1 - size.adjusted()
    return f"{amount:.{places}f} USD"


def usd_exact(amount: Decimal | None) -> str:
    """Money with every decimal that it has: "17.3139325 USD"."""
    if amount is None:
        return UNKNOWN
    text = f"{amount:,f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} USD"


def ms(value: float | None) -> str:
    """A latency: "8.2 ms", "312 ms", "12.4 s"."""
    if value is None:
        return UNKNOWN
    if value >= 10_000:
        return f"{value / 1_000:,.1f} s"
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def pct(value: float | None) -> str:
    """A percentage (0 to 100): "0.42 %", "12.3 %", "99.97 %"."""
    if value is None:
        return UNKNOWN
    whole = 100 - value if 99 < value < 100 else value
    places = 2 if 0 < abs(whole) < 1 else 1
    return f"{value:,.{places}f} %"


def share(ratio: float | None) -> str:
    """A ratio (0 to 1) as a percentage."""
    return pct(None if ratio is None else ratio * 100)


def per_s(value: float | None) -> str:
    """A rate: "0.0042 per s", "3.4 per s", "1,204 per s"."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.1:
        return f"{value:.2g} per s"
    return f"{value:,.0f} per s" if value >= 100 else f"{value:.2f} per s"


def size(value: float | None) -> str:
    """A number of bytes: "312 MB"."""
    if value is None:
        return UNKNOWN
    for step, unit in _BYTE_STEPS:
        if value >= step:
            return f"{value / step:.3g} {unit}"
    return f"{value:.0f} bytes"


def duration(seconds: float | None) -> str:
    """A length of time: "3 d 4 h 12 m", "4 h 12 m", "12 m", "42 s"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    minutes = int(seconds // 60)
    days, hours, rest = minutes // 1_440, minutes % 1_440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h {rest} m"
    return f"{hours} h {rest} m" if hours else f"{rest} m"


def clock_length(seconds: float | None) -> str:
    """A length of time as a clock counts it: "4:07", "1:02:03"."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def step(seconds: int) -> str:
    """What a chart's points count over: "minute", "15 minutes", "hour", "6 hours", "day"."""
    for length, word in ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % length == 0:
            return word if seconds == length else f"{seconds // length} {word}s"
    return f"{seconds} s"


def uptime(seconds: float) -> str:
    """A length of time in days, hours and minutes: "3 d 4 h 12 m", "0 d 0 h 2 m"."""
    minutes = int(max(seconds, 0) // 60)
    return f"{minutes // 1_440} d {minutes % 1_440 // 60} h {minutes % 60} m"


def ago(moment: dt.datetime | None, now: dt.datetime) -> str:
    """How long a moment is past: "4 s ago"; "never" for none."""
    if moment is None:
        return "never"
    return f"{duration((now - moment).total_seconds())} ago"


def clock(moment: dt.datetime, zone: str) -> str:
    """Time of day in a zone: "12:03:10"."""
    return f"{moment.astimezone(zoneinfo.ZoneInfo(zone)):%H:%M:%S}"


def moment(at: dt.datetime | None, zone: str) -> str:
    """Day and time in a zone: "20 Nov 2026 14:05"."""
    return "never" if at is None else f"{at.astimezone(zoneinfo.ZoneInfo(zone)):%-d %b %Y %H:%M}"


def change(now: float | Decimal | None, before: float | Decimal | None) -> str:
    """A change with its sign: "+12.3 %", "−4.0 %", "no change"; empty if it cannot be told."""
    if now is None or before is None or not before:
        return ""
    ratio = (float(now) - float(before)) / abs(float(before))
    if abs(ratio) < 0.0005:
        return "no change"
    if abs(ratio) >= 10:
        return f"{'+' if ratio > 0 else '-'}{abs(ratio) + (1 if ratio > 0 else 0):,.0f} times"
    return f"{ratio * 100:+.1f} %"


def difference(now: float | None, before: float | None, unit: str, least: float = 0.005) -> str:
    """A difference with its sign and unit: "+1.2 points"; "no change" under ``least``.

    Empty if it cannot be told.
    """
    if now is None or before is None:
        return ""
    gap = now - before
    if abs(gap) < least:
        return "no change"
    return f"{gap:+.2f} {unit}" if abs(gap) < 1 else f"{gap:+,.1f} {unit}"
