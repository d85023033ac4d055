"""What stays known when a server is gone, and how long a call may take."""

import datetime as dt
import threading

import pytest

from brain.sources.reading import BoundedCall, SourceReading, place_of

NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
TEN = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)


def test_last_values_stay_with_their_age_while_the_server_is_down() -> None:
    last = SourceReading("ok", {"hits": 3}, read_at_utc=NINE, checked_at_utc=NINE)
    down = SourceReading("down", reason="gone", checked_at_utc=TEN)
    shown = down.or_last(last)
    assert (shown.status, shown.reason, shown.values) == ("down", "gone", {"hits": 3})
    assert (shown.read_at_utc, shown.checked_at_utc) == (NINE, TEN)


def test_new_values_replace_the_last_ones() -> None:
    new = SourceReading("ok", {"hits": 4}, read_at_utc=TEN, checked_at_utc=TEN)
    assert new.or_last(SourceReading("ok", {"hits": 3}, read_at_utc=NINE)) is new


def test_nothing_known_before_leaves_the_reading_as_it_is() -> None:
    down = SourceReading("down", reason="gone")
    assert down.or_last(None) is down


@pytest.mark.parametrize(("url", "place"), [
    ("redis://me:secret@cache.example:6379/0", "cache.example:6379"),
    ("http://127.0.0.1:9090/path?token=secret", "127.0.0.1:9090"),
    ("redis://cache.example", "cache.example"),
    ("http://[broken:1", "an address that cannot be read"),
    ("http://host:99999999", "an address that cannot be read"),
])
def test_places_hold_no_secret(url: str, place: str) -> None:
    assert place_of(url) == place


def test_a_call_that_does_not_end_is_given_up_and_not_doubled() -> None:
    ended, cancelled = threading.Event(), threading.Event()
    call = BoundedCall(0.05)
    with pytest.raises(TimeoutError, match="within"):
        call.run(ended.wait, cancel=cancelled.set)
    assert cancelled.is_set()
    with pytest.raises(TimeoutError, match="previous"):
        call.run(lambda: 1, cancel=cancelled.set)
    ended.set()
    assert call._thread is not None
    call._thread.join(5)
    assert call.run(lambda: 1, cancel=cancelled.set) == 1


def test_a_call_hands_on_what_the_work_raises() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        BoundedCall(5).run(fail, cancel=lambda: None)
