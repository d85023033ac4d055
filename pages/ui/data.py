"""The console's only way to the engine, and the only caches of the pages."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analytics import spans
from brain import running
from brain.budgets.look import BudgetLook, look_at_all
from brain.decisions.targets import Target
from brain.engine import Engine, StoreStatus
from brain.scaling.plans import ScalingPlan, to_body
from brain.scaling.replaying import Past, look_back
from brain.settings import Settings
from brain.watch import SourceStatus

if TYPE_CHECKING:
    from analytics.experiments.series import Calls
    from analytics.forecasting.answers import Forecast
    from brain.experiments.results import Results, SegmentResults

_MOST_ANSWERS = 400
_READERS = 4
PATIENCE_S = 0.25
"""How long a page waits for a server that nobody has read yet."""
Answers = Callable[..., tuple[pd.DataFrame, dt.datetime]]
_caches: dict[float, Answers] = {}
# They live on, and with them the statements that each of them has parsed.
_readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reading")


def engine() -> Engine:
    """The engine of this process; opened from the settings where no server did."""
    return running.engine()


def settings() -> Settings:
    """The settings in force."""
    return engine().settings


def query(name: str, **params: Any) -> pd.DataFrame:
    """Rows of ``sql/<name>.sql``, at most ``settings.pages.cache_s`` old; see `read_at`."""
    rows, read_at_utc = _answers()(name, tuple(sorted(params.items())))
    rows.attrs["read_at_utc"] = read_at_utc.isoformat()
    return rows


def together(*readings: Callable[[], object]) -> None:
    """Ask at once what readings ask one after the other, so that each finds its answers ready.

    A reading that fails here fails again, and is told, where its rows are shown.
    """
    wait([_readers.submit(each) for each in readings])


def read_at(rows: pd.DataFrame) -> dt.datetime:
    """When the rows of `query` were read, aware, in UTC."""
    return dt.datetime.fromisoformat(rows.attrs["read_at_utc"])


def now() -> dt.datetime:
    """The engine's present moment, aware, in UTC."""
    return engine().clock()


def shared_now() -> dt.datetime:
    """The present moment rounded down to the refresh step, so that all viewers ask the same.

    For the ends of queries: a moment of each viewer's own would make a query of its own.
    """
    present = now()
    step = dt.timedelta(seconds=settings().pages.refresh_s)
    return present - (present - spans.EARLIEST) % step


def sources() -> tuple[SourceStatus, ...]:
    """How everything that numbers come from is doing, at most 5 s old."""
    return _source_statuses(str(settings().data_dir))


def status() -> StoreStatus:
    """How the stores are doing, at most 5 s old."""
    return _store_status()


def targets() -> dict[str, Target]:
    """The one table of targets in force, at most 2 s old."""
    return _targets()


def budgets() -> tuple[BudgetLook, ...]:
    """Every budget with how it stands, at most a minute old."""
    return _budgets(str(settings().data_dir))


def annotations(start: dt.datetime, end: dt.datetime,
                workspaces: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Notes, deploys and price changes of a span, at most 10 s old."""
    return _annotations(start, end, tuple(workspaces))


def experiment_results(key: str, metric: str | None = None) -> "Results":
    """What an experiment has shown, at most a minute old, with ``metric`` as its primary one."""
    return _experiment_results(str(settings().data_dir), key, metric)


def experiment_segments(key: str, dimension: str,
                        metric: str | None = None) -> "tuple[SegmentResults, ...]":
    """An experiment's effect by segment, at most a minute old."""
    return _experiment_segments(str(settings().data_dir), key, dimension, metric)


def imported_calls() -> "Calls":
    """What each way of looking calls in all imported experiments, at most a minute old."""
    return _imported_calls(str(settings().data_dir))


def scaling_past(today: ScalingPlan, chosen: ScalingPlan, start: dt.datetime, end: dt.datetime,
                 factor: float | None) -> Past:
    """Two policies on the load of a span, at most 5 min old; see `look_back`."""
    key = json.dumps([to_body(today), to_body(chosen)])
    return _scaling_past(key, start, end, factor, today, chosen)


def outlook(values: tuple[float, ...], start: dt.datetime, step_s: int,
            horizon: int) -> "Forecast | None":
    """Mean and band of what comes after a series of spend, at most 10 min old; None without."""
    return _outlook(values, start, step_s, horizon)


def forget_answers() -> None:
    """Make every page read anew, after something changed."""
    st.cache_data.clear()
    for kept in (_source_statuses, _experiment_results, _experiment_segments, _imported_calls):
        kept.clear()


def _answers() -> Answers:
    lifetime_s = settings().pages.cache_s
    if lifetime_s not in _caches:
        _caches[lifetime_s] = st.cache_data(
            ttl=lifetime_s, max_entries=_MOST_ANSWERS, show_spinner=False)(_read)
    return _caches[lifetime_s]


def _read(name: str, params: tuple[tuple[str, Any], ...]) -> tuple[pd.DataFrame, dt.datetime]:
    return engine().query(name, **dict(params)), now()


@st.cache_data(ttl=5, max_entries=1, show_spinner=False)
def _store_status() -> StoreStatus:
    return engine().status()


@st.cache_data(ttl=2, max_entries=1, show_spinner=False)
def _targets() -> dict[str, Target]:
    return engine().targets()


@st.cache_data(ttl=60, max_entries=1, show_spinner=False)
def _budgets(data_dir: str) -> tuple[BudgetLook, ...]:
    return look_at_all(engine().budgets, now())


@st.cache_data(ttl=10, max_entries=_MOST_ANSWERS, show_spinner=False)
def _annotations(start: dt.datetime, end: dt.datetime,
                 workspaces: tuple[str, ...]) -> list[dict[str, Any]]:
    return engine().annotations(start, end, workspaces)


@st.cache_data(ttl=300, max_entries=20, show_spinner="Replaying past load")
def _scaling_past(key: str, start: dt.datetime, end: dt.datetime, factor: float | None,
                  _today: ScalingPlan, _chosen: ScalingPlan) -> Past:
    return look_back(engine().scaling, _today, _chosen, start, end, factor)


@st.cache_data(ttl=600, max_entries=_MOST_ANSWERS, show_spinner=False)
def _outlook(values: tuple[float, ...], start: dt.datetime, step_s: int,
             horizon: int) -> "Forecast | None":
    import numpy as np

    from analytics.forecasting.answers import CannotForecast
    from analytics.forecasting.one_series import forecast_series
    from analytics.forecasting.series import Series
    found = forecast_series(Series(start, step_s, np.array(values, dtype=float)), horizon)
    return None if isinstance(found, CannotForecast) else found


# Kept as it is: a copy for each of its many readers would cost more than to read anew.
@st.cache_resource(ttl=5, max_entries=1, show_spinner=False)
def _source_statuses(data_dir: str) -> tuple[SourceStatus, ...]:
    return engine().sources(PATIENCE_S)


@st.cache_resource(ttl=60, max_entries=_MOST_ANSWERS, show_spinner=False)
def _experiment_results(data_dir: str, key: str, metric: str | None) -> "Results":
    return engine().experiments.results(key, metric)


@st.cache_resource(ttl=60, max_entries=_MOST_ANSWERS, show_spinner=False)
def _experiment_segments(data_dir: str, key: str, dimension: str,
                         metric: str | None) -> "tuple[SegmentResults, ...]":
    return engine().experiments.segments(key, dimension, metric)


@st.cache_resource(ttl=60, max_entries=1, show_spinner=False)
def _imported_calls(data_dir: str) -> "Calls":
    return engine().experiments.peeking()
