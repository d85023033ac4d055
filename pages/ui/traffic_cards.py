"""Cards of the Traffic page: people and sessions, then what they asked for."""

from analytics.traffic import HIGH_BOUNCE_RATIO, Sessions
from pages.ui import charts, data, format, frame, usage, usage_cards
from pages.ui import traffic_reading as reading
from pages.ui.cards import Card
from pages.ui.filters import View
from pages.ui.usage import Reading

_SESSION = ("A session is what one user does with gaps of at most 30 minutes. It counts where it "
            "starts, also if it goes on past midnight or past the range. Engaged: no bounce.")


def read(view: View, now: Reading, before: Reading | None) -> list[Card]:
    """All cards of a view, with the change against the period before where there is one."""
    past, then = (view.previous, before.total) if before else (None, None)
    here = reading.sessions(view)
    there = reading.sessions(view, past) if past else None
    line = reading.session_line(view)
    users = usage.whole(view, usage.users_line(view), usage.users_width_s(view))
    return [
        usage_cards.active_users(
            usage.users(view), usage.users(view, past) if past else None, list(users["users"]),
            reading.online_now(view) if frame.ahead(view) else None),
        _sessions(here, there, list(line["sessions"])),
        _duration(here, there, list(line["mean_duration_s"])),
        _bounces(here, there, list(line["bounce_pct"])),
        usage_cards.requests(now.total, then, now.line),
        usage_cards.error_share(now.total, then, now.line),
        usage_cards.latency(usage.latency(view), usage.latency(view, past) if past else {},
                            list(reading.latency_line(view)["p95_ms"])),
        usage_cards.tokens(now.total, then, now.line)]


def _sessions(now: Sessions, before: Sessions | None, line: list[float]) -> Card:
    return Card("Sessions", format.compact(now.sessions), _SESSION,
                format.change(now.sessions, before.sessions if before else None),
                charts.sparkline(line),
                note=f"{now.engaged_sessions:,} engaged")


def _duration(now: Sessions, before: Sessions | None, line: list[float]) -> Card:
    engaged = format.clock_length(now.mean_engaged_s)
    return Card("Mean session", format.clock_length(now.mean_duration_s),
                "Minutes and seconds from the first to the last event, plus the last page's own "
                "time where known. The big number is over all sessions, the other over those that "
                "are not bounces.",
                format.change(now.mean_duration_s, before.mean_duration_s if before else None),
                charts.sparkline(line), note=f"over all; {engaged} without bounces")


def _bounces(now: Sessions, before: Sessions | None, line: list[float]) -> Card:
    ratios = [None if each is None or each.bounce_ratio is None else each.bounce_ratio * 100
              for each in (now, before)]
    limit = f"{HIGH_BOUNCE_RATIO:.0%}".replace("%", " %")
    return Card("Bounce rate", format.share(now.bounce_ratio),
                "Sessions of one page view and no question or other interaction, per session. "
                f"Above {limit} it is high.",
                format.difference(ratios[0], ratios[1], "points"), charts.sparkline(line),
                "warning" if now.is_bounce_high else "", "lower",
                f"high: above {limit}" if now.is_bounce_high
                else f"{now.bounces:,} of {now.sessions:,}" if now.sessions else "no sessions")


def anything(view: View, now: Reading) -> bool:
    """Whether the view holds a request, a user or a session."""
    return bool(now.total.requests or usage.users(view).users
                or reading.sessions(view).sessions or not data.query(
                    "traffic/page_times", limit=1, **reading.page_params(view)).empty)
