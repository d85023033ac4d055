"""The doughnut of pods: every part has its word and number, and a sign beside its colour."""

from pages.ui.health_charts import PHASES, doughnut


def test_parts_are_named_and_counted_and_empty_ones_left_out() -> None:
    ring = doughnut({"Running": 5, "Pending": 1, "Failed": 0}, "pods")
    (part,) = ring.data
    assert (list(part.labels), list(part.values)) == (["Running", "Pending"], [5, 1])
    assert part.textinfo == "label+value"
    assert ring.layout.annotations[0].text == "6 pods"


def test_no_two_phases_look_the_same_without_colour() -> None:
    patterns = [shape for _, shape in PHASES.values()]
    assert len(set(patterns)) == len(patterns)
    assert doughnut({"Failed": 2}, "pods").data[0].marker.pattern.shape == (PHASES["Failed"][1],)
