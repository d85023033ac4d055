"""The answer cache: bounds, ends, one computation, tags; Redis stopped, frozen and back."""

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.gateway.answer_cache import NEGATIVE_TTL_S, AnswerCache, answer_key
from brain.gateway.local_cache import ENTRY_BYTES, LocalCache
from brain.sources.cache_redis import MOST_PAUSE_S, PREFIX, SharedCache
from tests.services.redis import running_redis


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def plain(clock, capacity_bytes=1_000_000, ttl_s=300.0, **more):
    return AnswerCache(clock, capacity_bytes, ttl_s, rng=lambda: 0.0, **more)


def key(number):
    return answer_key(b"secret", "acme", str(number), "", 0)


def test_gives_a_value_until_its_end(clock):
    cache = plain(clock)
    assert cache.find(key(1)) is None
    assert cache.keep(key(1), b"one")
    clock.now += 299.9
    assert cache.find(key(1)) == b"one"
    clock.now += 0.2
    assert cache.find(key(1)) is None
    stats = cache.stats()
    assert (stats.l1_hits, stats.misses, stats.expired, stats.entries) == (1, 2, 1, 0)
    assert stats.hit_ratio == pytest.approx(1 / 3)


def test_lives_are_jittered_so_that_they_do_not_end_together(clock):
    cache = AnswerCache(clock, 10_000_000, 100.0, rng=random.Random(1).random)
    for number in range(200):
        cache.keep(key(number), b"x")
    clock.now += 95
    alive = sum(cache.find(key(number)) is not None for number in range(200))
    assert 60 < alive < 140  # ends are spread over the last tenth


def test_knobs_work_at_once(clock):
    cache = plain(clock)
    for number in range(100):
        cache.keep(key(number), b"x" * 1_000)
    cache.resize(20_000)
    stats = cache.stats()
    assert stats.used_bytes <= 20_000 and 0 < stats.entries <= 13
    kept = next(number for number in range(100) if cache.find(key(number)))
    clock.now += 50
    cache.set_ttl(40.0)
    assert cache.find(key(kept)) is None
    cache.resize(0)
    assert not cache.keep(key(1), b"x") and cache.stats().used_bytes == 0


def test_refuses_what_is_too_large_and_keeps_the_rest(clock):
    cache = plain(clock, 100_000)
    cache.keep(key(1), b"small")
    assert not cache.keep(key(2), b"x" * 20_000)
    assert cache.find(key(1)) == b"small" and cache.stats().too_large == 1


def test_one_computation_for_many_callers(clock):
    cache, made, gate = plain(clock), [], threading.Event()

    def make():
        made.append(1)
        assert gate.wait(120)
        return b"answer"
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(cache.compute(key(1), make)))
               for _ in range(16)]
    for each in threads:
        each.start()
    while cache.stats().joined < 15:
        threading.Event().wait(0.005)
    gate.set()
    for each in threads:
        each.join()
    assert made == [1] and [each.value for each in answers] == [b"answer"] * 16
    assert sorted(each.shared for each in answers) == [False] + [True] * 15


def test_a_fault_reaches_its_callers_and_is_not_kept(clock):
    cache = plain(clock)

    def fail():
        raise ValueError("no provider")
    with pytest.raises(ValueError, match="no provider"):
        cache.compute(key(1), fail)
    assert cache.compute(key(1), lambda: b"fine").value == b"fine"


def test_refreshes_early_what_is_asked_for(clock):
    waiting = []
    cache = plain(clock, background=waiting.append)
    cache.keep(key(1), b"old")
    for _ in range(3):
        assert cache.compute(key(1), lambda: b"new").value == b"old"
    clock.now += 250  # past 0.8 of 300
    assert cache.compute(key(1), lambda: b"new").value == b"old"
    assert cache.compute(key(1), lambda: b"newer").value == b"old"
    assert len(waiting) == 1
    waiting[0]()
    clock.now += 100
    assert cache.find(key(1)) == b"new" and cache.stats().refreshed == 1


def test_keeps_that_there_is_nothing_for_a_short_while(clock):
    cache, made = plain(clock), []

    def make():
        made.append(1)
    assert cache.compute(key(1), make).value is None
    assert cache.compute(key(1), make).tier == "l1"
    clock.now += NEGATIVE_TTL_S + 1
    cache.compute(key(1), make)
    assert made == [1, 1]


def test_tags_take_out_all_that_carries_them(clock):
    cache = plain(clock)
    for number in range(10):
        cache.keep(key(number), b"x", (f"t{number % 2}", "all"))
    assert cache.invalidate(["t0"]) == 5
    assert [cache.find(key(number)) is None for number in range(4)] == [True, False, True, False]
    assert cache.invalidate(["all", "t1", "never"]) == 5


@pytest.mark.parametrize("other", [
    ("b", "q", "m", 1), ("a", "q2", "m", 1), ("a", "q", "m2", 1), ("a", "q", "m", 2),
    ("a", "qm", "", 1), ('a","q', "q", "m", 1), ("a", ["q"], "m", 1), ("a", "Q", "m", 1)])
def test_no_other_workspace_prompt_policy_or_knowledge_has_the_key(other):
    assert answer_key(b"s", *other) != answer_key(b"s", "a", "q", "m", 1)
    assert answer_key(b"other", "a", "q", "m", 1) != answer_key(b"s", "a", "q", "m", 1)


def test_the_same_text_in_another_form_has_the_same_key():
    ours = answer_key(b"s", "a", [{"role": "user", "content": "Grüße\n1"}], {"b": 1, "a": 2}, 1)
    assert ours == answer_key(b"s", "a", [{"content": " Gru\u0308ße\r\n1 ", "role": "user"}],
                              {"a": 2, "b": 1}, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["keep", "find", "delete", "tag",
                                                               "resize", "wait"]),
                          st.integers(0, 900)), max_size=200))
def test_bounds_hold_whatever_is_done(steps):
    clock, kept = Clock(), {}
    cache = LocalCache(clock, 8_000, 50.0)
    for number, verb, size in steps:
        name = str(number)
        if verb == "keep":
            value = bytes([number]) * min(size, 300)
            if cache.keep(name, value, (f"t{number % 3}",)):
                kept[name] = value
        elif verb == "find":
            found = cache.find(name)
            assert found is None or found.value == kept[name]
        elif verb == "delete":
            cache.delete(name)
            kept.pop(name, None)
        elif verb == "tag":
            cache.invalidate([f"t{number % 3}"])
        elif verb == "resize":
            cache.resize(8_000 + size)
        else:
            clock.now += size / 30
        assert 0 <= cache.used_bytes <= cache.capacity_bytes
        assert cache.used_bytes >= len(cache) * ENTRY_BYTES
    for number in range(3):
        cache.invalidate([f"t{number}"])
    assert (len(cache), cache.used_bytes, cache._tags, cache._small_bytes) == (0, 0, {}, 0)


def test_what_is_asked_for_again_outlives_a_scan(clock):
    cache = LocalCache(clock, 100 * (ENTRY_BYTES + 70), 300.0)
    hot = [key(number) for number in range(20)]
    for _ in range(4):
        for each in hot:
            if cache.find(each) is None:
                cache.keep(each, b"hot")
    for number in range(1_000, 3_000):
        cache.keep(key(number), b"scan")
    assert sum(cache.find(each) is not None for each in hot) == 20


# Redis


def open_shared(server, clock, timeout_s=0.3):
    return SharedCache(server.url, timeout_s, clock, clock)


def test_two_processes_share_values_tags_and_wishes(redis_server, clock):
    ours, theirs = (plain(clock, shared=open_shared(redis_server, clock)) for _ in range(2))
    big = b'{"answer": "' + b"very long " * 5_000 + b'"}'
    ours.keep(key("a"), big, ["w:acme"])
    ours.keep(key("b"), None)
    assert ours._shared._redis.strlen(f"{PREFIX}v:{key('a')}") < len(big) / 10  # compressed
    assert (theirs.look(key("a")).value, theirs.look(key("a")).tier) == (big, "l1")
    assert theirs.look(key("b")).value is None and theirs.stats().l2_hits == 2
    assert ours.invalidate(["w:acme"]) == 1
    clock.now += 1.1  # the other process looks once a second
    assert theirs.find(key("a")) is None
    ours.keep(key("c"), b"wanted")
    for _ in range(5):
        ours.find(key("c"))
    clock.now += 1.1
    ours.find(key("c"))
    fresh = plain(clock, shared=open_shared(redis_server, clock))
    assert fresh.warm() >= 1 and fresh._local.find(key("c")).value == b"wanted"
    theirs.delete(key("c"))
    clock.now += 1.1
    assert ours.find(key("c")) is None
    for each in (ours, theirs, fresh):
        each.close()


def test_one_computation_across_processes(redis_server, clock):
    caches = [plain(clock, shared=open_shared(redis_server, clock)) for _ in range(4)]
    made, started, gate, answers = [], threading.Event(), threading.Event(), []

    def make():
        made.append(1)
        started.set()
        assert gate.wait(120)
        return b"once"
    threads = [threading.Thread(target=lambda each=each: answers.append(
        each.compute(key("once"), make))) for each in caches]
    threads[0].start()
    assert started.wait(120)
    for each in threads[1:]:
        each.start()
    while sum(each.stats().misses for each in caches) < 4:
        threading.Event().wait(0.005)
    gate.set()
    for each in threads:
        each.join()
    assert made == [1] and [each.value for each in answers] == [b"once"] * 4
    for each in caches:
        each.close()


def test_a_stopped_frozen_or_foolish_redis_is_skipped_and_rejoins(tmp_path, clock):
    with running_redis(tmp_path) as server:
        cache = plain(clock, shared=open_shared(server, clock))
        cache.keep(key(1), b"one")
        server.freeze()
        clock.now += 1.1
        assert cache.find(key(1)) == b"one" and cache.stats().redis == "down"
        assert cache.compute(key(2), lambda: b"two").value == b"two"
        server.thaw()
        clock.now += MOST_PAUSE_S + 1
        assert cache.keep(key(3), b"three") and cache.stats().redis == "up"
        server.kill()
        clock.now += 1.1
        assert cache.find(key(3)) == b"three" and cache.stats().redis == "down"
        assert cache.invalidate(["x"]) == 0 and cache.delete(key(3)) and cache.warm() == 0
        faults = cache._shared.faults
        assert cache.find(key(9)) is None and cache._shared.faults == faults  # skipped, not asked
        server.restart()
        clock.now += MOST_PAUSE_S + 1
        assert cache.find(key(3)) is None and cache.stats().redis == "up"
        cache._shared._redis.set(f"{PREFIX}v:{key(4)}", b"\x01nonsense")
        assert cache.find(key(4)) is None
        cache._shared._redis.set(f"{PREFIX}log", b"not a stream")
        clock.now += 1.1
        assert cache.compute(key(5), lambda: b"five").value == b"five"
        cache.close()
