"""``brain demo``, ``brain data`` and ``brain prices``: what is in the stores."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show


def _call(arguments: Namespace, verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def write_demo(arguments: Namespace) -> int:
    """Write demonstration data."""
    done = _call(arguments, "write_demo", events=arguments.events)
    show(done if arguments.json else f"{done['events']:,} demonstration events written",
         arguments.json)
    return 0


def remove_demo(arguments: Namespace) -> int:
    """Remove demonstration data."""
    done = _call(arguments, "remove_demo")
    show(done if arguments.json else f"{done['events']:,} demonstration events removed",
         arguments.json)
    return 0


def show_status(arguments: Namespace) -> int:
    """Print the state of the stores; 1 if something acknowledged is missing."""
    status = _call(arguments, "status")
    if arguments.json:
        show(status, True)
    else:
        rows = [{"what": f"events: {kind}", "value": f"{rows:,}"}
                for kind, rows in status["events"].items()]
        rows += [{"what": name.replace("_", " "), "value": f"{status[name]:,}"}
                 for name in ("event_store_bytes", "spool_bytes", "state_bytes")]
        rows += [{"what": f"waiting: {name}", "value": f"{value:,}"}
                 for name, value in status["waiting"].items()]
        rows += [{"what": "fault", "value": fault} for fault in status["faults"]]
        show(rows, False)
    return 1 if status["faults"] else 0


def verify(arguments: Namespace) -> int:
    """Compare what is there with what was accepted; 1 if they differ."""
    done = _call(arguments, "verify")
    show(done if arguments.json else "\n".join(done["faults"]) or "all that was accepted is there",
         arguments.json)
    return 1 if done["faults"] else 0


def rebuild(arguments: Namespace) -> int:
    """Compute rollups anew from the events."""
    done = _call(arguments, "rebuild", start=arguments.start, end=arguments.end)
    show(done if arguments.json else f"{done['hours']:,} hours rebuilt", arguments.json)
    return 0


def show_totals(arguments: Namespace) -> int:
    """Print requests, tokens and cost of a range, exact."""
    done = _call(arguments, "totals", range=arguments.range, workspaces=arguments.workspace,
                 models=arguments.model, agents=arguments.agent)
    show(done, arguments.json)
    return 0


def settle(arguments: Namespace) -> int:
    """Move, roll up and write down everything that waits."""
    done = _call(arguments, "settle")
    show(done if arguments.json else "everything accepted is in the event store and rolled up",
         arguments.json)
    return 0


def list_prices(arguments: Namespace) -> int:
    """Print rows of the price book."""
    rows = _call(arguments, "prices", model=arguments.model)
    if not arguments.json:
        rows = [{"id": row["price_id"], "provider": row["provider"], "model": row["model"],
                 "origin": row["origin"], "from": row["valid_from_utc"][:10],
                 "to": row["valid_to_utc"][:10], "tier from": row["tier_from_tokens"],
                 "input": row["input_usd_per_mtok"], "output": row["output_usd_per_mtok"],
                 "withdrawn": row["withdrawn"]} for row in rows]
    show(rows, arguments.json)
    return 0


def add_price(arguments: Namespace) -> int:
    """Append a price and make the costs of its span anew."""
    done = _call(
        arguments, "add_price", provider=arguments.provider, model=arguments.model,
        input_usd_per_mtok=arguments.input, output_usd_per_mtok=arguments.output,
        cache_read_usd_per_mtok=arguments.cache_read,
        cache_write_usd_per_mtok=arguments.cache_write, request_usd=arguments.request,
        valid_from_utc=arguments.start, valid_to_utc=arguments.end,
        tier_from_tokens=arguments.tier_from, context=arguments.context,
        discount_pct=arguments.discount)
    if arguments.json:
        show(done, True)
    else:
        show(f"price {done['price']['price_id']} added", False)
        for reason in done["reasons"]:
            show(f"note: {reason['text']}", False)
    return 0


def withdraw_price(arguments: Namespace) -> int:
    """Withdraw a price, or restore it."""
    done = _call(arguments, "withdraw_price", price_id=arguments.price_id,
                 withdrawn=not arguments.restore)
    word = "restored" if arguments.restore else "withdrawn"
    show(done if arguments.json else f"price {arguments.price_id} {word}", arguments.json)
    return 0


def import_prices(arguments: Namespace) -> int:
    """Take over a price list."""
    path = Path(arguments.file)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path.name} cannot be read: {error}", "unreadable") from error
    done = _call(arguments, "import_prices", text=text, name=path.name[:200],
                 start=arguments.start)
    if arguments.json:
        show(done, True)
    elif done["version"] is None:
        show(f"nothing new: the prices of {done['models']:,} models are in the book", False)
    else:
        show(f"version {done['version']}: {done['appended']:,} prices of {done['models']:,} models "
             f"added, {done['withdrawn']:,} of an earlier list withdrawn", False)
    return 0


def list_versions(arguments: Namespace) -> int:
    """Print versions of the price book."""
    rows = _call(arguments, "price_versions", limit=arguments.limit)
    show(rows if arguments.json else [row | {"at_utc": row["at_utc"][:16]} for row in rows],
         arguments.json)
    return 0


def take_back(arguments: Namespace) -> int:
    """Take a version of the price book back."""
    done = _call(arguments, "take_back_prices", version=arguments.version)
    show(done if arguments.json else f"{done['prices']:,} prices hold no longer, or hold again",
         arguments.json)
    return 0


COMMANDS = (
    Command("demo", "write", "Write 30 days of demonstration data, marked Demo.", (
        Option("--events", "How many events, about.", kind=int),), run=write_demo),
    Command("demo", "remove", "Remove all demonstration data.", run=remove_demo),
    Command("data", "status", "Show what the stores hold and what waits.", run=show_status),
    Command("data", "verify", "Compare what is there with what was acknowledged.", run=verify),
    Command("data", "rebuild", "Compute rollups anew from the events.", (
        Option("--start", "First moment, ISO 8601, UTC where no zone is given.", metavar="TIME"),
        Option("--end", "Moment after the last.", metavar="TIME")), run=rebuild),
    Command("data", "totals", "Show requests, tokens and cost of a range, exact.", (
        Option("--range", "As the pages take it: 24h, 7d, 2026-10, 2026-10-05.", default="24h"),
        Option("--workspace", "Only this workspace; may be given again.", many=True),
        Option("--model", "Only this model; may be given again.", many=True),
        Option("--agent", "Only this agent; may be given again.", many=True)), run=show_totals),
    Command("data", "settle", "Move, roll up and write down everything that waits.", run=settle),
    Command("prices", "list", "List rows of the price book.", (
        Option("--model", "Only models whose name holds this."),), run=list_prices),
    Command("prices", "add", "Append a contract price, USD per million tokens.", (
        Option("--model", "The model; empty, with a discount, for all of the provider.",
               required=True),
        Option("--provider", "The provider; empty for any.", default=""),
        Option("--input", "USD per million uncached input tokens.", metavar="USD"),
        Option("--output", "USD per million output tokens.", metavar="USD"),
        Option("--cache-read", "USD per million tokens read from the cache.", metavar="USD"),
        Option("--cache-write", "USD per million tokens written to the cache.", metavar="USD"),
        Option("--request", "USD per request.", metavar="USD"),
        Option("--tier-from", "Prompt tokens from which it holds.", kind=int),
        Option("--context", "Words that requests must have: batch, flex, priority, a region."),
        Option("--discount", "Per cent off list prices, in the place of amounts.",
               metavar="PCT"),
        Option("--start", "First moment, ISO 8601, UTC where no zone is given.", metavar="TIME"),
        Option("--end", "Moment after the last.", metavar="TIME")), run=add_price),
    Command("prices", "withdraw", "Withdraw a price; it stays in the book.", (
        Option("price_id", "Its number.", kind=int, required=True),
        Option("--restore", "Let it hold again.", flag=True)), run=withdraw_price),
    Command("prices", "import", "Take over a price list in the form of LiteLLM's "
            "model_prices_and_context_window.json.", (
                Option("file", "The file.", required=True),
                Option("--start", "When its prices begin to hold, ISO 8601, or always; else "
                       "today.", metavar="TIME")), run=import_prices),
    Command("prices", "versions", "List versions of the price book, latest first.", (
        Option("--limit", "How many.", kind=int, default=20),), run=list_versions),
    Command("prices", "take-back", "Take back what a version of the price book changed.", (
        Option("version", "Its number.", kind=int, required=True),), run=take_back),
)
