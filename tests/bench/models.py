"""Models: a choice, a learned choice, and what the router saves on real evaluations."""

from collections.abc import Iterator

from analytics.routing.evaluation import evaluate, summarize
from analytics.routing.router import train_router
from brain.decisions.models.catalogue import SAMPLE_CATALOGUE, prepare_catalogue
from brain.decisions.models.choosing import choose_prepared
from brain.decisions.models.constraints import Criteria, State, prepare_ask
from brain.decisions.models.features import Features
from brain.models.files import Columns, read_routing_data
from tests.bench.measuring import Figure, Plan, repeat_ms
from tests.datasets import dataset_path

CHOICES = 500
SPLITS = tuple(range(10))


def measure(plan: Plan) -> Iterator[Figure]:
    """Choices of one model of three; predictions of the router; AIQ beside plain logistic."""
    catalogue, features = prepare_catalogue(SAMPLE_CATALOGUE), Features(1_000)
    times = repeat_ms(lambda: [choose_prepared(prepare_ask(features, Criteria(), State()),
                                               catalogue, {}) for _ in range(CHOICES)], 7)
    yield Figure("choice of a model", "3 models", "µs",
                 tuple(each * 1_000 / CHOICES for each in times), most=100.0)
    path = dataset_path("ROUTING_DATA")
    if not path.exists():
        return
    data, _ = read_routing_data(path, Columns())
    router = train_router(data.prompts[:3_000], data.scores[:3_000], data.models)
    asked = data.prompts[-200:]
    times = repeat_ms(lambda: [router.predict(each) for each in asked], 7)
    yield Figure("learned judgement of a prompt", f"{len(data.models)} models", "µs",
                 tuple(each * 1_000 / len(asked) for each in times), most=1_000.0)
    kinds = ("prompt", "subject") if len(set(data.subjects)) > 1 else ("prompt",)
    found = summarize(list(evaluate(data, kinds, SPLITS)))
    for each in found:
        if each.policy in ("router", "nearest_neighbours", "single_models", "random", "oracle"):
            plain = next(other for other in found if other.policy == "logistic"
                         and other.kind == each.kind)
            yield Figure(
                f"{each.policy}, unseen {each.kind}s", f"{len(data.prompts):,} prompts", "AIQ",
                (each.aiq,), note=f"± {each.aiq_sd:.4f} over {each.splits} splits; beside logistic "
                f"({plain.aiq:.4f}) {each.gain:+.4f} ± {each.gain_sd:.4f}, better in {each.wins}; "
                f"at 95 % saves {_share(each.saving)} on the hull, {_share(each.saving_flat)} at "
                f"one point (logistic {_share(plain.saving)}, {_share(plain.saving_flat)})")


def _share(saving: float | None) -> str:
    return "never" if saving is None else f"{saving:.1%}"
