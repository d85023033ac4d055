"""``brain prometheus``: the questions asked of Prometheus, and rules for its adapter."""

from argparse import Namespace

from brain.cli.command import Command


def list_figures(arguments: Namespace) -> None:
    """Print every figure with its question, as the settings have them."""
    from brain.cli.output import show
    from brain.promql import figures
    from brain.settings import load
    show([{"figure": each.name, "unit": each.unit, "meaning": each.meaning,
           "promql": each.promql} for each in figures(load().prometheus).values()],
         arguments.json)


def export_rules(arguments: Namespace) -> None:
    """Print the rules as YAML, ready for the adapter's configuration."""
    from brain.promql import adapter_rules
    if arguments.json:
        from brain.cli.output import show
        show(adapter_rules(), as_json=True)
        return
    import yaml
    print("# Rules for prometheus-adapter, written by `brain prometheus adapter-rules`.")
    print(yaml.safe_dump(adapter_rules(), sort_keys=False, width=100), end="")


COMMANDS: tuple[Command, ...] = (
    Command("prometheus", "figures", "List the figures read from Prometheus with their PromQL.",
            run=list_figures),
    Command("prometheus", "adapter-rules", "Print rules for prometheus-adapter: requests per "
            "second, p95 of the query duration and active connections of each pod.",
            run=export_rules),
)
