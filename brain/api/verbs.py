"""The engine's verbs as JSON in and JSON out: one table for HTTP and the command line."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from analytics import spans
from brain.api import (
    budgets,
    cost_reports,
    costs,
    experiments,
    gateway,
    gateway_forms,
    knowledge,
    models,
    monitoring,
    optimization,
    providers,
    studio,
    workspaces,
)
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.sources.wire import find_field


class VerbRefused(ValueError):
    """A verb that does not exist or cannot be done with these arguments."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class Rebuild(msgspec.Struct, forbid_unknown_fields=True):
    """Span of the events, ISO 8601, UTC where no zone is given; empty for all."""

    start: str | None = None
    end: str | None = None


class WriteDemo(msgspec.Struct, forbid_unknown_fields=True):
    """About how many events to write."""

    events: Annotated[int, Meta(ge=1_000, le=200_000_000)] | None = None


class Prices(msgspec.Struct, forbid_unknown_fields=True):
    """Only models whose name holds ``model``."""

    model: str = ""


class AddPrice(msgspec.Struct, forbid_unknown_fields=True):
    """A contract price: USD per million tokens and per request, or a discount; see ``Price``."""

    model: str
    provider: str = ""
    source: str = "entered"
    valid_from_utc: str | None = None
    valid_to_utc: str | None = None
    tier_from_tokens: Annotated[int, Meta(ge=0, le=2**62)] = 0
    context: str = ""
    discount_pct: Decimal | None = None
    input_usd_per_mtok: Decimal | None = None
    cache_read_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None


class WithdrawPrice(msgspec.Struct, forbid_unknown_fields=True):
    """Number of the price; ``withdrawn`` false lets it hold again."""

    price_id: Annotated[int, Meta(ge=1, le=2**62)]
    withdrawn: bool = True


class UndoImport(msgspec.Struct, forbid_unknown_fields=True):
    """Which import."""

    import_id: Annotated[str, Meta(max_length=64)]


Names = list[Annotated[str, Meta(max_length=256)]]


class Totals(msgspec.Struct, forbid_unknown_fields=True):
    """A range as the pages take it ("24h", "2026-10", "2026-10-01..2026-10-15"), and filters."""

    range: Annotated[str, Meta(max_length=100)] = "24h"
    workspaces: Names = []
    models: Names = []
    agents: Names = []
    regions: Names = []
    devices: Names = []


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb takes, and what does it."""

    taken: type[msgspec.Struct]
    work: Callable[[Engine, Any], Any]


def run(engine: Engine, verb: str, arguments: Mapping[str, Any]) -> Any:
    """What the verb answers, as JSON-able values.

    Raises VerbRefused for an unknown verb or arguments that do not fit.
    """
    if verb not in VERBS:
        raise VerbRefused("unknown_verb", f"there is no verb {verb[:40]!r}; there are "
                                          f"{', '.join(VERBS)}", "verb")
    chosen = VERBS[verb]
    try:
        return chosen.work(engine, msgspec.convert(arguments, chosen.taken))
    except msgspec.ValidationError as error:
        raise VerbRefused("invalid", str(error)[:500], find_field(str(error))) from error
    except InputError as error:
        raise VerbRefused(error.code, error.message, error.field) from error
    except LookupError as error:
        raise VerbRefused("not_found", str(error.args[0] if error.args else error)) from error


def _status(engine: Engine, _: Nothing) -> Any:
    return asdict(engine.status())


def _settle(engine: Engine, _: Nothing) -> Any:
    engine.settle()
    return {"waiting": asdict(engine.ingestion.waiting())}


def _verify(engine: Engine, _: Nothing) -> Any:
    return {"faults": list(engine.ingestion.verify())}


def _rebuild(engine: Engine, span: Rebuild) -> Any:
    start = _moment(span.start, "start", ALWAYS_FROM)
    end = _moment(span.end, "end", ALWAYS_TO)
    if start >= end:
        raise VerbRefused("empty_span", "start must be before end", "start")
    return {"hours": engine.rebuild_rollups(start, end)}


def _totals(engine: Engine, wanted: Totals) -> Any:
    filters = msgspec.structs.asdict(wanted)
    try:
        span = spans.parse_range(filters.pop("range"), engine.clock())
    except ValueError as error:
        raise VerbRefused("not_a_range", str(error), "range") from error
    row = engine.query("usage/totals", **spans.query_params(span), **filters).iloc[0]
    sums = {name: value if isinstance(value, Decimal) else value.item()
            for name, value in row.items()}
    return {"start_utc": span.start, "end_utc": span.end, **sums}


def _write_demo(engine: Engine, wanted: WriteDemo) -> Any:
    from brain.jobs import demo
    try:
        return {"events": demo.write(engine, events=wanted.events)}
    except demo.DemoExistsError as there:
        raise VerbRefused("demo_present", str(there)) from there


def _remove_demo(engine: Engine, _: Nothing) -> Any:
    return {"events": engine.remove_demo()}


def _prices(engine: Engine, wanted: Prices) -> Any:
    return [asdict(row) for row in engine.prices.rows() if wanted.model in row.model]


def _add_price(engine: Engine, given: AddPrice) -> Any:
    fields = msgspec.structs.asdict(given) | {
        "valid_from_utc": _moment(given.valid_from_utc, "valid_from_utc", ALWAYS_FROM),
        "valid_to_utc": _moment(given.valid_to_utc, "valid_to_utc", ALWAYS_TO)}
    added, odd = engine.add_price(Price(price_id=0, origin="contract", **fields))
    return {"price": asdict(added), "reasons": [asdict(each) for each in odd]}


def _withdraw_price(engine: Engine, wanted: WithdrawPrice) -> Any:
    return {"price": asdict(engine.withdraw_price(wanted.price_id, withdrawn=wanted.withdrawn))}


def _moment(given: str | None, name: str, otherwise: dt.datetime) -> dt.datetime:
    """The moment, within the years that stores keep."""
    if not given:
        return otherwise
    try:
        moment = dt.datetime.fromisoformat(given)
    except ValueError as error:
        raise VerbRefused("not_a_time", f"{name} must be a time such as 2026-01-31T00:00:00Z, "
                                        f"not {given[:40]!r}", name) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if not ALWAYS_FROM <= moment <= ALWAYS_TO:
        raise VerbRefused("out_of_range", f"{name} must be within 2000 and 2200", name)
    return moment


def _imports(engine: Engine, _arguments: Nothing) -> Any:
    return engine.state.rows("imports", order="started_at_utc")


def _undo_import(engine: Engine, arguments: UndoImport) -> Any:
    try:
        return {"events": engine.undo_import(arguments.import_id)}
    except LookupError as error:
        raise VerbRefused("unknown_import", str(error.args[0]), "import_id") from error


VERBS: dict[str, Verb] = {
    "status": Verb(Nothing, _status), "settle": Verb(Nothing, _settle),
    "verify": Verb(Nothing, _verify), "rebuild": Verb(Rebuild, _rebuild),
    "totals": Verb(Totals, _totals),
    "write_demo": Verb(WriteDemo, _write_demo), "remove_demo": Verb(Nothing, _remove_demo),
    "prices": Verb(Prices, _prices), "add_price": Verb(AddPrice, _add_price),
    "withdraw_price": Verb(WithdrawPrice, _withdraw_price),
    "price_versions": Verb(costs.PriceVersions, costs.list_versions),
    "import_prices": Verb(costs.ImportPrices, costs.import_prices),
    "take_back_prices": Verb(costs.TakeBackPrices, costs.take_back),
    "cost_breakdown": Verb(costs.Breakdown, costs.break_down),
    "cost_drivers": Verb(costs.Drivers, costs.explain),
    "reprice": Verb(costs.Reprice, costs.reprice),
    "imports": Verb(Nothing, _imports), "undo_import": Verb(UndoImport, _undo_import),
    "ask": Verb(gateway_forms.Asked, gateway.ask),
    "feedback": Verb(gateway_forms.Verdict, gateway.feedback),
    "request": Verb(gateway.RequestId, gateway.request),
    "quotas": Verb(Nothing, gateway.quotas), "set_quota": Verb(gateway.Quoted, gateway.set_quota),
    "remove_quota": Verb(gateway.QuotaName, gateway.remove_quota),
    "knobs": Verb(gateway.Turned, gateway.knobs),
    "targets": Verb(monitoring.Targets, monitoring.list_targets),
    "set_target": Verb(monitoring.SetTarget, monitoring.set_target),
    "reset_target": Verb(monitoring.ResetTarget, monitoring.reset_target),
    "undo_target": Verb(monitoring.UndoTarget, monitoring.undo_target),
    "target_changes": Verb(monitoring.TargetHistory, monitoring.list_changes),
    "workspaces": Verb(workspaces.Workspaces, workspaces.list_workspaces),
    "keep_query_text": Verb(workspaces.KeepQueryText, workspaces.keep_query_text),
    "data_policies": Verb(workspaces.Workspaces, workspaces.list_data_policies),
    "set_data_policy": Verb(workspaces.SetDataPolicy, workspaces.set_data_policy),
    "forget_query_texts": Verb(workspaces.ForgetQueryTexts, workspaces.forget_query_texts),
    "cost_reports": Verb(cost_reports.CostReports, cost_reports.list_reports),
    "cost_report": Verb(cost_reports.CostReport, cost_reports.show_report),
    "make_cost_report": Verb(cost_reports.MakeCostReport, cost_reports.make_report),
    "export_costs": Verb(cost_reports.ExportCosts, cost_reports.export_costs),
    "mails": Verb(cost_reports.Mails, cost_reports.list_mails),
    "retry_mail": Verb(cost_reports.RetryMail, cost_reports.retry_mail),
    "budgets": Verb(budgets.Budgets, budgets.list_budgets),
    "set_budget": Verb(budgets.SetBudget, budgets.set_budget),
    "remove_budget": Verb(budgets.OneBudget, budgets.remove_budget),
    "undo_budget": Verb(budgets.OneBudget, budgets.undo_budget),
    "budget_alerts": Verb(budgets.BudgetAlerts, budgets.list_alerts),
    "budget_stops": Verb(budgets.BudgetStops, budgets.list_stops),
    "stop_spending": Verb(budgets.StopSpending, budgets.stop_spending),
    "resume_spending": Verb(budgets.ResumeSpending, budgets.resume_spending),
    "documents": Verb(knowledge.Documents, knowledge.list_documents),
    "add_document": Verb(knowledge.AddDocument, knowledge.add_document),
    "remove_document": Verb(knowledge.NameDocument, knowledge.remove_document),
    "restore_document": Verb(knowledge.RestoreDocument, knowledge.restore_document),
    "reindex_knowledge": Verb(knowledge.Documents, knowledge.reindex_knowledge),
    "knowledge_status": Verb(knowledge.Documents, knowledge.knowledge_status),
    "embed_knowledge": Verb(knowledge.Documents, knowledge.embed_knowledge),
    "search_knowledge": Verb(knowledge.SearchKnowledge, knowledge.search_knowledge),
    "guard_policies": Verb(Nothing, knowledge.list_guard_policies),
    "set_guard_policy": Verb(knowledge.SetGuardPolicy, knowledge.set_guard_policy),
    "report": Verb(monitoring.Report, monitoring.make_report),
    "plan_optimization": Verb(optimization.PlanOptimization, optimization.plan),
    "run_optimization": Verb(optimization.RunOptimization, optimization.run),
    "tick_optimization": Verb(optimization.TickOptimization, optimization.tick),
    "stop_optimization": Verb(optimization.StopOptimization, optimization.stop),
    "roll_back_optimization": Verb(optimization.RollBackOptimization, optimization.roll_back),
    "optimization_runs": Verb(optimization.OptimizationRuns, optimization.list_runs),
    "optimizer_configuration": Verb(optimization.OptimizerConfiguration,
                                    optimization.read_configuration),
    "configure_optimizer": Verb(optimization.ConfigureOptimizer, optimization.configure),
    "undo_optimizer": Verb(optimization.UndoOptimizer, optimization.undo),
    "experiments": Verb(experiments.ListExperiments, experiments.list_experiments),
    "experiment": Verb(experiments.ShowExperiment, experiments.show_experiment),
    "create_experiment": Verb(experiments.CreateExperiment, experiments.create_experiment),
    "act_on_experiment": Verb(experiments.ActOnExperiment, experiments.act_on_experiment),
    "experiment_changes": Verb(experiments.ExperimentHistory, experiments.list_history),
    "load_samples": Verb(experiments.LoadSamples, experiments.load_samples),
    "import_experiments": Verb(experiments.ImportExperiments, experiments.import_experiments),
    **{name: Verb(taken, work) for table in (providers.TABLE, studio.TABLE, models.TABLE)
       for name, (taken, work) in table.items()}}
"""Every verb that a program on this machine may call."""
