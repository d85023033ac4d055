"""Whatever an export holds, it is refused or reported, never anything else."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.settings import load
from brain.sources.importers import (
    anthropic_usage,
    helicone,
    langfuse,
    litellm,
    openai_usage,
    otlp_genai,
    otlp_spans,
)
from brain.sources.importers.questions import find_question
from tests.sources.importers.conftest import small_engine
from tests.sources.importers.golden_files import FOLDER
from tests.sources.importers.test_fuzz import attempt
from tests.sources.importers.test_otlp_genai import GOLDEN, encode

_PURE = settings(max_examples=150, deadline=None, database=None)
_QUICK = settings(max_examples=25, deadline=None, database=None,
                  suppress_health_check=[HealthCheck.function_scoped_fixture,
                                         HealthCheck.too_slow])
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["GENERATION", "2026-01-02T03:00:00Z", "9999-12-31T23:59:59-14:00", 10**400,
                       "-1", "1e400", "nan", "{\"a\": 1}", "[" * 90, "\ud800", "\x00", "٣"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["a", "role", "content", "stringValue", "intValue", "arrayValue", "values",
                         "key", "value", "attributes", "cached_tokens"]), inner, max_size=3),
    max_leaves=8)
MODULES = {"litellm.json": litellm, "openai_usage.json": openai_usage,
           "anthropic_usage.json": anthropic_usage, "langfuse.json": langfuse,
           "helicone.jsonl": helicone, "otlp_genai.json": otlp_genai}


def objects(name: str) -> list[dict]:
    text = (FOLDER / name).read_text()
    if name.endswith("l"):
        return [json.loads(line) for line in text.splitlines()]
    found = json.loads(text)
    return found if isinstance(found, list) else found.get("data", found.get("resourceSpans"))


def places(value: object) -> Iterator[tuple]:
    """Every path into a value."""
    pairs = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, inner in pairs:
        yield (key,)
        yield from ((key, *rest) for rest in places(inner))


def spoil(value: dict, place: tuple, new: object) -> dict:
    value = json.loads(json.dumps(value))
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = new
    return value


@pytest.mark.parametrize("name", MODULES)
@_PURE
@given(data=st.data())
def test_spoiled_records_raise_nothing_but_input_errors(name, data):
    this = MODULES[name]
    good = data.draw(st.sampled_from(objects(name)))
    bad = spoil(good, data.draw(st.sampled_from(list(places(good)))), data.draw(_VALUE))
    if not this.knows(bad):
        return
    unwrap = {openai_usage: openai_usage.unwrap, anthropic_usage: anthropic_usage.unwrap,
              langfuse: langfuse.unwrap, otlp_genai: otlp_spans.read_json}.get(
        this, lambda found: iter((found,)))
    for item in unwrap(bad):
        if isinstance(item, InputError):
            continue
        try:
            record = this.read(item)
        except InputError as error:
            assert error.code and error.message
        else:
            assert record is None or record.fields["event_id"]


@_PURE
@given(told=_VALUE)
def test_any_value_has_a_question_or_none(told):
    found = find_question(told)
    assert found is None or (found.strip() and found.encode())


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Engine:
    opened = small_engine(load({}, data_dir=str(tmp_path_factory.mktemp("fuzz"))))
    yield opened
    assert opened.ingestion.verify() == ()
    opened.close()


@_QUICK
@given(name=st.sampled_from(sorted(MODULES)), data=st.data(), cut=st.floats(0, 1))
def test_damaged_exports(shared, tmp_path, name, data, cut):
    good = objects(name)
    bad = [spoil(each, data.draw(st.sampled_from(list(places(each)))), data.draw(_VALUE))
           for each in good]
    form = data.draw(st.sampled_from(["lines", "array", "page", "cut"]))
    text = {"lines": "\n".join(map(json.dumps, bad)), "array": json.dumps(bad, indent=1),
            "page": json.dumps({"next": None, "data": bad}, indent=1),
            "cut": json.dumps(good, indent=1)}[form]
    content = text.encode()
    attempt(shared, tmp_path / "f", content[:int(len(content) * cut)] if form == "cut" else content)


@_QUICK
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans(),
       framed=st.booleans())
def test_damaged_protobuf(shared, tmp_path, place, flip, cut, framed):
    content = bytearray(encode(GOLDEN))
    if framed:
        content[:0] = len(content).to_bytes(4, "big")
    where = int(place * len(content))
    if cut:
        del content[where:]
    else:
        content[where] ^= flip
    attempt(shared, tmp_path / "f", bytes(content))


@_QUICK
@given(body=st.binary(max_size=300))
def test_any_bytes_as_otlp(shared, tmp_path, body):
    attempt(shared, tmp_path / "f", b"\x0a" + bytes([len(body) % 128]) + b"\x0a" + body,
            format="otlp")
