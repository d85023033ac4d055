"""SQL files as the program reads them: headers, names, parameters, siblings."""

import pytest

from brain.sources import queries
from brain.sources.queries import Query, QueryError, load_query


def test_reads_the_header() -> None:
    query = load_query("ingest/count_overlap")
    assert query.sentence.startswith("Whether incoming events could repeat")
    assert query.params == {"near_start": "timestamp", "near_end": "timestamp"}
    assert query.columns == ("rows_in", "distinct_ids", "near_rows")
    assert query.names == ("kind",)


def test_every_listed_query_has_a_sentence_and_typed_parameters() -> None:
    for name in queries.list_queries():
        query = load_query(name)
        assert query.sentence.endswith("."), name
        assert all(query.params.values()), name


@pytest.mark.parametrize("name", ["nothing/there", "../brain/settings", "/etc/passwd", ""])
def test_refuses_what_is_no_query(name: str) -> None:
    with pytest.raises(QueryError, match="no query named"):
        load_query(name)


def test_a_sibling_stands_in_on_its_engine() -> None:
    assert load_query("ingest/write_watermark", "duckdb").text.splitlines()[-1].startswith("update")
    other = load_query("ingest/write_watermark", "clickhouse")
    assert other.text.splitlines()[-1].startswith("insert")
    assert "ingest/write_watermark.clickhouse" not in queries.list_queries()


def test_takes_exactly_the_declared_parameters() -> None:
    query = load_query("rollup/usage_day")
    query.check({"start": 1, "end": 2})
    with pytest.raises(QueryError, match=r"needs \$end"):
        query.check({"start": 1})
    with pytest.raises(QueryError, match=r"has no \$limit"):
        query.check({"start": 1, "end": 2, "limit": 3})


@pytest.mark.parametrize("identifier", ["requests; drop table requests", "a b", "", "a,b", "A",
                                        'a"b', "a -- b", "{kind}"])
def test_puts_in_identifiers_only(identifier: str) -> None:
    query = Query("x", "select * from {kind}", "x.", {}, (), ("kind",))
    assert query.named(kind="requests") == "select * from requests"
    with pytest.raises(QueryError, match="is no identifier"):
        query.named(kind=identifier)
    with pytest.raises(QueryError, match="takes the names kind"):
        query.named(table="requests")


def test_migrations_are_numbered_from_one() -> None:
    for store in ("events", "state", "spool"):
        numbers = [number for number, _ in queries.migrations(store)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_statements_are_single_and_without_comments() -> None:
    found = queries.statements("prelude/duckdb", "duckdb")
    assert all(each.startswith("create or replace macro") for each in found)
    assert not any("--" in each or ";" in each for each in found)
