"""Reasons in words."""

from dataclasses import replace
from datetime import datetime

import pytest

from analytics.anomalies.words import Seen, explain

TUESDAY = datetime(2026, 1, 6, 14, 0)
SEEN = Seen(value=62.0, expected=21.0, habit=(20.0, True), before=22.0, level=40.0, short=60.0,
            long=30.0, away=20.0)


@pytest.mark.parametrize(("trait", "changes", "words"), [
    ("high", {}, "3.1× the usual for a Tuesday 14:00"),  # 62 / 20
    ("season", {"habit": (20.0, False)}, "3.1× the usual for 14:00"),
    ("low", {"habit": (20.0, True), "value": 5.0}, "0.25× the usual for a Tuesday 14:00"),
    ("high", {"habit": (60.0, True)}, "62, 2 above the usual for a Tuesday 14:00"),
    ("high", {"habit": None}, "1.6× the usual level"),  # 62 / 40 = 1.55
    ("high", {"habit": None, "level": 1e-9}, "62, 62 above the usual level"),
    ("high", {"habit": None, "level": -5.0}, "62, 67 above the usual level"),
    ("low", {"habit": None, "value": -1.0}, "-1, 41 below the usual level"),
    ("error", {"habit": None}, "62 right after 22, where 21 was expected"),
    ("level", {}, "moved from about 30 to 60"),
    ("away", {}, "for a while 1.5× the usual"),  # 60 beside 60 - 20
    ("swing", {}, "swings more from point to point than before"),
])
def test_says_what_was_seen_beside_the_usual(trait, changes, words):
    assert explain(trait, replace(SEEN, **changes), TUESDAY) == words


def test_large_numbers_have_their_thousands_apart():
    assert explain("level", replace(SEEN, long=1_234.5, short=98_765.4), TUESDAY) == (
        "moved from about 1,234 to 98,765")
