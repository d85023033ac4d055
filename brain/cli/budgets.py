"""``brain budgets``: the stored budgets, what they told, and what the kill switch stopped."""

from argparse import Namespace
from decimal import Decimal, InvalidOperation
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show

SCOPES = ("platform", "workspace", "model", "provider", "agent", "user", "api_key", "experiment",
          "region")


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def list_budgets(arguments: Namespace) -> None:
    """Print every budget with how it stands."""
    rows = _call("budgets", scope=arguments.scope)
    show(rows if arguments.json else [_short(row) for row in rows], arguments.json)


def set_budget(arguments: Namespace) -> None:
    """Add a budget, or change the one with its id."""
    row = _call("set_budget", budget_id=arguments.budget_id, amount_usd=arguments.amount_usd,
                scope=arguments.scope, name=arguments.name, window=arguments.window,
                time_zone=arguments.time_zone, reset_day=arguments.reset_day,
                hard=arguments.hard, at_cap=arguments.at_cap,
                fallback_model=arguments.fallback_model, throttle_s=arguments.throttle_s,
                alert_pcts=arguments.alert_pcts)
    show(row if arguments.json else [_short(row)], arguments.json)


def remove_budget(arguments: Namespace) -> None:
    """Take a budget away."""
    show(_call("remove_budget", budget_id=arguments.budget_id), arguments.json)


def undo_budget(arguments: Namespace) -> None:
    """Undo the last change of a budget."""
    answer = _call("undo_budget", budget_id=arguments.budget_id)
    if arguments.json:
        show(answer, True)
    else:
        print(f"{answer['budget_id']}: " + (
            "not there, as before" if answer["budget"] is None
            else f"{answer['budget']['amount_usd']} USD, as before"))


def list_alerts(arguments: Namespace) -> None:
    """Print what budgets told, oldest first."""
    rows = _call("budget_alerts", days=arguments.days)
    if not arguments.json:
        rows = [{"at (UTC)": row["at_utc"][:16].replace("T", " "), "severity": row["severity"],
                 "budget": row["budget_id"], "message": row["message"]} for row in rows]
    show(rows, arguments.json)


def list_stops(arguments: Namespace) -> None:
    """Print what is stopped."""
    show(_call("budget_stops"), arguments.json)


def stop(arguments: Namespace) -> None:
    """Stop an agent or an experiment."""
    show(_call("stop_spending", what=arguments.kind, name=arguments.name,
               reason=arguments.reason), arguments.json)


def resume(arguments: Namespace) -> int:
    """0 if it was stopped and goes on, else 1."""
    answer = _call("resume_spending", what=arguments.kind, name=arguments.name)
    show(answer if arguments.json else
         "It goes on." if answer["resumed"] else "It was not stopped.", arguments.json)
    return 0 if answer["resumed"] else 1


def _short(row: dict[str, Any]) -> dict[str, str]:
    """A status in one line: amounts to the cent."""
    expected = "unknown" if row["projected_usd"] is None else (
        f"{_cents(row['projected_usd'])} ({_cents(row['lower_usd'])} to "
        f"{_cents(row['upper_usd'])})")
    return {"budget": row["budget_id"], "of": f"{row['scope']} {row['name']}".strip(),
            "window": row["window"], "USD": _cents(row["amount_usd"]),
            "spent": _cents(row["spent_usd"]), "used %": f"{row['used_pct']:.1f}",
            "projected (80 %)": expected, "verdict": row["verdict"],
            "runs out (UTC)": (row["runs_out_utc"] or "")[:16].replace("T", " "),
            "at cap": row["at_cap"] if row["hard"] else "alert"}


def _cents(text: str) -> str:
    return f"{Decimal(text):,.2f}"


def _amount(text: str) -> str:
    try:
        Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no amount") from error
    return text


def _pcts(text: str) -> list[int]:
    return [int(each) for each in text.split(",") if each.strip()]


_ID = Option("budget_id", "The budget's id.", required=True)
_KIND = Option("kind", "What it is.", required=True, choices=("route", "experiment"))
_NAME = Option("name", "The agent's id, or the experiment's key.", required=True)
COMMANDS: tuple[Command, ...] = (
    Command("budgets", "list", "List every budget: spent, projected, on track or not.", (
        Option("--scope", "Only budgets of this scope.", choices=SCOPES),), run=list_budgets),
    Command("budgets", "set", "Add a budget, or replace the one with its id.", (
        _ID,
        Option("amount_usd", "USD in each window.", kind=_amount, required=True),
        Option("--scope", "Whose spend counts.", choices=SCOPES, default="platform"),
        Option("--name", "Which workspace, model and so on; the platform has none.", default=""),
        Option("--window", "How often it begins anew.", choices=("hour", "day", "week", "month"),
               default="month"),
        Option("--time-zone", "Where its day begins.", default="UTC", metavar="ZONE"),
        Option("--reset-day", "Day it begins: 1 to 7 from Monday for a week, 1 to 31 for a month.",
               kind=int, default=1, metavar="DAY"),
        Option("--hard", "Also act at the cap.", flag=True),
        Option("--at-cap", "What a hard budget does.",
               choices=("block", "cheaper_model", "throttle"), default="block"),
        Option("--fallback-model", "The model that cheaper_model falls back to.", default="",
               metavar="MODEL"),
        Option("--throttle-s", "The pause of throttle.", kind=int, default=60, metavar="SECONDS"),
        Option("--alert-pcts", "Percent at which to alert, such as 50,80,100; those of the scope "
               "where left out.", kind=_pcts, metavar="LIST")), run=set_budget),
    Command("budgets", "remove", "Take a budget away; undo brings it back.", (_ID,),
            run=remove_budget),
    Command("budgets", "undo", "Undo the last change of a budget; again, and it is back.",
            (_ID,), run=undo_budget),
    Command("budgets", "alerts", "List what budgets told, oldest first.", (
        Option("--days", "Of how many days.", kind=int, default=31),), run=list_alerts),
    Command("budgets", "stops", "List routes and experiments that are stopped.",
            run=list_stops),
    Command("budgets", "stop", "Stop the spending of a route (an agent) or an experiment.", (
        _KIND, _NAME, Option("--reason", "Why.", default="stopped by hand")), run=stop),
    Command("budgets", "resume", "Let a stopped route or experiment go on. Exit status 1 where "
            "it was not stopped.", (_KIND, _NAME), run=resume),
)
