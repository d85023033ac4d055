"""After a failed call: never past the time left, never what is not safe to repeat."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.retrying import (
    ROUTE_FAULTS,
    TRANSIENT,
    Failed,
    FaultKind,
    RetryPolicy,
    decide_next,
)

SECONDS = st.floats(0, 1_000, allow_nan=False)
POLICIES = st.builds(RetryPolicy, st.integers(1, 10), st.floats(0.01, 10), st.floats(0.01, 100),
                     st.floats(0.001, 1))
FAILED = st.builds(Failed, st.sampled_from(get_args(FaultKind)), st.integers(1, 20),
                   st.floats(-10, 1_000), st.integers(0, 5), st.none() | SECONDS, st.booleans())
JITTER = st.floats(0, 1, exclude_max=True)


@given(FAILED, POLICIES, JITTER)
def test_what_is_done_next_is_safe_and_fits_the_time(failed: Failed, policy: RetryPolicy,
                                                     jitter: float) -> None:
    found = decide_next(failed, policy, jitter)
    assert found.reasons and found.wait_s >= 0
    if found.action == "give_up":
        return
    assert not failed.delivered
    assert failed.kind in ROUTE_FAULTS
    assert found.wait_s + policy.least_time_s <= failed.time_left_s
    if found.action == "other_route":
        assert failed.routes_left and found.wait_s == 0
        return
    assert not failed.routes_left
    assert failed.kind in TRANSIENT
    assert failed.attempt < policy.attempts
    if failed.retry_after_s is None:
        assert found.wait_s <= policy.most_wait_s
    else:
        assert found.wait_s >= failed.retry_after_s


@given(st.sampled_from(sorted(TRANSIENT)), SECONDS, POLICIES, st.lists(JITTER, min_size=20,
                                                                       max_size=20))
def test_trying_again_ends(kind: FaultKind, time_s: float, policy: RetryPolicy,
                           jitters: list[float]) -> None:
    left_s, tries = time_s, 1
    while (found := decide_next(Failed(kind, tries, left_s, 0), policy,
                                jitters[tries])).action == "again":
        left_s -= found.wait_s
        tries += 1
    assert tries <= policy.attempts and left_s >= 0
