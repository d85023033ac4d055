"""Drivers of a change of cost: they say what moved, and add up to it exactly."""

from decimal import Decimal, localcontext

from hypothesis import example, given
from hypothesis import strategies as st

from analytics.cost_drivers import Change, Drivers, Item, explain_change


def item(name: str, quantity: int, usd: str, part: str = "input", unit: str = "tokens") -> Item:
    return Item(name, part, quantity, Decimal(usd), unit)


def told(drivers: Drivers) -> tuple[Decimal, Decimal, Decimal]:
    return drivers.volume_usd, drivers.mix_usd, drivers.price_usd


def test_twice_as_much_of_everything_is_volume() -> None:
    change = explain_change([item("a", 100, "10"), item("b", 50, "20")],
                            [item("a", 200, "20"), item("b", 100, "40")], 10, 15)
    assert told(change.total) == (30, 0, 0)
    # 1.5 times the requests explain 30 x 0.5 = 15 of it; each is a third larger, the other 15
    assert (change.total.requests_usd, change.total.size_usd) == (15, 15)


def test_a_shift_to_the_dearer_model_is_mix() -> None:
    # 150 tokens both times; 50 go from a at 0.1 to b at 0.4: 50 x (0.4 - 0.1) = 15
    change = explain_change([item("a", 100, "10"), item("b", 50, "20")],
                            [item("a", 50, "5"), item("b", 100, "40")], 3, 3)
    assert told(change.total) == (0, 15, 0)
    assert [(each.name, each.mix_usd) for each in change.by_name] == [("b", 20), ("a", -5)]


def test_another_unit_cost_is_price() -> None:
    change = explain_change([item("a", 100, "10")], [item("a", 100, "7")], 1, 1)
    assert told(change.total) == (0, 0, -3)


def test_all_three_at_once() -> None:
    # Q 100 -> 150; volume 10 x 0.5 = 5; a: 90 x 0.1 - 15 = -6 mix, 60 tokens of new b at 0.5 = 30
    # mix; price of a: 18 - 90 x 0.1 = 9. 10 + 5 + 24 + 9 = 48 = 18 + 30
    change = explain_change([item("a", 100, "10")],
                            [item("a", 90, "18"), item("b", 60, "30")], 1, 1)
    assert told(change.total) == (5, 24, 9)
    assert change.total.change_usd == 38


def test_what_is_gone_and_what_was_never_there() -> None:
    gone = explain_change([item("a", 10, "1")], [], 1, 0)
    assert told(gone.total) == (-1, 0, 0)
    first = explain_change([], [item("a", 10, "1")], 0, 1)
    assert told(first.total) == (1, 0, 0)
    assert told(explain_change([], [], 0, 0).total) == (0, 0, 0)


def test_prices_per_request_are_not_added_to_tokens() -> None:
    before = [item("a", 1_000, "1"), item("a", 10, "0.1", "request", "requests")]
    after = [item("a", 1_000, "1"), item("a", 20, "0.2", "request", "requests")]
    assert told(explain_change(before, after, 10, 20).total) == (Decimal("0.1"), 0, 0)


amounts = st.decimals(0, 10**9, places=12)
items = st.lists(st.builds(Item, st.sampled_from("abc"), st.sampled_from(("input", "output")),
                           st.integers(0, 10**12), amounts,
                           st.sampled_from(("tokens", "requests"))), max_size=8)


LARGE = [item("a", 648, "999999999.999999999999")], [item("a", 11_840_899_661, "0")]


@example(*LARGE, 0, 0)
@given(items, items, st.integers(0, 10**9), st.integers(0, 10**9))
def test_drivers_add_up_to_the_last_digit(before: list[Item], after: list[Item], asked_before: int,
                                          asked_after: int) -> None:
    change: Change = explain_change(before, after, asked_before, asked_after)
    with localcontext(prec=60):  # by default these sums, not their parts, would be rounded
        change_usd = sum((each.cost_usd for each in after), Decimal(0)) - sum(
            (each.cost_usd for each in before), Decimal(0))
        assert sum(told(change.total)) == change.total.change_usd == change_usd
        assert change.total.requests_usd + change.total.size_usd == change.total.volume_usd
        for each in change.by_name:
            assert sum(told(each)) == each.change_usd
        for place in range(3):
            assert sum(told(each)[place] for each in change.by_name) == told(change.total)[place]
