"""Quotas over any sequence of moments: no window of a minute ever holds more than the limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.quotas import WINDOW_S, Quota, Used, check_quota, decide_quota
from brain.decisions.reasons import InputError
from brain.gateway.quotas import Quotas

GAP = st.integers(0, 90 * 64).map(lambda each: each / 64) | st.sampled_from(
    (0.125, 0.5, 0.875, 1.0, 59.25, 59.5, 60.0))  # all exact in binary
GAPS = st.lists(GAP, min_size=1, max_size=60)


class Kept:
    """Quotas of one platform without a store."""

    def __init__(self, *quotas: Quota) -> None:
        self.now_s = 0.0
        self.desk = Quotas(None, None, None, lambda: self.now_s)  # type: ignore[arg-type]
        self.desk._quotas.get = lambda: {(each.scope, each.name): each  # type: ignore[method-assign]
                                         for each in quotas}


@given(GAPS, st.integers(0, 5), st.booleans())
def test_no_minute_holds_more_requests(gaps: list[float], most: int, by_name: bool) -> None:
    kept = Kept(Quota("user", "ann" if by_name else "", requests_per_minute=most))
    admitted: list[float] = []
    for gap in gaps:
        kept.now_s += gap
        found = kept.desk.admit({"user": "ann"}, 1)
        if found.allowed:
            admitted.append(kept.now_s)
        else:
            assert found.retry_after_s is not None and 0 < found.retry_after_s <= WINDOW_S
    for start in admitted:
        assert sum(start <= each < start + WINDOW_S for each in admitted) <= most


@given(st.lists(st.tuples(GAP, st.integers(0, 50)), min_size=1, max_size=60),
       st.integers(1, 100))
def test_no_request_is_let_in_over_the_tokens(calls: list[tuple[float, int]], most: int) -> None:
    """Tokens are known only after: whoever is let in finds less than the limit used."""
    kept = Kept(Quota("workspace", "", tokens_per_minute=most, usd_per_minute=Decimal(most)))
    used: list[tuple[float, int]] = []
    for gap, tokens in calls:
        kept.now_s += gap
        within = sum(count for at, count in used if at > kept.now_s - WINDOW_S)
        if kept.desk.admit({"workspace": "acme"}, tokens).allowed:
            assert within < most and tokens <= most
            kept.desk.count({"workspace": "acme"}, tokens, Decimal(tokens))
            used.append((kept.now_s, tokens))


@given(GAPS, st.integers(1, 3), st.integers(1, 6))
def test_a_narrow_and_a_wide_quota_both_hold(gaps: list[float], narrow: int, wide: int) -> None:
    kept = Kept(Quota("platform", requests_per_minute=wide),
                Quota("user", "", requests_per_minute=narrow))
    admitted: list[tuple[float, str]] = []
    for number, gap in enumerate(gaps):
        kept.now_s += gap / 8
        who = "ab"[number % 2]
        if kept.desk.admit({"user": who}, 1).allowed:
            admitted.append((kept.now_s, who))
    for start, _ in admitted:
        inside = [who for at, who in admitted if start <= at < start + WINDOW_S]
        assert len(inside) <= wide
        assert max(inside.count("a"), inside.count("b")) <= narrow


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 20))
def test_after_the_wait_that_is_told_there_is_room(most: int, have: int, frees: int) -> None:
    found = decide_quota([(Quota("user", requests_per_minute=most),
                           Used(have, frees_in_s=frees))], 1)
    assert found.allowed == (have + 1 <= most)
    assert found.reasons
    if not found.allowed:
        assert found.retry_after_s == max(frees, 0.001)


@pytest.mark.parametrize(("quota", "field"), [
    (Quota("planet"), "scope"), (Quota("platform", "x"), "name"),  # type: ignore[arg-type]
    (Quota("user", "x" * 257), "name"), (Quota("user", requests_per_minute=-1),
                                         "requests_per_minute"),
    (Quota("user", usd_per_minute=Decimal("NaN")), "usd_per_minute")])
def test_refuses_what_cannot_be_kept(quota: Quota, field: str) -> None:
    with pytest.raises(InputError) as refused:
        check_quota(quota)
    assert refused.value.field == field
