"""Every knob of the product: default, unit, meaning, environment override."""

import dataclasses
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PREFIX = "BRAIN_"


class SettingsError(ValueError):
    """A setting that does not exist or has a value that cannot be used."""


def knob(default: Any, meaning: str, *, unit: str = "", low: float | None = None,
         high: float | None = None, secret: bool = False, choices: tuple[str, ...] = ()) -> Any:
    """A setting's default with what a reader of the documentation needs to know."""
    return field(default=default, metadata={
        "meaning": meaning, "unit": unit, "low": low, "high": high, "secret": secret,
        "choices": choices})


@dataclass(frozen=True, slots=True)
class Data:
    dir: str = knob("var", "Folder of the embedded stores, spool, uploads and reports.")


@dataclass(frozen=True, slots=True)
class Events:
    url: str = knob("", "Event store; empty means DuckDB in the data folder.")


@dataclass(frozen=True, slots=True)
class State:
    url: str = knob("", "State store; empty means SQLite in the data folder.")


@dataclass(frozen=True, slots=True)
class Redis:
    url: str = knob("", "Redis to watch; empty means none.", secret=True)
    timeout_s: float = knob(2.0, "Longest wait for Redis.", unit="s", low=0.05, high=60)


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str = knob("", "Prometheus-compatible API to read; empty means none.")
    timeout_s: float = knob(2.0, "Longest wait for Prometheus.", unit="s", low=0.05, high=60)
    token: str = knob("", "Bearer token to send to Prometheus; empty means none.", secret=True)
    tenant: str = knob("", "Tenant to name to Mimir (X-Scope-OrgID); empty means none.")
    window: str = knob("5m", "Rate window of the delivered questions, in PromQL's form.")
    namespace: str = knob("brain-ai", "Kubernetes namespace whose pods are asked for.")
    queries: str = knob("", "JSON object of figure and PromQL in the place of the delivered "
                            "question; `brain prometheus figures` lists all.")


@dataclass(frozen=True, slots=True)
class Postgres:
    url: str = knob("", "PostgreSQL to watch; empty means none.", secret=True)
    timeout_s: float = knob(2.0, "Longest wait for PostgreSQL.", unit="s", low=0.05, high=60)
    slow_ms: float = knob(1_000.0, "Mean time above which a statement is slow.", unit="ms", low=1)


@dataclass(frozen=True, slots=True)
class Kubernetes:
    url: str = knob("", "Kubernetes API server to read; empty means that of the kubeconfig.")
    token: str = knob("", "Bearer token of a service account that may list pods and deployments.",
                      secret=True)
    ca_file: str = knob("", "Certificate authority of the API server; empty means the system's.")
    kubeconfig: str = knob("", "Path of a kubeconfig whose current context is read where no URL "
                               "is set; empty means none.")
    namespace: str = knob("brain-ai", "Namespace whose pods and deployments are read.")
    timeout_s: float = knob(2.0, "Longest wait for Kubernetes.", unit="s", low=0.05, high=60)
    allow_changes: bool = knob(False, "Let the console change replicas and autoscalers of that "
                                      "namespace; the account needs the rights too.")


@dataclass(frozen=True, slots=True)
class Scaling:
    sync_s: float = knob(15.0, "Pause between the scaling decisions that are logged beside what "
                               "the cluster does.", unit="s", low=5, high=3_600)
    keep_days: float = knob(7.0, "How long those decisions are kept.", unit="days", low=0.1,
                            high=400)


@dataclass(frozen=True, slots=True)
class Server:
    host: str = knob("127.0.0.1", "Address to listen on.")
    port: int = knob(8501, "First port tried; the next free one is taken.", low=1, high=65535)
    open_browser: bool = knob(True, "Open a browser at start where there is one.")
    api_key: str = knob("", "Bearer key that HTTP callers must send; empty means none is asked "
                            "for, which is allowed on a loopback address only.", secret=True)
    allow_without_sign_in: bool = knob(False, "Listen beyond this machine with sign-in off.")
    allowed_hosts: str = knob("", "Further Host names to accept, separated by commas.")


@dataclass(frozen=True, slots=True)
class Access:
    local_role: str = knob("admin", "Role of whoever opens the console, runs commands, or calls "
                           "the HTTP API where no key is asked for: viewer, analyst, operator or "
                           "admin.", choices=("viewer", "analyst", "operator", "admin"))
    api_key_role: str = knob("admin", "Role of BRAIN_SERVER_API_KEY.",
                             choices=("viewer", "analyst", "operator", "admin"))
    keys: str = knob("", "Further keys of the HTTP API, each as name:role:key, separated by "
                         "commas; the name stands in the audit.", secret=True)


@dataclass(frozen=True, slots=True)
class Client:
    url: str = knob("http://127.0.0.1:8501", "Console that brain.client sends events to.")
    key: str = knob("", "Bearer key that brain.client sends.", secret=True)


@dataclass(frozen=True, slots=True)
class Ingest:
    max_body_bytes: int = knob(16_000_000, "Largest request body, unpacked.", unit="bytes",
                               low=1_000, high=1_000_000_000)
    max_body_lines: int = knob(200_000, "Most lines in one request body.", low=1)
    max_file_bytes: int = knob(8_000_000_000, "Largest uploaded file.", unit="bytes", low=1_000)
    future_tolerance_s: int = knob(300, "How far ahead of this clock an event may be.", unit="s",
                                   low=0, high=86_400)
    drain_interval_ms: int = knob(500, "Pause between moves from spool to event store.",
                                  unit="ms", low=10, high=60_000)
    drain_rows: int = knob(200_000, "Most events moved in one transaction.", low=1_000)


@dataclass(frozen=True, slots=True)
class Rollup:
    interval_s: float = knob(5.0, "Pause between rollups of newly arrived events.", unit="s",
                             low=0.1, high=3_600)
    sketch_size: int = knob(4096, "Smallest hashes kept per bucket and workspace to count "
                                  "distinct users (standard error 1/sqrt of it).",
                            low=64, high=65_536)


@dataclass(frozen=True, slots=True)
class Host:
    interval_s: float = knob(10.0, "Pause between samples of this machine.", unit="s",
                             low=1, high=3_600)


@dataclass(frozen=True, slots=True)
class Watch:
    interval_s: float = knob(10.0, "Pause between readings of the watched servers.", unit="s",
                             low=1, high=3_600)


@dataclass(frozen=True, slots=True)
class Demo:
    events: int = knob(200_000, "Events of demonstration data written at first start.",
                       low=1_000, high=200_000_000)
    days: int = knob(30, "Length of the demonstration history.", unit="days", low=7, high=400)
    seed: int = knob(20260101, "Seed of the demonstration data.")
    live: bool = knob(True, "Go on writing demonstration events while the server runs.")


@dataclass(frozen=True, slots=True)
class Pages:
    cache_s: float = knob(10.0, "How long a page may show the same query result.", unit="s",
                          low=0, high=3_600)
    refresh_s: float = knob(10.0, "Pause between refreshes of live cards.", unit="s", low=1)
    traffic_refresh_s: float = knob(30.0, "Pause between refreshes of the Traffic page.",
                                    unit="s", low=1)
    time_zone: str = knob("", "Zone shown to viewers; empty means the browser's.")


@dataclass(frozen=True, slots=True)
class Reports:
    daily: bool = knob(True, "Write the daily check and the latency report once a day.")
    daily_hour: int = knob(6, "Hour of the day, in the zone of reports, at which they are "
                              "written.", unit="h", low=0, high=23)
    daily_minute: int = knob(0, "Minute of that hour.", unit="min", low=0, high=59)
    time_zone: str = knob("UTC", "Zone that reports are made and told in.")
    monthly: bool = knob(True, "Make the cost report of each month when it is over.")
    monthly_hour: int = knob(6, "Hour of the first of the month, in the zone of reports, at which "
                                "that of the month before is made.", unit="h", low=0, high=23)
    finance_to: str = knob("", "Addresses that get the monthly cost report, separated by commas; "
                               "empty means it is only kept.")
    operations_cc: str = knob("", "Addresses that get a copy of it.")
    billing_account_id: str = knob("brain-console", "BillingAccountId of FOCUS exports.")
    billing_account_name: str = knob("Brain Console", "BillingAccountName of FOCUS exports.")
    keep: int = knob(30, "Reports of each kind that are kept; older ones are removed.", low=1,
                     high=10_000)
    latency_warning_ms: float = knob(1_000.0, "p95 above which the latency report warns.",
                                     unit="ms", low=1)


@dataclass(frozen=True, slots=True)
class Mail:
    host: str = knob("", "SMTP server that messages are handed to; empty means they are kept.")
    port: int = knob(587, "Its port.", low=1, high=65535)
    security: str = knob("starttls", "How the connection is protected: starttls, tls or none.")
    user: str = knob("", "Name to log in with; empty means no login.")
    password: str = knob("", "Password of that name.", secret=True)
    sender: str = knob("", "Address that messages come from; empty means "
                           "brain-console@localhost.")
    timeout_s: float = knob(20.0, "Longest wait for one answer of the server.", unit="s",
                            low=0.1, high=600)
    deadline_s: float = knob(120.0, "Longest time for one message.", unit="s", low=0.2,
                             high=3_600)


@dataclass(frozen=True, slots=True)
class Budgets:
    workspace_usd: float = knob(1_000.0, "Month budget of a workspace without one of its own; "
                                         "0 means none.", unit="USD", low=0, high=1e9)
    lease_s: float = knob(60.0, "How long what a call reserved outlives its process.", unit="s",
                          low=5, high=3_600)
    redis_url: str = knob("", "Redis that keeps reservations for several machines; empty means "
                              "the state store.", secret=True)
    kill_switch: bool = knob(False, "Stop the experiment or agent that causes a cost spike "
                                    "without asking.")


@dataclass(frozen=True, slots=True)
class Gateway:
    worker_slots: int = knob(64, "Calls of models at once; a knob that can be turned while the "
                                 "server runs.", low=1, high=10_000)
    queue: int = knob(256, "Callers that may wait for a slot; one more is refused at once.",
                      low=0, high=100_000)
    cache_capacity_bytes: int = knob(512_000_000, "Size of the answer cache; a knob.",
                                     unit="bytes", low=0, high=2**40)
    cache_ttl_s: float = knob(300.0, "How long an answer may be given again; a knob.", unit="s",
                              low=0.1, high=604_800)
    timeout_s: float = knob(60.0, "Longest time of a question that names none.", unit="s",
                            low=0.1, high=3_600)


@dataclass(frozen=True, slots=True)
class Cache:
    redis_url: str = knob("", "Redis that keeps answers for several processes; empty means none.",
                          secret=True)
    redis_timeout_s: float = knob(0.25, "Longest wait for it; then it is skipped for a while.",
                                  unit="s", low=0.01, high=10)
    shared_ttl_s: float = knob(3_600.0, "How long an answer is kept there.", unit="s", low=1,
                               high=604_800)


@dataclass(frozen=True, slots=True)
class Knowledge:
    purge_after_days: float = knob(7.0, "How long a deleted document can be brought back; then it "
                                        "is gone for good.", unit="days", low=0.0, high=3_650)


@dataclass(frozen=True, slots=True)
class Embeddings:
    base_url: str = knob("", "OpenAI-compatible server whose /embeddings gives the vectors of "
                             "knowledge, such as http://127.0.0.1:11434/v1; empty means the "
                             "built-in vectors.")
    model: str = knob("", "Its model for embeddings.")
    key: str = knob("", "Bearer key that it asks for; empty means none.", secret=True)
    timeout_s: float = knob(30.0, "Longest wait for the vectors of one batch of passages.",
                            unit="s", low=0.1, high=600)
    question_timeout_s: float = knob(1.0, "Longest wait for the vector of a question, at most half "
                                          "of the time that it has left; then the built-in vectors "
                                          "are used.", unit="s", low=0.01, high=60)
    batch: int = knob(64, "Most passages in one call.", low=1, high=2_048)
    least_cosine: float = knob(0.35, "Nearness to the question from which a passage counts though "
                                     "few of its words match; depends on the model.", low=0.01,
                               high=1)
    region: str = knob("", "Region, or several separated by commas, in which the endpoint keeps "
                           "data; workspaces whose data policy names regions use it only then.")
    no_training: bool = knob(False, "Whether its provider promises that customers' data trains "
                                    "nothing; workspaces that ask for that use it only then.")


@dataclass(frozen=True, slots=True)
class Evaluation:
    parallel: int = knob(4, "Items of a golden set that are asked at once.", low=1, high=64)
    workspace: str = knob("evaluation", "Workspace that an evaluation's questions belong to.")
    judge_provider: str = knob("", "Provider of the model that judges answers; empty means the "
                                   "engine chooses.")
    judge_model: str = knob("", "Model that judges answers; empty means the engine chooses.")


@dataclass(frozen=True, slots=True)
class Optimization:
    tick_s: float = knob(2.0, "Pause between looks at the optimization that is under way.",
                         unit="s", low=0.1, high=60)
    lease_s: float = knob(30.0, "How long a process that stopped keeps others from running "
                                "optimizations.", unit="s", low=1, high=3_600)


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections. ``settings.server.port`` is overridden by ``BRAIN_SERVER_PORT``."""

    data: Data = Data()
    events: Events = Events()
    state: State = State()
    redis: Redis = Redis()
    prometheus: Prometheus = Prometheus()
    postgres: Postgres = Postgres()
    kubernetes: Kubernetes = Kubernetes()
    scaling: Scaling = Scaling()
    watch: Watch = Watch()
    server: Server = Server()
    access: Access = Access()
    client: Client = Client()
    ingest: Ingest = Ingest()
    rollup: Rollup = Rollup()
    host: Host = Host()
    demo: Demo = Demo()
    pages: Pages = Pages()
    reports: Reports = Reports()
    mail: Mail = Mail()
    budgets: Budgets = Budgets()
    optimization: Optimization = Optimization()
    gateway: Gateway = Gateway()
    cache: Cache = Cache()
    knowledge: Knowledge = Knowledge()
    embeddings: Embeddings = Embeddings()
    evaluation: Evaluation = Evaluation()

    @property
    def data_dir(self) -> Path:
        """Absolute folder of the embedded stores."""
        return Path(self.data.dir).expanduser().absolute()


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting as documentation and the Admin page show it."""

    key: str
    variable: str
    kind: str
    default: Any
    unit: str
    meaning: str
    secret: bool


def describe_settings() -> tuple[Knob, ...]:
    """Every setting, in order."""
    found = []
    for section in dataclasses.fields(Settings):
        for option in dataclasses.fields(type(section.default)):  # type: ignore[arg-type]
            found.append(Knob(
                key=f"{section.name}.{option.name}",
                variable=f"{PREFIX}{section.name}_{option.name}".upper(),
                kind=_kind(option.type).__name__, default=option.default,
                unit=option.metadata["unit"], meaning=option.metadata["meaning"],
                secret=option.metadata["secret"]))
    return tuple(found)


def load(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment, then ``overrides`` such as ``data_dir="x"``.

    An override's name is the variable's name without prefix, in lower case.
    Raises SettingsError for an unknown key or a value out of bounds.
    """
    environment = os.environ if environment is None else environment
    given = {key: value for key, value in environment.items() if key.startswith(PREFIX)}
    given |= {f"{PREFIX}{key}".upper(): str(value) for key, value in overrides.items()}
    known = {each.variable: each for each in describe_settings()}
    if unknown := sorted(set(given) - set(known)):
        raise SettingsError(f"unknown setting {unknown[0]}; 'brain settings list' names them all")
    sections = {}
    for section in dataclasses.fields(Settings):
        values = {}
        for option in dataclasses.fields(type(section.default)):  # type: ignore[arg-type]
            variable = f"{PREFIX}{section.name}_{option.name}".upper()
            if variable in given:
                values[option.name] = _parse(variable, given[variable], option)
        sections[section.name] = dataclasses.replace(section.default, **values)  # type: ignore[type-var]
    return Settings(**sections)  # type: ignore[arg-type]


def _kind(annotation: Any) -> type:
    if isinstance(annotation, types.UnionType):
        annotation = typing.get_args(annotation)[0]
    return typing.cast(type, annotation)


def _parse(variable: str, text: str, option: Any) -> Any:
    kind = _kind(option.type)
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True,
                    "0": False, "false": False, "no": False}[text.strip().lower()]
        value = kind(text)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"{variable}={text!r} is not a {kind.__name__}") from error
    choices = option.metadata["choices"]
    if choices and value not in choices:
        raise SettingsError(f"{variable}={text!r} is none of {', '.join(choices)}")
    low, high = option.metadata["low"], option.metadata["high"]
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise SettingsError(f"{variable}={text!r} is outside {low} to {high}")
    return value
