"""What a choice in the gateway has to keep to: quotas, budgets, where a workspace's data may go."""

import datetime as dt
from decimal import Decimal

import pytest

from brain.decisions.budget_claims import Claim
from brain.decisions.budgets import Budget
from brain.decisions.models.catalogue import Model
from brain.decisions.quotas import Quota
from brain.engine import Engine
from brain.gateway.data_policy import CHANGED, DataPolicy
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Question
from brain.settings import load

NOW = dt.datetime(2026, 11, 16, 0, tzinfo=dt.UTC)  # half of November is over
PROMPT = "What is an error budget of a platform, and who sets it?"


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    found = Engine.open(load({}, data_dir=str(tmp_path_factory.mktemp("limits"))), Clock())
    # large is better and dearer, small is cheaper and promises that data stays in the EU
    offer(found, "far", "large", Decimal(100), 95, frozenset({"us"}), None)
    offer(found, "near", "small", Decimal(1), 60, frozenset({"eu"}), True)
    yield found
    found.close()


@pytest.fixture
def engine(opened):
    yield opened
    for quota in opened.gateway.quotas.all():
        opened.gateway.quotas.remove(quota.scope, quota.name)
    for budget in opened.budgets.book.all():
        opened.budgets.remove(budget.budget_id)
    for row in opened.gateway.data_policies.all():
        opened.gateway.data_policies.put(row.workspace_id, (), False, False)
    opened.gateway.forget()


def offer(engine, provider, name, price, quality, regions, no_training):
    engine.gateway.set_provider(ProviderConfig(
        provider, "simulated", models=(Model(
            name, provider, input_usd_per_mtok=price, output_usd_per_mtok=price, quality=quality,
            latency_ms=500, regions=regions, no_training=no_training),),
        options={"profile": {"latency_ms": 0, "tokens": 4}}))


def ask(engine, text=PROMPT, **more):
    return engine.gateway.ask(Question(text=text, use_cache=False, use_knowledge=False,
                                       **{"priority": "quality", **more}))


def choose_step(engine, answer):
    engine.gateway.recorder.flush()
    engine.drain()
    steps = engine.gateway.request(answer.request_id)["steps"]
    return next(each for each in steps if each["name"] == "choose")


def test_without_limits_the_better_model_answers(engine):
    answer = ask(engine)
    assert answer.model == "large"
    step = choose_step(engine, answer)
    assert not {"data_policy", "quotas_left", "budgets_left"} & set(step["facts"])


def test_a_provider_without_quota_left_is_not_chosen_and_the_record_says_why(engine):
    engine.gateway.quotas.put(Quota("provider", "far", requests_per_minute=2))
    engine.gateway.quotas.put(Quota("provider", "near", requests_per_minute=1))
    answers = [ask(engine) for _ in range(3)]
    assert [each.model for each in answers] == ["large", "large", "small"]
    step = choose_step(engine, answers[2])
    assert step["facts"]["quotas_left"]["far/large"]["requests"] == 0
    assert step["facts"]["excluded"]["far/large"] == "has no request left in its quota"
    # nothing else is left: refused, with the time to come again
    refused = ask(engine)
    assert (refused.error, refused.http_status) == ("quota_reached", 429)
    assert 0 < refused.retry_after_s <= 60
    step = choose_step(engine, refused)
    assert step["decision"] == "refused" and "quota" in step["reasons"][0][1]
    # a model by its name is no way around it
    named = ask(engine, model="large")
    assert (named.error, named.http_status) == ("quota_reached", 429)


def test_a_request_larger_than_what_a_quota_leaves_goes_elsewhere(engine):
    engine.gateway.quotas.put(Quota("provider", "far", tokens_per_minute=30))
    assert ask(engine).model == "small"  # about 14 tokens in, 28 out
    engine.gateway.quotas.put(Quota("provider", "far", usd_per_minute=Decimal("0.001")))
    assert ask(engine).model == "small"  # 42 tokens at 100 USD a million cost 0.0042 USD


def test_what_remains_of_a_budget_bounds_the_choice(engine):
    engine.budgets.put(Budget("small-one", Decimal("0.004"), "workspace", "default", hard=True))
    engine.gateway.forget()
    answer = ask(engine, max_output_tokens=28)
    assert answer.model == "small"  # 14 in and 28 out would cost 0.0042 USD with the large one
    step = choose_step(engine, answer)
    assert "month budget of workspace default (small-one) leaves 0.004 USD" in \
        step["facts"]["excluded"]["far/large"]
    assert step["facts"]["budgets_left"][0]["remaining_usd"] == "0.004"
    assert ask(engine, workspace_id="other", max_output_tokens=28).model == "large"


@pytest.mark.parametrize(("spent", "model"), [
    # half of the month spent it, the other half will: 4.6 of 5.4 are 85 %, 4.8 of 5.2 are 92 %
    ("4.6", "large"), ("4.8", "small")])
def test_a_budget_presses_from_ninety_percent_of_what_remains(engine, spent, model):
    budget_id = f"press-{spent}"
    engine.budgets.put(Budget(budget_id, Decimal(10), "workspace", budget_id, hard=True))
    engine.gateway.forget()
    engine.budgets.ledger.note_spent(Claim(
        budget_id, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 12, 1, tzinfo=dt.UTC),
        Decimal(10)), Decimal(spent))
    answer = ask(engine, workspace_id=budget_id, max_output_tokens=5)
    assert answer.model == model
    codes = [code for code, _ in choose_step(engine, answer)["reasons"]]
    assert ("budget_pressure" in codes) is (model == "small")


def test_a_budget_that_is_used_up_refuses_by_its_own_rule(engine):
    engine.budgets.put(Budget("none", Decimal("0.000001"), "workspace", "poor", hard=True))
    engine.gateway.forget()
    answer = ask(engine, workspace_id="poor", max_output_tokens=5)
    assert (answer.status, answer.error, answer.http_status) == ("refused", "budget_reached", 402)
    step = choose_step(engine, answer)
    assert step["reasons"][0][0] == "budget_reached"
    assert "No model is left: budget took the last of 2" in step["reasons"][0][1]


def test_prompts_stay_where_their_workspace_keeps_them(engine):
    policies = engine.gateway.data_policies
    policies.put("acme", ["eu"], person="eva")
    answer = ask(engine, workspace_id="acme")
    assert answer.model == "small"
    step = choose_step(engine, answer)
    assert step["facts"]["data_policy"]["regions"] == ["eu"]
    assert step["facts"]["excluded"]["far/large"] == "keeps data in us, not in eu"
    # neither by its name, nor by that of a model nobody knows anything of
    for name in ("large", "far/unheard-of"):
        named = ask(engine, workspace_id="acme", model=name)
        assert (named.status, named.error, named.http_status) == ("refused", "data_policy", 403)
    assert "keeps data in us" in ask(engine, workspace_id="acme", model="large").reasons[0].text
    assert ask(engine, workspace_id="acme", model="small").status == "ok"
    policies.put("acme", ["mars"])
    nowhere = ask(engine, workspace_id="acme")
    assert (nowhere.status, nowhere.error) == ("refused", "no_model")
    assert choose_step(engine, nowhere)["decision"] == "refused"
    (row,) = [each for each in engine.state.rows("audit", order="audit_id")
              if each["action"] == CHANGED][:1]
    assert (row["subject"], row["person"]) == ("acme", "eva")


def test_a_cheaper_model_at_the_cap_does_not_leave_the_region(engine):
    engine.gateway.data_policies.put("kept", ["us"])
    engine.budgets.put(Budget("cap", Decimal("0.0000001"), "workspace", "kept", hard=True,
                              at_cap="cheaper_model", fallback_model="small"))
    engine.gateway.forget()
    answer = ask(engine, workspace_id="kept", max_output_tokens=5)
    assert (answer.status, answer.error) == ("refused", "budget_reached")
    engine.gateway.recorder.flush()
    engine.drain()
    assert all(each["facts"].get("model") != "small"
               for each in engine.gateway.request(answer.request_id)["steps"])


def test_prompts_that_name_a_person_go_only_where_data_trains_nothing(engine):
    engine.gateway.data_policies.put("hr", no_training_for_personal_data=True)
    engine.guard.set_policy("hr", pii="allow")
    assert ask(engine, "Who wrote this letter?", workspace_id="hr").model == "large"
    personal = ask(engine, "Who is ann@example.org?", workspace_id="hr")
    assert personal.model == "small"
    assert "the prompt names a person" in choose_step(engine, personal)["facts"]["excluded"][
        "far/large"]
    engine.gateway.data_policies.put("hr", no_training=True)
    assert ask(engine, "Who wrote this letter?", workspace_id="hr").model == "small"


def test_a_policy_that_restricts_nothing_is_none(engine):
    policies = engine.gateway.data_policies
    policies.put("acme", ["eu"], True)
    assert policies.of("acme") == DataPolicy(frozenset({"eu"}), True)
    policies.put("acme", [], False)
    assert (policies.of("acme"), policies.all()) == (DataPolicy(), ())
