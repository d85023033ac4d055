"""Cumulative statistics from elsewhere: imported, read, counted; a faulty file changes nothing."""

import pandas as pd
import pytest
from pytest import approx

from analytics.experiments.series import Calls
from brain.decisions.reasons import InputError
from brain.sources.importers.asos import COLUMNS
from tests.datasets import dataset
from tests.experiments.conftest import NOW

ROWS = [
    ("e1", 1, 1, 1.0, 100, 100, 1.0, 1.4, 1.0, 1.0),
    ("e1", 1, 1, 2.0, 400, 400, 1.0, 1.0, 1.0, 1.0),
    ("e1", 1, 2, 1.0, 100, 100, 5.0, 5.5, 2.0, 2.0),
    ("e1", 1, 2, 2.0, 400, 400, 5.0, 6.0, 2.0, 2.0),
    ("e1", 2, 1, 2.0, 410, 390, 1.1, 1.1, 1.0, 1.0),
    ("e2", 1, 1, 1.0, 1, 1, 1.0, 2.0, None, None)]


@pytest.fixture
def file(tmp_path):
    def write(frame=None, name="looks.parquet"):
        frame = pd.DataFrame(ROWS, columns=list(COLUMNS)) if frame is None else frame
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
        return path
    return write


@pytest.mark.parametrize("name", ["looks.parquet", "looks.csv"])
def test_each_experiment_is_stored_once(engine, file, name):
    done = engine.experiments.import_series(file(name=name), "ada")
    assert (done.experiments, done.series, done.looks, done.known) == (2, 4, 6, ())
    again = engine.experiments.import_series(file(name=name), "ada")
    assert (again.experiments, again.known) == (0, ("asos-e1", "asos-e2"))
    found = engine.experiments.get("asos-e1")
    assert (found.state, found.source, found.stopped_at_utc) == ("stopped", "import:asos", NOW)
    assert [each.key for each in found.variants] == ["control", "variant-1", "variant-2"]
    assert found.planned_units == 800  # 400 and 400 units at the last look


def test_results_are_those_of_the_last_look(engine, file):
    engine.experiments.import_series(file())
    results = engine.experiments.results("asos-e1", metric="metric-2")
    (one,) = results.primary.comparisons
    assert one.effect.estimate == approx(6.0 / 5.0 - 1)
    assert results.primary.means["control"].variance == approx(2.0)
    assert list(results.series["units"]) == [200, 800]
    assert results.series["at_utc"].iloc[-1] == pd.Timestamp(NOW)
    assert (one.verdict.name, results.costs, results.cost_usd) == ("better", {}, None)
    first = engine.experiments.results("asos-e1")
    assert [each.variant for each in first.primary.comparisons] == ["variant-1", "variant-2"]
    assert engine.experiments.results("asos-e2").verdict.name == "cannot_tell"


def test_an_imported_experiment_cannot_be_run_here(engine, file):
    engine.experiments.import_series(file())
    with pytest.raises(InputError):
        engine.experiments.resume("asos-e1")
    assert engine.experiments.assign("asos-e1", "u1").variant is None
    assert engine.experiments.run_once() == 0
    engine.experiments.remove("asos-e1")
    assert engine.experiments.peeking().series == 0


@pytest.mark.parametrize(("column", "value", "code"), [
    ("count_c", -1.0, "out_of_range"), ("variance_t", -0.1, "out_of_range"),
    ("mean_c", float("inf"), "not_a_number"), ("time_since_start", None, "out_of_range"),
    ("experiment_id", None, "missing_value")])
def test_a_faulty_file_is_refused_by_column(engine, file, column, value, code):
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS))
    frame.loc[0, column] = value
    with pytest.raises(InputError) as fault:
        engine.experiments.import_series(file(frame))
    assert (fault.value.code, fault.value.field) == (code, column)
    assert engine.experiments.list() == ()


def test_a_file_of_another_form_is_refused(engine, file, tmp_path):
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing else")
    for path, code in ((file(frame.drop(columns="mean_c")), "missing_column"),
                       (file(pd.concat([frame, frame]), "twice.parquet"), "repeated_row"),
                       (broken, "unreadable"), (tmp_path / "gone", "unreadable")):
        with pytest.raises(InputError) as fault:
            engine.experiments.import_series(path)
        assert fault.value.code == code


def test_peeking_is_counted_over_all_series(engine, file):
    engine.experiments.import_series(file())
    # e1/1/1 looks lucky once, e1/1/2 is real and stays, e1/2/1 is nothing, e2 has no variance
    assert engine.experiments.peeking() == Calls(series=3, naive=2, sequential=1, at_end=1)


def test_the_real_experiments_are_called_as_measured(engine):
    done = engine.experiments.import_series(dataset("EXPERIMENT_SERIES"))
    rows = pd.read_parquet(dataset("EXPERIMENT_SERIES"))
    assert (done.experiments, done.looks) == (rows["experiment_id"].nunique(), len(rows))
    calls = engine.experiments.peeking()
    assert calls.naive >= calls.at_end
    assert calls.naive >= calls.sequential
    if len(rows) == 12_596:  # the half that docs/experiments.md speaks of
        assert calls == Calls(221, 124, 52, 56)
    for each in engine.experiments.list():
        results = engine.experiments.results(each.key)
        assert results.primary.comparisons
        assert len(results.series)
