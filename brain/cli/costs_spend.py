"""``brain costs drivers``, ``breakdown`` and ``reprice``: why spend changed, and other prices."""

from argparse import Namespace
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.command import Command, Option
from brain.cli.machine import Form, ReasonOut
from brain.cli.output import show
from brain.decisions.reasons import InputError

Count = Annotated[int, msgspec.Meta(ge=0, le=10**18)]
_MOST_USD = Decimal(10) ** 15


class ItemIn(msgspec.Struct, forbid_unknown_fields=True):
    """What one thing with a price took and cost: ``name`` is what the answer tells it by, such as
    the model, ``part`` what else sets it apart, such as the class of tokens."""

    name: Annotated[str, msgspec.Meta(max_length=256)]
    quantity: Count
    cost_usd: Decimal
    part: Annotated[str, msgspec.Meta(max_length=256)] = ""
    unit: Literal["tokens", "requests"] = "tokens"


class DriversIn(msgspec.Struct, forbid_unknown_fields=True):
    """Two spans, item by item, and how many requests each had."""

    before: list[ItemIn]
    after: list[ItemIn]
    requests_before: Count = 0
    requests_after: Count = 0


class DriversPart(msgspec.Struct, frozen=True):
    """volume + mix + price is the change; requests + size is the volume. Exact decimal text."""

    before_usd: str
    after_usd: str
    change_usd: str
    volume_usd: str
    mix_usd: str
    price_usd: str
    requests_usd: str
    size_usd: str


class DriversOut(msgspec.Struct, frozen=True):
    """The whole change, and its parts by name, which add up to it; largest change first."""

    total: DriversPart
    by_name: dict[str, DriversPart]
    reasons: list[ReasonOut]


def prepare_drivers(_: Namespace) -> Callable[[DriversIn], DriversOut]:
    """The function that explains one change of cost."""
    from analytics.cost_drivers import Drivers, Item, explain_change

    def part(found: Drivers) -> DriversPart:
        return DriversPart(*(_to_text(getattr(found, name))
                             for name in DriversPart.__struct_fields__))

    def items(given: list[ItemIn], place: str) -> list[Item]:
        for number, each in enumerate(given):
            if not each.cost_usd.is_finite() or abs(each.cost_usd) > _MOST_USD:
                raise InputError("out_of_range", "cost_usd must be a number up to 10^15",
                                 f"{place}[{number}].cost_usd")
            if each.cost_usd != round(each.cost_usd, 12):
                raise InputError("too_fine", "cost_usd may have at most 12 decimals",
                                 f"{place}[{number}].cost_usd")
        return [Item(each.name, each.part, each.quantity, each.cost_usd, each.unit)
                for each in given]

    def explain(given: DriversIn) -> DriversOut:
        found = explain_change(items(given.before, "before"), items(given.after, "after"),
                               given.requests_before, given.requests_after)
        total = found.total
        largest = max((("volume", total.volume_usd), ("mix", total.mix_usd),
                       ("price", total.price_usd)), key=lambda each: abs(each[1]))
        reason = ReasonOut("unchanged", "Nothing changed.") if not total.change_usd else ReasonOut(
            f"mostly_{largest[0]}", f"The cost changed by {_to_text(total.change_usd)} USD; the "
            f"largest driver is {largest[0]} with {_to_text(largest[1])} USD.")
        return DriversOut(part(total), {each.name: part(each) for each in found.by_name}, [reason])
    return explain


def _to_text(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_breakdown(arguments: Namespace) -> int:
    """Print spend by one or two dimensions, exact."""
    done = _call("cost_breakdown", range=arguments.range, by=arguments.by or ["Model"],
                 workspaces=arguments.workspace or [], limit=arguments.limit)
    if arguments.json:
        show(done, True)
    else:
        show([{name: str(value) for name, value in row.items()} for row in done["rows"]], False)
        show(f"total {done['total_usd']} USD of {done['requests']:,} requests, "
             f"{done['unpriced_requests']:,} without a price", False)
    return 0


def show_changes(arguments: Namespace) -> int:
    """Print what drove the change of cost against the span before."""
    done = _call("cost_drivers", range=arguments.range, workspaces=arguments.workspace or [])
    show(done if arguments.json else [
        {"name": name or "all", **{key: str(value) for key, value in row.items()}}
        for name, row in [("", done["total"]), *done["by_name"].items()]], arguments.json)
    return 0


def reprice(arguments: Namespace) -> int:
    """Price a span in two ways and print the difference by model."""
    done = _call("reprice", range=arguments.range, base=arguments.base, other=arguments.other,
                 workspaces=arguments.workspace or [])
    if arguments.json:
        show(done, True)
        return 0
    show([{"model": row["model"], "context": row["price_context"], "requests": row["requests"],
           done["base"]: row["base_usd"], done["other"]: row["other_usd"],
           "difference": row["difference_usd"]} for row in done["rows"]], False)
    show(f"{done['base']} {done['base_usd']} USD, {done['other']} {done['other_usd']} USD, "
         f"difference {done['difference_usd']} USD", False)
    return 0


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **given)


_RANGE = Option("--range", "As the pages take it: 24h, 7d, 2026-10, 2026-10-05.", default="24h")
_WORKSPACE = Option("--workspace", "Only this workspace; may be given again.", many=True)
SPEND_COMMANDS: tuple[Command, ...] = (
    Command("costs", "drivers", "Two spans, item by item: volume, mix and price of the change.",
            form=Form(DriversIn, DriversOut, prepare_drivers)),
    Command("costs", "breakdown", "Show spend by one or two dimensions, exact.", (
        _RANGE, Option("--by", "Model, Provider, Workspace, Agent, User, Feature, Variant, API "
                       "key, Price context, Day or Hour; may be given twice.", many=True),
        _WORKSPACE, Option("--limit", "How many rows.", kind=int, default=100)),
        run=show_breakdown),
    Command("costs", "changes", "Show what drove the change of cost against the span before.", (
        _RANGE, _WORKSPACE), run=show_changes),
    Command("costs", "reprice", "Price a range in two ways, with the difference by model; noted "
            "in the record.", (
                _RANGE, Option("--base", "Prices to begin from: billed, current, today, list or "
                               "version:N.", default="billed"),
                Option("--other", "Prices to compare them with, in the same words.",
                       default="today"),
                _WORKSPACE), run=reprice),
)
