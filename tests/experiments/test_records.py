"""Experiments in both state stores: rows come back as they were, units count once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from brain.decisions.experiment import read_definition
from brain.decisions.reasons import Reason
from brain.experiments.records import ExperimentRecords
from brain.sources.state import StateStore
from tests.experiments.conftest import NOW, definition


@pytest.fixture(params=["sqlite", "postgres"])
def records(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'state.sqlite'}" if request.param == "sqlite" \
        else request.getfixturevalue("postgres_url")
    state = StateStore(url)
    yield ExperimentRecords(state, lambda: NOW)
    state.close()


def test_an_experiment_and_its_allocations_come_back(records):
    made = records.add(read_definition(definition(cost_cap_usd="1.5")), "ada")
    assert records.get("checkout") == made
    row = records.allocate("checkout", 0.2, {"a": 0.7, "b": 0.3}, (Reason("why", "Because."),))
    assert records.allocations("checkout") == (row,)
    assert records.history("checkout")[0].after["cost_cap_usd"] == "1.5"
    records.remove("checkout", "ada")
    assert (records.all(), records.allocations("checkout")) == ((), ())
    assert [each.action for each in records.history("checkout")] == ["removed", "created"]


def test_many_processes_expose_a_unit_once(records):
    records.add(read_definition(definition()), "ada")
    recorded = []

    def expose(number):
        return records.expose_unit("checkout", "u1", "a", 0.5, lambda: recorded.append(number))
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(expose, range(16)))
    # A transaction that lost the race may have recorded: the event's id makes that harmless.
    assert told.count(None) == 1
    assert recorded
    assert records.unit("checkout", "u1")["exposed_at_utc"] == NOW
    records.keep_unit("checkout", "u1", "b", 0.5)
    assert records.unit("checkout", "u1")["variant"] == "a"  # what it was exposed to stays
