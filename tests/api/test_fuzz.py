"""Random bodies: a verdict for each line, never a failure, and the store holds what was taken."""

import datetime as dt
import gzip
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from brain.events import KINDS, columns
from brain.sources import frames, wire
from tests.serving.console import LINES

LATEST = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NAMES = sorted({name for kind in KINDS for name in columns(kind)} | {"kind", "nonsense", ""})
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
              st.sampled_from([*KINDS, "ok", "error", "2026-01-02T03:04:05Z", "\x00", "\ud800"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3), max_leaves=5)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6).map(json.dumps)
near = st.fixed_dictionaries({}, optional={
    "kind": st.sampled_from([*KINDS]), "event_id": st.text(min_size=1, max_size=140),
    "at_utc": st.datetimes(timezones=st.timezones()).map(dt.datetime.isoformat),
    "value": st.floats(), "metric": st.text(max_size=5), "unit_id": st.text(max_size=5),
    "input_tokens": st.integers(-2, 2**70), "latency_ms": st.floats(), "stars": st.integers(0, 6),
    "action": st.text(max_size=300), "query_text": st.text()}).map(json.dumps)
lines = st.one_of(near.map(str.encode), objects.map(lambda text: text.encode(errors="replace")),
                  st.binary(max_size=60))
bodies = st.lists(lines, max_size=8).map(b"\n".join)


@settings(max_examples=400, deadline=None)
@given(bodies)
def test_every_line_gets_a_verdict_and_the_sound_ones_fit_the_store(body):
    found = wire.read_lines(body, LATEST)
    assert found.read == found.accepted + len(found.rejected)
    assert found.read == sum(bool(line.strip()) for line in body.splitlines())
    for kind, events in found.events.items():
        table = frames.conform(kind, frames.to_table(kind, events))
        assert frames.from_bytes(frames.to_bytes(table)).num_rows == len(events)
    for each in found.rejected:
        assert each.code
        assert each.message
        assert len(each.message) < 700
    json.dumps(wire.receipt(found), allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=100), st.binary(max_size=100).map(gzip.compress),
                 st.lists(st.binary(max_size=9).map(gzip.compress), max_size=3).map(b"".join)),
       st.integers(0, 100), st.integers(0, 5))
def test_unpacking_gives_a_small_enough_body_or_says_why(body, most_bytes, most_lines):
    try:
        plain = wire.unpack(body, "gzip", most_bytes, most_lines)
    except wire.BodyRefused as refused:
        assert refused.code in {"bad_gzip", "too_large", "too_many_lines"}
    else:
        assert plain == gzip.decompress(body)
        assert len(plain) <= most_bytes
        assert len(plain.splitlines()) <= most_lines + 1


def test_random_bodies_over_http_never_fail_and_all_taken_arrives(own_console):
    console, http = own_console, own_console.client()
    taken = 0

    @settings(max_examples=120, deadline=None)
    @given(bodies.filter(lambda body: b"event_id" not in body and b"metric_s" not in body),
           st.booleans())
    def send(body, packed):
        nonlocal taken
        headers = LINES | ({"content-encoding": "gzip"} if packed else {})
        answer = http.post("/v1/events", content=gzip.compress(body) if packed else body,
                           headers=headers)
        assert answer.status_code in {200, 207}, (body, answer.text)
        told = answer.json()
        assert told["accepted"] + told["rejected"] == sum(
            bool(line.strip()) for line in body.splitlines())
        taken += told["accepted"]

    before = count_all(console)
    send()
    assert count_all(console) == before + taken
    assert console.call("verify") == {"faults": []}


def count_all(console):
    """Events of all kinds but the one that the console itself writes at any time."""
    console.call("settle")
    return sum(count for kind, count in console.call("status")["events"].items()
               if kind != "metric_samples")
