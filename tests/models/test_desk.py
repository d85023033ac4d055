"""The engine's verbs of models: catalogue with undo, measured figures, choices, routers gated."""

import datetime as dt
import io
from decimal import Decimal

import numpy as np
import pytest

from brain.decisions.models.catalogue import SAMPLE_CATALOGUE, Model
from brain.decisions.models.constraints import Criteria
from brain.decisions.models.features import Features
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Feedback, Request
from brain.models.gate import NotEnoughScores, train_and_judge
from brain.models.router_store import REFUSED, RouterDamaged, dump_router, load_router
from brain.settings import load
from tests.analytics.routing.test_router import PROMPTS, ROUTER, SCORES

NOW = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)
SMALL = Model("small", "house", 8_000, 2_000, quality=70.0, latency_ms=400.0)
LARGE = Model("large", "house", 8_000, 2_000, Decimal(10), Decimal(30), quality=92.0,
              latency_ms=2_000.0, capabilities=frozenset({"tools"}))


@pytest.fixture
def engine(tmp_path):
    opened = Engine.open(load({}, data_dir=tmp_path), clock=lambda: NOW)
    opened.add_price(Price(1, "house", "small", "contract", "test", ALWAYS_FROM, ALWAYS_TO, 0,
                           Decimal("0.5"), None, None, Decimal("1.5"), None))
    yield opened
    opened.close()


def answered(number, model, prompt, stars, **fields):
    at_utc = NOW - dt.timedelta(hours=2, seconds=number)
    yield Request(event_id=f"{model}-{number}", at_utc=at_utc, provider="house", model=model,
                  input_tokens=100, output_tokens=50, query_text=prompt, **fields)
    yield Feedback(at_utc=at_utc, request_id=f"{model}-{number}", stars=stars)


def record(engine, events):
    for kind, cls in (("requests", Request), ("feedback", Feedback)):
        engine.record(kind, [each for each in events if isinstance(each, cls)])
    engine.settle()


def test_sample_models_until_one_is_stored_and_the_way_back(engine):
    assert engine.models.catalogue() == SAMPLE_CATALOGUE
    assert engine.models.is_sample()
    engine.models.put(SMALL)
    assert [each.name for each in engine.models.catalogue()] == ["small"]
    engine.models.put(LARGE)
    (large, small) = engine.models.catalogue()
    assert large == LARGE
    # without a price of its own: the price book's
    assert (small.input_usd_per_mtok, small.output_usd_per_mtok) == (Decimal("0.5"),
                                                                     Decimal("1.5"))
    engine.models.remove("house", "large")
    assert engine.models.undo("house", "large") == LARGE
    assert len(engine.models.catalogue()) == 2
    with pytest.raises(LookupError):
        engine.models.remove("house", "none")
    with pytest.raises(InputError) as caught:
        engine.models.put(Model("bad", quality=101.0))
    assert caught.value.field == "model.quality"
    actions = [row["action"] for row in engine.state.rows("audit", order="audit_id")]
    assert actions[-4:] == ["model set", "model set", "model removed", "model change undone"]


def test_choices_go_by_what_was_measured(engine):
    engine.models.put(SMALL)
    engine.models.put(LARGE)
    features = Features(1_000, "low", is_estimated=False)
    before = engine.models.choose(features, Criteria("cost"))
    # 1,000 × $0.5/10^6 + 2,000 × $1.5/10^6
    assert before.chosen.expected.cost_pico == 3_500_000_000
    record(engine, [each for number in range(40) for each in answered(
        number, "small", "hi", 2, latency_ms=900.0, query_topic="billing",
        status="error" if number < 4 else "ok")])
    assert engine.models.measure() == 1
    after = engine.models.choose(features, Criteria("cost")).chosen
    # half as many tokens out as in were measured: 1,000 × $0.5/10^6 + 500 × $1.5/10^6
    assert (after.expected.cost_pico, after.expected.output_basis) == (1_250_000_000, "measured")
    assert after.expected.error_ratio == 0.1
    # two stars are 25: (20 × 70 + 40 × 25) / 60 = 40
    assert after.expected.quality.value == pytest.approx(40)
    (whole, topic) = after.model.measured
    assert (whole.requests, topic.task_class, topic.quality) == (40, "billing", 25)
    assert whole.latency_p50_ms == pytest.approx(900, rel=0.01)
    assert engine.models.unlisted() == ()


def test_a_router_is_trained_gated_and_explained(engine):
    engine.models.put(SMALL)
    engine.models.put(LARGE)
    assert isinstance(engine.models.train(), NotEnoughScores)
    engine.keep_query_text("default", True)
    rng = np.random.default_rng(2)
    events = []
    for number, (prompt, scores) in enumerate(zip(PROMPTS, SCORES, strict=True)):
        place = int(rng.random() < 0.5)
        events += answered(number, ("small", "large")[place], prompt, 5 if scores[place] else 1)
    record(engine, events)
    tried = engine.models.train("ann", write=False)
    assert tried.gate.passed and tried.version is None
    assert engine.models.routers.versions() == ()
    ready = engine.models.train("ann", activate=False)
    assert (ready.version.version, ready.version.status) == (1, "ready")
    assert ready.sources == {"stars": len(PROMPTS)}
    assert "router_version" not in [each.code for each in engine.models.choose(PROMPTS[0]).reasons]
    with pytest.raises(LookupError):
        engine.models.roll_back()
    engine.models.activate(1, "ann")
    version = engine.models.routers.active()
    assert (version.status, version.gate.passed, version.person) == ("active", True, "ann")
    assert version.gate.router_error < version.gate.means_error
    hard, easy = (next(each for each in PROMPTS if ("=" in each) is wanted)
                  for wanted in (True, False))
    found = engine.models.choose(hard, Criteria("quality"))
    assert found.chosen.model.name == "large"
    assert found.reasons[-1].text == "Qualities were predicted by router version 1."
    small = {each.model.name: each for each in (found.chosen, *found.alternatives)}["small"]
    assert small.expected.quality.value < 50
    assert engine.models.choose(easy, Criteria(min_quality=60)).chosen.model.name == "small"
    assert engine.models.roll_back() == 0
    assert engine.models.routers.active() is None
    assert engine.models.roll_back() == 1
    assert engine.models.routers.active().version == 1
    engine.models.activate(0)
    assert "router_version" not in [each.code for each in engine.models.choose(hard).reasons]
    with pytest.raises(LookupError):
        engine.models.activate(7)
    assert engine.models.learn_daily() is None  # it was trained today


def test_a_router_that_learned_nothing_is_refused():
    rng = np.random.default_rng(5)
    chance = (rng.random((400, 2)) < 0.6).astype(float)
    _, gate = train_and_judge(PROMPTS[:400], chance, ["a", "b"])
    assert (gate.passed, gate.reasons[0].code) == (False, "refused")


def test_what_the_gate_refuses_is_not_kept(engine):
    engine.models.put(SMALL)
    engine.models.put(LARGE)
    engine.keep_query_text("default", True)
    rng = np.random.default_rng(5)
    events = []
    for number, prompt in enumerate(PROMPTS[:400]):  # stars by chance: nothing can be learned
        events += answered(number, ("small", "large")[number % 2], prompt,
                           5 if rng.random() < 0.6 else 1)
    record(engine, events)
    found = engine.models.train("ann")
    assert (found.gate.passed, found.version, engine.models.routers.versions()) == (False, None, ())
    assert engine.state.rows("audit", order="audit_id")[-1]["action"] == REFUSED
    with pytest.raises(ValueError, match="not kept"):
        engine.models.routers.add(ROUTER, found.gate, NOW, "ann")


def test_kept_routers_are_plain_numbers_and_checked():
    body = dump_router(ROUTER)
    again = load_router(body)
    assert again.predict_all(PROMPTS[:5]) == pytest.approx(ROUTER.predict_all(PROMPTS[:5]),
                                                           abs=1e-5)
    with np.load(io.BytesIO(body), allow_pickle=False) as kept:
        assert all(each.dtype.kind in "fiu" for each in kept.values())
    for damaged in (body[:500], b"", b"PK\x03\x04" + body[9:], body.replace(b"slope", b"slopX")):
        if damaged != body:
            with pytest.raises(RouterDamaged):
                load_router(damaged)
