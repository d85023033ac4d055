"""Every rejected value says which rule it broke; the others are taken."""

import pytest

from brain.decisions.optimization.configuration import (
    MEANINGS,
    NAMES,
    Configuration,
    check_configuration,
    require_configuration,
)
from brain.decisions.reasons import InputError


@pytest.mark.parametrize(("given", "broken"), [
    ({"interval_min": 0.5}, [("interval_min", "out_of_range")]),
    ({"interval_min": "1440"}, []),
    ({"interval_min": "nan"}, [("interval_min", "not_finite")]),
    ({"rollback_threshold": -0.1}, [("rollback_threshold", "out_of_range")]),
    ({"rollback_threshold": 1}, []),
    ({"rollback_attempts": 2.5}, [("rollback_attempts", "not_whole")]),
    ({"rollback_attempts": 0}, []),
    ({"window_s": "soon"}, [("window_s", "not_a_number")]),
    ({"automatic": 1}, [("automatic", "not_a_bool")]),
    ({"actuator": "magic"}, [("actuator", "unknown_actuator")]),
    ({"speed": 1}, [("speed", "unknown_field")]),
    ({"emergency_cpu_pct": 70}, [("emergency_cpu_pct", "wrong_order")]),
    ({"emergency_cpu_pct": 60, "proactive_cpu_pct": 50}, []),
    ({"efficiency_cpu_pct": 75, "proactive_cpu_pct": 95},
     [("proactive_cpu_pct", "wrong_order"), ("efficiency_cpu_pct", "wrong_order")]),
    ({"least_replicas": 257}, [("least_replicas", "wrong_order")]),
    ({"least_replicas": 256}, []),
    ({"cost_cap_usd_per_h": "none", "interval_min": 7, "queue_low": -1},
     [("queue_low", "out_of_range")]),
])
def test_rules(given: dict[str, object], broken: list[tuple[str, str]]) -> None:
    found, rejected = check_configuration(given)
    assert [(each.field, each.rule) for each in rejected] == broken
    assert all(each.text for each in rejected)
    refused = {each.field for each in rejected}
    for name, value in given.items():
        if name not in refused and value != "none":
            assert str(getattr(found, name)) in (str(value), f"{value}.0")
    assert check_configuration({name: getattr(found, name) for name in NAMES}) == (found, ())


def test_requiring_names_the_first_and_tells_all() -> None:
    with pytest.raises(InputError, match=r"interval_min.*rollback_attempts") as caught:
        require_configuration({"interval_min": 0, "rollback_attempts": 99})
    assert caught.value.field == "interval_min"
    assert set(MEANINGS) == set(NAMES)
    assert require_configuration({}) == Configuration()
