"""The verbs of models: see and change the catalogue, choose, learn a router, put one in force."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from brain.decisions.models.catalogue import (
    SAMPLE,
    SAMPLE_CATALOGUE,
    Measured,
    Model,
    Priced,
    prepare_catalogue,
)
from brain.decisions.models.choosing import ModelChoice, choose_prepared
from brain.decisions.models.constraints import Criteria, State, prepare_ask
from brain.decisions.models.features import Features, read_features
from brain.decisions.reasons import Reason
from brain.models.book import CatalogueBook
from brain.price_book import PriceBook
from brain.sources.state import StateStore

if TYPE_CHECKING:
    import pandas as pd

    from analytics.routing.router import Router
    from brain.models.gate import NotEnoughScores, Trained
    from brain.models.judged import Judged
    from brain.models.router_store import RouterStore

KEPT_S = 30.0
"""How long a choice goes by a catalogue as read, before other processes' changes are seen."""
LEARN_AFTER = dt.timedelta(days=1)
PICO_PER_MTOK = Decimal(10) ** 6
"""Pico-USD per token in one USD per million tokens."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything a choice needs, read and prepared."""

    at_utc: dt.datetime
    stored: tuple[Model, ...]
    models: tuple[Model, ...]
    priced: tuple[Priced, ...]
    router: "Router | None" = None
    version: int = 0


@dataclass(slots=True)
class _Seen:
    """What the last measuring found; empty before the first."""

    at_utc: dt.datetime | None = None
    by_model: Mapping[tuple[str, str], tuple[Measured, ...]] = field(default_factory=dict)


class Models:
    """Models of one platform. ``query`` reads the event store."""

    def __init__(self, state: StateStore, query: "Callable[..., pd.DataFrame]", prices: PriceBook,
                 clock: Callable[[], dt.datetime], whoami: Callable[[], str],
                 offers: Callable[[], Sequence[Model]] = tuple) -> None:
        """``offers`` are the models of the providers that are switched on."""
        self._state, self._query, self._prices = state, query, prices
        self._clock, self._whoami, self._offers = clock, whoami, offers
        self.book = CatalogueBook(state)
        self._ready: _Ready | None = None
        self._seen = _Seen()
        self._tried_at_utc: dt.datetime | None = None
        self._preparing = threading.Lock()

    # catalogue

    def catalogue(self) -> tuple[Model, ...]:
        """The models to choose from, prices of the price book and measured figures included.

        These are the stored ones and those that providers offer; as long as there is neither,
        the sample models, marked as such.
        """
        return self._prepared().models

    def is_sample(self) -> bool:
        """Whether the catalogue holds nothing but the sample models."""
        return all(each.origin == SAMPLE for each in self.catalogue())

    def enrich(self, offered: Model) -> Model:
        """A provider's model with what the stored catalogue says, and what was measured, of it."""
        stored = next((each for each in self._prepared().stored if each.key == offered.key), None)
        return _overlay(offered, stored, self._seen.by_model.get(offered.key, ()))

    def predict(self, prompt: str) -> tuple[dict[str, float], tuple[Reason, ...]]:
        """Quality (0–100) that the router in force expects of each model for a prompt, and which
        version that is; nothing without a router."""
        ready = self._prepared()
        if ready.router is None:
            return {}, ()
        found = ready.router.predict(prompt)
        return {name: 100 * float(value) for name, value, learned in zip(
            ready.router.models, found, ready.router.learned, strict=True) if learned}, (Reason(
                "router_version", f"Qualities were predicted by router version {ready.version}."),)

    def put(self, model: Model, person: str = "") -> Model:
        """The model as stored; without prices of its own it takes those of the price book.

        Raises InputError naming the field that cannot be used.
        """
        stored = self.book.put(model, self._clock(), person or self._whoami())
        self._forget()
        return stored

    def remove(self, provider: str, name: str, person: str = "") -> None:
        """Take a model out of the catalogue. Raises LookupError for an unknown one."""
        self.book.remove(provider, name, self._clock(), person or self._whoami())
        self._forget()

    def undo(self, provider: str, name: str, person: str = "") -> Model | None:
        """The model as before its last change; see `CatalogueBook.undo`."""
        found = self.book.undo(provider, name, self._clock(), person or self._whoami())
        self._forget()
        return found

    def measure(self) -> int:
        """How many models' figures were measured anew; a job does this, no choice waits for it."""
        from brain.models.measuring import measure
        now = self._clock()
        self._seen = _Seen(now, measure(self._query, now))
        self._forget()
        return len(self._seen.by_model)

    def measured_at_utc(self) -> dt.datetime | None:
        """When figures were last measured, None if never."""
        return self._seen.at_utc

    def unlisted(self) -> tuple[tuple[str, str], ...]:
        """Providers and models that were measured here and stand in no catalogue."""
        listed = {each.key for each in self.catalogue()}
        return tuple(sorted(set(self._seen.by_model) - listed))

    # choosing

    def choose(self, request: str | Features, criteria: Criteria | None = None,
               state: State | None = None, *, use_router: bool = True) -> ModelChoice:
        """The model for a prompt or its features, by the catalogue and the router in force.

        The choice says which router version predicted the qualities. Raises InputError for
        criteria or a state that cannot be used.
        """
        ready = self._prepared()
        prompt = request if isinstance(request, str) else None
        features = read_features(request) if isinstance(request, str) else request
        predicted, why = self.predict(prompt) if use_router and prompt is not None else ({}, ())
        choice = choose_prepared(prepare_ask(features, criteria or Criteria(), state or State()),
                                 ready.priced, predicted)
        return replace(choice, reasons=(*choice.reasons, *why))

    # router

    @property
    def routers(self) -> "RouterStore":
        """The kept versions of the router."""
        from brain.models.router_store import RouterStore
        return RouterStore(self._state)

    def judged(self) -> "Judged":
        """Prompts with the scores that graders, task success and stars gave each model."""
        from brain.models.judged import read_judged
        return read_judged(self._query, self._state, self._clock())

    def train(self, person: str = "", *, write: bool = True, activate: bool = True
              ) -> "Trained | NotEnoughScores":
        """A router trained from judged prompts and what its gate says, or why there is none.

        Only one that passes is kept, and only with ``write``; ``activate`` puts it in force.
        """
        from brain.models.gate import NotEnoughScores, Trained, train_and_judge
        from brain.models.router_store import REFUSED
        now, who = self._clock(), person or self._whoami()
        judged = self.judged()
        declared = {each.name: each.quality for each in self.catalogue()}
        priors = [(declared.get(name) or 50.0) / 100 for name in judged.models]
        found = train_and_judge(judged.prompts, judged.scores, judged.models, priors,
                                self._prepared().router)
        if isinstance(found, NotEnoughScores):
            return found
        router, gate = found
        version = None
        if write and gate.passed:
            version = self.routers.add(router, gate, now, who)
            if activate:
                self.activate(version.version, who)
                version = self.routers.active()
        elif write:
            self._state.audit(now, who, REFUSED, "router", None, asdict(gate))
        return Trained(gate, version, router.trained_on, judged.models, judged.sources)

    def learn_daily(self) -> "Trained | NotEnoughScores | None":
        """What training did; None where the catalogue is the sample, or a day has not passed."""
        now, versions = self._clock(), self.routers.versions()
        last = max((each for each in (self._tried_at_utc,
                                      versions[0].created_at_utc if versions else None)
                    if each is not None), default=None)
        if self.is_sample() or (last is not None and now - last < LEARN_AFTER):
            return None
        self._tried_at_utc = now
        return self.train("console")

    def roll_back(self, person: str = "") -> int:
        """The router version in force before the last change, which is in force again; 0 is none.

        Doing it twice brings the change back. Raises LookupError where nothing was changed.
        """
        before = self.routers.previous()
        if before is None:
            raise LookupError("no router was ever put in force")
        self.activate(before, person)
        return before

    def activate(self, version: int, person: str = "") -> None:
        """Put a router version in force; 0 leaves choices to declared and measured figures.

        Raises LookupError for an unknown version.
        """
        self.routers.activate(version, self._clock(), person or self._whoami())
        self._forget()

    # inside

    def _forget(self) -> None:
        self._ready = None

    def _prepared(self) -> _Ready:
        ready, now = self._ready, self._clock()
        if ready is not None and (now - ready.at_utc).total_seconds() < KEPT_S:
            return ready
        with self._preparing:
            self._ready = fresh = self._prepare(now, ready)
        return fresh

    def _prepare(self, now: dt.datetime, before: _Ready | None) -> _Ready:
        stored = self.book.all()
        by_key = {each.key: each for each in stored}
        known = {each.key: each for each in (*self._offers(), *stored)}
        listed = [_overlay(each, by_key.get(key)) for key, each in known.items()] or \
            list(SAMPLE_CATALOGUE)
        open_prices = {each.key for each in listed if each.input_usd_per_mtok is None
                       and each.output_usd_per_mtok is None and each.request_usd is None}
        ranges = {(each.provider, each.model): each for each in self._prices.resolve(open_prices)
                  if each.valid_from_utc <= now < each.valid_to_utc
                  and each.tier_from_tokens == 0 and not each.price_context} if open_prices \
            else {}
        models = []
        for model in listed:
            if held := ranges.get(model.key):
                model = replace(
                    model, input_usd_per_mtok=_per_mtok(held.input_pico_usd),
                    output_usd_per_mtok=_per_mtok(held.output_pico_usd),
                    request_usd=None if held.request_pico_usd is None
                    else Decimal(held.request_pico_usd).scaleb(-12))
            models.append(replace(model, measured=self._seen.by_model.get(model.key, ())))
        router, version = self._load_router(before)
        return _Ready(now, stored, tuple(models), prepare_catalogue(models), router, version)

    def _load_router(self, before: _Ready | None) -> "tuple[Router | None, int]":
        if not self._state.rows("router_versions",
                                self._state.tables["router_versions"].c.status == "active"):
            return None, 0
        from brain.models.router_store import RouterDamaged
        active = self.routers.active()
        if active is None:
            return None, 0
        if before is not None and before.version == active.version:
            return before.router, active.version
        try:
            return self.routers.load(active.version), active.version
        except RouterDamaged:
            return None, 0


def _overlay(offered: Model, stored: Model | None, measured: tuple[Measured, ...] = ()) -> Model:
    """The stored figures where there are any, else those that the provider declares."""
    if stored is None:
        return replace(offered, measured=measured)
    own = {each.name: value for each in fields(Model)
           if each.name not in ("name", "provider", "measured", "origin")
           and (value := getattr(stored, each.name)) not in (None, frozenset())}
    return replace(offered, measured=measured, **own)


def _per_mtok(pico: int | None) -> Decimal | None:
    """Pico-USD per token as USD per million tokens."""
    return None if pico is None else Decimal(pico) / PICO_PER_MTOK
