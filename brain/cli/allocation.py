"""``brain allocation``: how requests are divided among routes, tried, set, stopped, undone."""

from argparse import Namespace
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show

POLICIES = ("thompson", "ucb1", "kl_ucb", "ucb", "epsilon_greedy", "uniform")
"""The rules of `brain.decisions.bandits`, whose numerical libraries would slow every command."""

_NUMBERS = {
    "floor_ratio": "Least share of each route, 0 to 1.",
    "half_life_h": "Hours after which a choice counts half; 0 for never.",
    "window_days": "Days after which a choice counts nothing.",
    "reward_per_usd": "Reward, of quality 0 to 1, that a USD is worth.",
    "reward_per_s": "Reward that a second is worth.",
    "max_error_ratio": "Share of failed calls beyond which a route is stopped.",
    "min_quality": "Mean quality, 0 to 1, beneath which a route is stopped."}


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **given)


def list_all(arguments: Namespace) -> None:
    """Print every allocation with its shares."""
    rows = _call("allocations")
    if not arguments.json:
        rows = [{"allocation": each["policy"]["policy_id"]
                 + (" (Demo)" if each["policy"]["is_demo"] else ""),
                 "mode": each["policy"]["mode"],
                 "workspace": each["policy"]["workspace_id"] or "any",
                 "task": each["policy"]["task_class"] or "any", "rule": _rule(each["policy"]),
                 "shares": _shares(each["shares"]) or "none yet",
                 "stopped": ", ".join(stop["route"] for stop in each["stopped"])} for each in rows]
    show(rows, arguments.json)


def show_one(arguments: Namespace) -> None:
    """Print one allocation and what each route did."""
    found = _call("allocation", policy_id=arguments.allocation)
    if arguments.json:
        show(found, True)
        return
    show({name: value for name, value in found["policy"].items() if value not in ("", [])}, False)
    print()
    stopped = {each["route"]: each["reason"] for each in found["stopped"]}
    show([{"route": each["route"], "share": f"{found['shares'].get(each['route'], 0):.1%}",
           "next": f"{found['next']['shares'].get(each['route'], 0):.1%}",
           "choices": each["choices"], "failed": each["errors"], "judged": each["rated"],
           "quality": "unknown" if not each["rated"] else
           f"{each['rated_sum'] / each['rated']:.3f}", "pending": each["pending"],
           "stopped": stopped.get(each["route"], "")} for each in found["routes_seen"]], False)


def set_one(arguments: Namespace) -> None:
    """Tell what an allocation would do; with --apply set it."""
    given: dict[str, Any] = {name: getattr(arguments, name) for name in (
        "workspace_id", "task_class", "mode", "rule", *_NUMBERS)
        if getattr(arguments, name) is not None}
    if arguments.routes is not None:
        given["routes"] = [each.strip() for each in arguments.routes.split(",") if each.strip()]
    if arguments.context is not None:
        given["context"] = arguments.context == "yes"
    found = _call("set_allocation", policy_id=arguments.allocation, dry_run=not arguments.apply,
                  **given)
    if arguments.json:
        show(found, True)
        return
    policy = found["policy"]
    print(f"{policy['policy_id']}: mode {policy['mode']}, {_rule(policy)}. "
          + ("Set." if found["applied"] else "A dry run: nothing was changed; --apply sets it."))
    print(f"Shares next: {_shares(found['next']['shares']) or 'none before choices were made'}.")
    for each in found["next"]["reasons"]:
        print(each["text"])


def stop(arguments: Namespace) -> None:
    """Let an allocation choose a route no more."""
    show_stops(_call("stop_route", policy_id=arguments.allocation, route=arguments.route,
                     reason=arguments.reason or ""), arguments.json)


def resume(arguments: Namespace) -> None:
    """Let a stopped route be chosen again."""
    show_stops(_call("resume_route", policy_id=arguments.allocation, route=arguments.route),
               arguments.json)


def show_stops(found: dict[str, Any], as_json: bool) -> None:
    """Print what is stopped."""
    show(found if as_json else [{"route": each["route"], "since (UTC)": each["at_utc"][:16].replace(
        "T", " "), "by": each["person"], "why": each["reason"]} for each in found["stopped"]],
        as_json)


def undo(arguments: Namespace) -> None:
    """Take the last change of an allocation back."""
    found = _call("undo_allocation", policy_id=arguments.allocation)
    show(found if arguments.json else f"{arguments.allocation} is " + (
        "gone again." if found["policy"] is None else "as before its last change."),
        arguments.json)


def remove(arguments: Namespace) -> None:
    """Take an allocation away."""
    found = _call("remove_allocation", policy_id=arguments.allocation)
    show(found if arguments.json else f"{arguments.allocation} is gone; its history stays.",
         arguments.json)


def _rule(policy: dict[str, Any]) -> str:
    return policy["rule"] + (" by context" if policy["context"] else "")


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{route} {share:.1%}" for route, share in shares.items())


_WHICH = Option("allocation", "Its name.", required=True)
_ROUTE = Option("route", "Provider/model.", required=True)
COMMANDS: tuple[Command, ...] = (
    Command("allocation", "list", "List allocations with their shares.", run=list_all),
    Command("allocation", "show", "Show an allocation and what each route did.", (_WHICH,),
            run=show_one),
    Command("allocation", "set", "Tell what an allocation would do; with --apply set it.", (
        _WHICH,
        Option("--workspace-id", "Only this workspace; empty for every one.", metavar="ID"),
        Option("--task-class", "Only this sort of task; empty for every one.", metavar="NAME"),
        Option("--mode", "Whether requests follow it.", choices=("off", "dry_run", "on")),
        Option("--routes", "Provider/model, separated by commas; empty for all.",
               metavar="ROUTES"),
        Option("--rule", "How shares are decided.", choices=POLICIES),
        Option("--context", "Decide by the request's features too (LinTS with thompson, LinUCB "
               "with ucb).", choices=("yes", "no")),
        *(Option(f"--{name.replace('_', '-')}", meaning, float, metavar="NUMBER")
          for name, meaning in _NUMBERS.items()),
        Option("--apply", "Set it; without, nothing changes.", flag=True)), run=set_one),
    Command("allocation", "stop", "Let an allocation choose a route no more.", (
        _WHICH, _ROUTE, Option("--reason", "Why.", metavar="TEXT")), run=stop),
    Command("allocation", "resume", "Let a stopped route be chosen again, its past forgiven.",
            (_WHICH, _ROUTE), run=resume),
    Command("allocation", "undo", "Take the last change of an allocation back.", (_WHICH,),
            run=undo),
    Command("allocation", "remove", "Take an allocation away; its history stays.", (_WHICH,),
            run=remove),
)
