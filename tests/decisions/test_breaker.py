"""The breaker over any sequence of calls: shut for its pause, few probes, then well again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brain.decisions.breaker import (
    Breaker,
    BreakerPolicy,
    admit,
    note_failure,
    note_nothing,
    note_success,
)

POLICIES = st.builds(BreakerPolicy, st.integers(1, 5), st.floats(0.1, 10), st.floats(10, 60),
                     st.integers(1, 4))


class AnyCalls(RuleBasedStateMachine):
    """Calls that begin, end in any order and any way, while time goes by."""

    policy = BreakerPolicy(failures=3, first_pause_s=1.0, most_pause_s=8.0, probes=2)

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now_s = Breaker(), 0.0
        self.calls, self.probes = 0, 0
        self.failed_at: float | None = None

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def begin(self) -> None:
        before = self.breaker
        found = admit(before, self.policy, self.now_s)
        self.breaker = found.breaker
        if before.position == "open":
            assert found.allowed == (self.now_s >= before.until_s)
        if not found.allowed:
            assert found.breaker == before and (found.retry_after_s or 0) > 0
            return
        if found.breaker.position == "closed":
            self.calls += 1
        else:
            assert before.position != "half_open" or \
                before.probing + before.healed < self.policy.probes
            self.probes += 1

    @rule(how=st.sampled_from(("good", "bad", "cut")), wait_s=st.none() | st.floats(0, 100))
    def end_call(self, how: str, wait_s: float | None) -> None:
        if not self.calls:
            return
        self.calls -= 1
        self._end(how, wait_s)

    @rule(how=st.sampled_from(("good", "bad", "cut")), wait_s=st.none() | st.floats(0, 100))
    def end_probe(self, how: str, wait_s: float | None) -> None:
        if self.probes:
            self.probes -= 1
            self._end(how, wait_s)

    def _end(self, how: str, wait_s: float | None) -> None:
        before = self.breaker
        if how == "good":
            self.breaker = note_success(before, self.policy)
        elif how == "bad":
            self.breaker = note_failure(before, self.policy, self.now_s, wait_s)
        else:
            self.breaker = note_nothing(before)
        if before.position == "open":
            assert self.breaker.position == "open" and self.breaker.until_s == before.until_s
        if self.breaker.opened > before.opened:
            pause_s = self.breaker.until_s - self.now_s
            assert 0 < pause_s <= self.policy.most_pause_s + 1e-9

    @invariant()
    def half_open_lets_through_the_probes_alone(self) -> None:
        assert self.breaker.probing >= 0
        if self.breaker.position == "half_open":
            assert self.breaker.probing + self.breaker.healed <= self.policy.probes
            assert self.breaker.healed < self.policy.probes

    @invariant()
    def closed_means_few_failures(self) -> None:
        if self.breaker.position == "closed":
            assert self.breaker.failures < self.policy.failures


TestAnyCalls = AnyCalls.TestCase


@given(POLICIES, st.floats(0, 1_000))
def test_opens_probes_and_heals(policy: BreakerPolicy, now_s: float) -> None:
    breaker = Breaker()
    for number in range(policy.failures):
        assert admit(breaker, policy, now_s).allowed, number
        breaker = note_failure(breaker, policy, now_s)
    assert breaker.position == "open"
    shut = admit(breaker, policy, now_s)
    assert not shut.allowed and shut.retry_after_s == pytest.approx(policy.first_pause_s)
    now_s = breaker.until_s
    for _ in range(policy.probes):
        found = admit(breaker, policy, now_s)
        assert found.allowed
        breaker = found.breaker
    assert not admit(breaker, policy, now_s).allowed  # exactly as many as the policy says
    for _ in range(policy.probes):
        breaker = note_success(breaker, policy)
    assert breaker == Breaker(opened=1)


@given(POLICIES, st.integers(1, 12))
def test_each_failed_probe_doubles_the_pause(policy: BreakerPolicy, times: int) -> None:
    breaker, now_s = Breaker(), 0.0
    for _ in range(policy.failures):
        breaker = note_failure(breaker, policy, now_s)
    for number in range(1, times):
        now_s = breaker.until_s
        breaker = note_failure(admit(breaker, policy, now_s).breaker, policy, now_s)
        assert breaker.until_s - now_s == pytest.approx(
            min(policy.first_pause_s * 2**number, policy.most_pause_s))
