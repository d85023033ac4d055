"""Running experiments: who saw which variant, and what came of it."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from brain.demo.effects import Experiment, Measure, effects_of
from brain.demo.plan import DemoPlan
from brain.demo.sessions import Sessions
from brain.demo.tables import build, join, name_of
from brain.demo.visits import user_names
from brain.demo.world import SECOND_US, WORKSPACE_IDS, Flags, Floats, Ints

NO_VARIANT = -1


def hash_fnv1a(texts: npt.NDArray[np.bytes_]) -> Ints:
    """FNV-1a 32 of each text, as in the GrowthBook SDK specification."""
    letters = texts.view(np.uint8).reshape(len(texts), -1).astype(np.uint64)
    found = np.full(len(texts), 2_166_136_261, dtype=np.uint64)
    for column in letters.T:
        mixed = ((found ^ column) * np.uint64(16_777_619)) & np.uint64(0xFFFFFFFF)
        found = np.where(column != 0, mixed, found)
    return found.astype(np.int64)


def hash_unit(seed: str, names: list[str]) -> Floats:
    """Number in [0, 1) of each unit: version 2 of the GrowthBook scheme, four decimals."""
    if not names:
        return np.zeros(0)
    inner = hash_fnv1a(np.array([(seed + name).encode() for name in names]))
    outer = hash_fnv1a(np.array([str(number).encode() for number in inner]))
    return np.asarray(outer % 10_000 / 10_000)


def assign_variants(experiment: Experiment, names: list[str]) -> Ints:
    """Index of the variant each user gets, for ever: by hash and cumulated weights."""
    ends = np.cumsum(experiment.weights)
    found = np.searchsorted(ends, hash_unit(experiment.key, names), side="right")
    return np.minimum(found, len(ends) - 1).astype(np.int64)


def session_variants(plan: DemoPlan, experiment: Experiment, sessions: Sessions) -> Ints:
    """Variant index of each session's user, -1 for sessions begun before the experiment."""
    units, place = np.unique(sessions.unit, return_inverse=True)
    variants = assign_variants(experiment, user_names(units).to_pylist())
    return np.where(sessions.at_us >= experiment.at_us, variants[place], NO_VARIANT)


def first_sights(experiment: Experiment, sessions: Sessions, seen: Ints) -> tuple[Ints, Ints]:
    """Indices of the sessions in which a user meets the experiment first, and all seen by then.

    ``seen`` holds the users (sorted) who met it on earlier days.
    """
    running = np.flatnonzero(sessions.at_us >= experiment.at_us)
    units, place = np.unique(sessions.unit[running], return_index=True)
    fresh: Flags = ~np.isin(units, seen, assume_unique=True)
    return np.sort(running[place[fresh]]), np.union1d(seen, units[fresh])


def build_exposures(plan: DemoPlan, sessions: Sessions,
                    sights: tuple[Ints, ...]) -> tuple[pa.Table, pa.Table]:
    """Rows of ``exposures`` and ``outcomes`` for a day's first sights, one list per experiment.

    An exposure comes a second after the session's start; each metric of the experiment comes
    once, one to twenty minutes later.
    """
    rng = np.random.default_rng([plan.seed, sessions.day, 5])
    shown: list[pa.Table] = []
    measured: list[pa.Table] = []
    for experiment, chosen in zip(effects_of(plan).experiments, sights, strict=True):
        names = user_names(sessions.unit[chosen])
        variants = assign_variants(experiment, names.to_pylist())
        at_us = sessions.at_us[chosen] + SECOND_US
        who = {"workspace_id": name_of(WORKSPACE_IDS, sessions.workspace[chosen]),
               "user_id": names, "unit_id": names,
               "session_id": join(f"demo-{plan.key}-s-{sessions.day}-", chosen)}
        shown.append(_number(build("exposures", at_us, plan.key, sessions.day, {
            **who, "experiment_key": pa.repeat(experiment.key, len(chosen)),
            "variant": name_of(experiment.variants, variants)}), experiment.key))
        for measure in experiment.measures:
            later = at_us + (rng.uniform(60, 1_200, len(chosen)) * SECOND_US).astype(np.int64)
            measured.append(_number(build("outcomes", later, plan.key, sessions.day, {
                **who, "metric": pa.repeat(measure.metric, len(chosen)),
                "value": draw_values(rng, measure, variants)}),
                f"{experiment.key}-{measure.metric}"))
    return (pa.concat_tables(shown).sort_by("at_utc"),
            pa.concat_tables(measured).sort_by("at_utc"))


def draw_values(rng: np.random.Generator, measure: Measure, variants: Ints) -> Floats:
    """One value per unit whose expectation is the variant's mean.

    A log-normal with mean m and sigma s has the exponent's mean log m - s^2 / 2.
    """
    mean = np.array(measure.means)[variants]
    if measure.law == "bernoulli":
        return np.asarray(rng.random(len(mean)) < mean, dtype=np.float64)
    if measure.law == "poisson":
        return np.asarray(rng.poisson(mean), dtype=np.float64)
    if measure.law == "lognormal":
        return np.asarray(rng.lognormal(np.log(mean) - measure.spread ** 2 / 2, measure.spread))
    return np.asarray(rng.normal(mean, measure.spread))


def _number(table: pa.Table, part: str) -> pa.Table:
    """The table with ids that name its part too, so that parts of one kind do not collide."""
    return table.set_column(0, "event_id", join(table["event_id"].combine_chunks(), f"-{part}"))
