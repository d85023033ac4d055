"""The page of models: a recommendation with reasons, why not the others, a catalogue to change."""

from streamlit.testing.v1 import AppTest

from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.models.gate import NotEnoughScores, train_and_judge
from tests.analytics.routing.test_router import PROMPTS, SCORES
from tests.pages.conftest import OpenPage


def texts(app: AppTest) -> str:
    return "\n".join(str(each.value) for kind in (app.markdown, app.caption, app.info, app.warning)
                     for each in kind)


def test_recommends_with_reasons_and_says_why_not_the_others(
        filled: Engine, open_page: OpenPage) -> None:
    app = open_page("brain/models.py")
    assert not app.exception
    assert "three sample models" in app.info[0].value
    metrics = {each.label: each.value for each in app.metric}
    # two questions are high complexity: gpt-4's 0.5 × 100 is the best there
    assert metrics["Recommended"] == "gpt-4-turbo-preview"
    assert "scores best by the balance for high complexity" in texts(app)
    next(each for each in app.number_input if each.label == "Latency at most (ms)").set_value(
        1_500).run()
    assert {each.label: each.value for each in app.metric}["Recommended"] == "gpt-3.5-turbo"
    assert any("takes 2,500 ms, at most 1,500 ms are allowed" in str(each.value.to_dict())
               for each in app.dataframe)
    next(each for each in app.number_input if each.label == "Quality at least").set_value(99).run()
    assert "No model is left" in app.warning[0].value
    next(each for each in app.text_input if each.label == "Cost at most (USD)").set_value(
        "cheap").run()
    assert "is no number" in app.error[0].value


def test_catalogue_is_changed_and_taken_back(engine: Engine, open_page: OpenPage) -> None:
    engine.models.put(Model("house-1", "house", quality=80.0, latency_ms=300.0))
    app = open_page("brain/models.py")
    assert {each.label: each.value for each in app.metric}["Recommended"] == "house-1"
    next(each for each in app.selectbox if each.label == "Model to change").select(
        "house/house-1").run()
    next(each for each in app.number_input if each.label == "Quality (0–100)").set_value(55.0)
    next(each for each in app.button if each.label == "Save this model").click().run()
    assert not app.exception
    assert engine.models.catalogue()[0].quality == 55
    next(each for each in app.button if each.label == "Undo the last change").click().run()
    assert engine.models.catalogue()[0].quality == 80
    next(each for each in app.button if each.label == "Measure now").click().run()
    assert "Measured" in texts(app)
    next(each for each in app.button if each.label == "Train a router now").click().run()
    assert any("at least 200 of two models are needed" in each.value for each in app.info)
    assert any("Not enough data: 50 prompts are needed" in each.value for each in app.info)


def press(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label == label).click().run()


def test_a_router_is_activated_after_its_evidence_and_taken_back(
        engine: Engine, open_page: OpenPage) -> None:
    engine.models.put(Model("house-1", "house", quality=80.0))
    judged = train_and_judge(PROMPTS, SCORES, ["small", "large", "flat"])
    assert not isinstance(judged, NotEnoughScores)
    engine.models.routers.add(*judged, engine.clock(), "ann")
    app = press(open_page("brain/models.py"), "Activate")
    assert not app.exception
    asked = "\n".join(str(each.value) for each in app.markdown)
    assert "What will happen" in asked
    assert f"squared error was {judged[1].router_error:.4f}" in asked and "Undo" in asked
    assert engine.models.routers.active() is None  # nothing before it is confirmed
    assert any(each.label == "Activate it" for each in app.button)
    engine.models.activate(1)  # as the dialog does, whose button AppTest cannot press
    app = press(open_page("brain/models.py"), "Undo this change")
    assert engine.models.routers.active() is None


def test_the_curve_of_the_platforms_own_evaluations(engine: Engine, open_page: OpenPage) -> None:
    engine.models.put(Model("house-1", "house", quality=80.0))
    at_utc = engine.clock().replace(tzinfo=None)
    engine.state.insert("evaluation_runs", {
        "run_id": "r", "set_name": "sums", "set_version": 1, "gate_json": "null",
        "candidate_json": '{"provider": "house", "model": "small"}',
        "baseline_json": '{"provider": "house", "model": "large"}', "most_usd": "5",
        "state": "done", "owner": "", "note": "", "person": "ann", "started_at_utc": at_utc,
        "ended_at_utc": at_utc})
    engine.studio.evaluation.sets.add("sums", [
        {"id": f"n{number}", "input": prompt, "expected": "x"}
        for number, prompt in enumerate(PROMPTS[:200])])
    engine.state.insert("evaluation_grades", *(
        {"run_id": "r", "side": side, "item_number": number + 1, "item_id": f"n{number}",
         "request_id": "", "answer": "", "failed": False, "score": float(scores[place]),
         "latency_ms": 1.0, "cost_usd": ("0.001", "0.02")[place], "reasons_json": "[]"}
        for number, scores in enumerate(SCORES[:200])
        for place, side in enumerate(("candidate", "baseline"))))
    app = open_page("brain/models.py")
    assert not app.exception
    table = next(each.value for each in app.dataframe if "aiq" in each.value.columns)
    assert {"Router", "Oracle", "Single models"} <= set(table["policy"])
    assert any("200 prompts of this platform" in each.value for each in app.caption)
