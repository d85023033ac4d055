"""The contract of machine forms: one line out for each line in, in order, never a crash."""

import io
import json
import subprocess
import sys
from argparse import Namespace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.cli import costs, health
from brain.cli.machine import answer_lines
from brain.cli.main import all_commands

FORMS = {command.name: command.form for command in all_commands() if command.form}


def answer(form, text):
    out = io.BytesIO()
    status = answer_lines(form, form.prepare(Namespace()), io.BytesIO(text), out)
    lines = out.getvalue().splitlines()
    return status, [json.loads(line) for line in lines]


HEALTH = health.COMMANDS[0].form
COSTS = costs.COMMANDS[0].form


def test_a_bad_line_never_stops_the_rest():
    status, (first, second, third) = answer(
        HEALTH, b'{"error_pct": 1}\n{"error_pct": "x"}\r\n{"error_pct": 5}')
    assert status == 1
    assert (first["score"], third["score"]) == (100, 0)
    assert second == {"error": {"code": "invalid_value", "field": "error_pct",
                                "message": "error_pct: Expected `float | null`, got `str`"}}


def test_good_lines_end_well():
    assert answer(HEALTH, b'{"error_pct": 1}\n')[0] == 0
    assert answer(HEALTH, b"") == (0, [])


@pytest.mark.parametrize(("line", "code", "field"), [
    (b"", "empty_line", ""), (b"  \t", "empty_line", ""), (b"{", "invalid_json", ""),
    (b'{"error_pct": NaN}', "invalid_json", ""), (b"\xff", "invalid_utf8", ""),
    (b'{"error_pct": 1e400}', "invalid_value", "error_pct"), (b"[]", "invalid_value", ""),
    (b'{"error_pct": 101}', "out_of_range", "error_pct"),
    (b'{"x\xff": 1}', "invalid_utf8", ""), (b'{"nope": 1}', "unknown_field", "nope"),
    (b'{"nope": ' + b"[" * 100_000, "unknown_field", "nope"),
    (b'{"targets": [{"target": 1}]}', "missing_field", "targets[0].metric"),
    (b'{"targets": [{"metric": "cpu_pct", "target": 99}]}', "wrong_order",
     "targets[0].target"),
    (b'{"' + b"n" * 10_000_000 + b'": 1}', "unknown_field", None),
])
def test_says_what_is_wrong_and_where(line, code, field):
    status, (first, last) = answer(HEALTH, line + b'\n{"error_pct": 1}\n')
    assert status == 1
    assert first["error"]["code"] == code
    assert field is None or first["error"]["field"] == field
    assert len(json.dumps(first)) < 2_000
    assert last["score"] == 100


def test_a_line_without_end_is_skipped_to_its_end(monkeypatch):
    monkeypatch.setattr("brain.cli.machine.LONGEST_LINE_BYTES", 100)
    status, (first, last) = answer(HEALTH, b"x" * 1_000 + b'\n{"error_pct": 1}\n')
    assert (status, first["error"]["code"], last["score"]) == (1, "line_too_long", 100)


@pytest.mark.parametrize(("prices", "code", "field"), [
    ('[{"input_usd_per_mtok": 1e999999999}]', "too_large", "prices[0].input_usd_per_mtok"),
    ('[{"input_usd_per_mtok": "NaN"}]', "not_finite", "prices[0].input_usd_per_mtok"),
    ('[{"input_usd_per_mtok": "1e-999999999"}]', "too_fine", "prices[0].input_usd_per_mtok"),
    ('[{"input_usd_per_mtok": -1}]', "negative", "prices[0].input_usd_per_mtok"),
    ('[{"input_usd_per_mtok": 1, "valid_from_utc": 1e300}]', "out_of_range",
     "prices[0].valid_from_utc"),
    ("[{}]", "no_amount", "prices[0].input_usd_per_mtok"),
])
def test_names_the_price_that_cannot_be_used(prices, code, field):
    line = f'{{"model": "m", "at_utc": 1e9, "input_tokens": 1, "prices": {prices}}}'
    _, (found,) = answer(COSTS, line.encode())
    assert (found["error"]["code"], found["error"]["field"]) == (code, field)


def test_prices_by_the_given_rows():
    line = {"model": "gpt-3.5-turbo", "at_utc": "2023-11-16T19:00:00Z",
            "input_tokens": 22_361_870, "output_tokens": 4_088_665,
            "prices": [{"input_usd_per_mtok": 0.5, "output_usd_per_mtok": "1.5"}]}
    status, (found,) = answer(COSTS, json.dumps(line).encode())
    assert status == 0
    # 22.36187 x 0.5 + 4.088665 x 1.5
    assert found["total_usd"] == "17.3139325"
    assert found["by_class"]["input"]["cost_usd"] == "11.180935"
    assert [row["price_id"] for row in found["price_rows"]] == [1]


def test_prices_by_the_built_in_list_and_never_as_zero():
    lines = [{"provider": "openai", "model": "gpt-4-turbo-preview", "at_utc": 1_700_000_000,
              "input_tokens": 1000, "output_tokens": 1000},
             {"model": "no such model", "at_utc": 1_700_000_000, "output_tokens": 1}]
    status, (known, unknown) = answer(COSTS, "\n".join(map(json.dumps, lines)).encode())
    assert (status, known["total_usd"]) == (0, "0.04")
    assert (unknown["total_usd"], unknown["unpriced"]) == (None, ["output"])


WORDS = st.sampled_from([b'{"', b'"}', b'"', b":", b",", b"{", b"}", b"[", b"]", b"1", b"-",
                         b"1e9", b"NaN", b"null", b"\xff", b"\x00", b"\\u0000", b" "])
FIELDS = st.sampled_from([b'{"error_pct":', b'{"targets":[{"metric":"cpu_pct","target":',
                          b'{"model":"m","at_utc":', b'{"model":"m","at_utc":1,"prices":[{'
                          b'"input_usd_per_mtok":'])


@settings(deadline=None)  # the first call loads the price list
@given(st.lists(st.tuples(st.one_of(FIELDS, WORDS), st.lists(WORDS, max_size=8)), max_size=4),
       st.sampled_from(sorted(FORMS)))
def test_any_bytes_give_one_answer_a_line(lines, name):
    text = b"\n".join(first + b"".join(rest) for first, rest in lines)
    status, answers = answer(FORMS[name], text)
    assert len(answers) == len(io.BytesIO(text).readlines())
    assert status == int(any("error" in each for each in answers))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_the_schema_describes_both_sides(name):
    schema = FORMS[name].schema()
    for side in ("input", "output"):
        jsonschema.Draft202012Validator.check_schema(schema[side])
    for line in (b"{}", b'{"error_pct": 3, "cpu_pct": null}',
                 b'{"model": "gpt-4o", "at_utc": 1.5e9, "input_tokens": 3}'):
        _, (found,) = answer(FORMS[name], line)
        jsonschema.validate(found, schema["output"])
        accepted = jsonschema.Draft202012Validator(schema["input"]).is_valid(json.loads(line))
        assert accepted == ("error" not in found)


def test_answers_each_line_before_the_next_is_written():
    with subprocess.Popen([sys.executable, "-m", "brain", "health", "score"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for error_pct, score in ((1, 100), (5, 0), (3, 50)):
            process.stdin.write(b'{"error_pct": %d}\n' % error_pct)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["score"] == score
        process.stdin.close()
        assert process.wait(timeout=240) == 0
