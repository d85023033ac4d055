"""Guard, answer cache and knowledge: how good and how fast."""

import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tests.bench.measuring import Figure, Plan, repeat_ms, timed_ms

if TYPE_CHECKING:
    from brain.gateway.passage_index import PassageIndex

DOCUMENTS = 10_000
KEYS = 100_000
DIMENSIONS = 1_024


def measure_guard(_plan: Plan) -> Iterator[Figure]:
    """Recall and precision on the labelled texts, and the time of one."""
    from brain.decisions.guard.masking import find_personal, mask_text
    from tests.decisions.guard.labelled import make_texts, score
    texts = make_texts()
    for kind, row in score(texts, find_personal).items():
        if row["n"]:
            yield Figure(f"guard recall, {kind}", f"{row['n']} of {len(texts):,} texts", "ratio",
                         (row["recall"],), least=0.85 if kind == "phone" else 0.99,
                         note=f"precision {row['precision']:.3f} of {row['told']} told")
    times = tuple(timed_ms(lambda each=each: mask_text(each.text)) for each in texts)
    yield Figure("guard mask_text", "one text", "ms", times, most=2.0)


def measure_cache(_plan: Plan) -> Iterator[Figure]:
    """Hit and set with eviction at 100,000 keys, in microseconds."""
    from brain.gateway.answer_cache import AnswerCache
    from brain.gateway.local_cache import ENTRY_BYTES
    keys = [f"{number:064x}" for number in range(2 * KEYS)]
    value = b"x" * 200
    cache = AnswerCache(time.monotonic, KEYS * (ENTRY_BYTES + 264), 3_600.0)
    for each in keys[:KEYS]:
        cache.keep(each, value)
    rng = random.Random(1)
    there = [each for each in keys[:KEYS] if cache.find(each) is not None]
    chosen = [rng.choices(there, k=10_000) for _ in range(9)]
    yield Figure("cache hit", f"{len(there):,} keys", "us", tuple(
        _cpu_us(lambda part=part: [cache.find(each) for each in part]) for part in chosen),
        most=2.0, note="processor time")
    parts = [keys[KEYS + at:KEYS + at + 10_000] for at in range(0, 90_000, 10_000)]
    yield Figure("cache set with eviction", f"{KEYS:,} keys", "us", tuple(
        _cpu_us(lambda part=part: [cache.keep(each, value) for each in part])
        for part in parts), most=5.0, note="processor time")


def _cpu_us(work: Callable[[], object]) -> float:
    """Microseconds of this process's own time for each of 10,000 operations."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e6 / 10_000


def measure_knowledge(_plan: Plan) -> Iterator[Figure]:
    """Search in 10,000 documents, and which ranking finds the page of a question."""
    from brain.gateway.passage_index import PassageIndex
    from tests.gateway.questions import QUESTIONS, hit_ratios, index_docs
    for name, ratio in hit_ratios(index_docs()).items():
        yield Figure(f"knowledge hit@3, {name}", f"{len(QUESTIONS)} questions over docs", "ratio",
                     (ratio,))
    rng = random.Random(3)
    words = [f"{first}{second}{third}" for first in ("ka", "be", "sto", "mi", "ran", "tel", "vor")
             for second in ("no", "li", "ber", "sch", "um") for third in
             ("ten", "ra", "kus", "de", "mol", "fa", "gen", "ist")]
    weights = [1 / (place + 1) for place in range(len(words))]
    index = PassageIndex()

    def fill() -> None:
        for number in range(DOCUMENTS):
            text = " ".join(rng.choices(words, weights, k=160))
            index.put(str(number), f"document {number}", f"# {rng.choice(words)}\n\n{text}")
    yield Figure("knowledge index", f"{DOCUMENTS:,} documents, {160} words", "ms",
                 (timed_ms(fill),))
    yield Figure("knowledge vectors learned", f"{len(index):,} passages", "ms",
                 (timed_ms(index.fit),))
    queries = [" ".join(rng.choices(words, k=5)) for _ in range(60)]
    yield Figure("knowledge search, fused", f"{DOCUMENTS:,} documents", "ms", tuple(
        repeat_ms(lambda each=each: index.search(each, 5), 1)[0] for each in queries), most=50.0)
    yield from _measure_given(index, queries, rng)
    yield Figure("knowledge put, one document", f"{DOCUMENTS:,} documents", "ms", repeat_ms(
        lambda: index.put("0", "document 0", " ".join(rng.choices(words, k=160))), 20))


def _measure_given(index: "PassageIndex", queries: list[str], rng: random.Random
                   ) -> Iterator[Figure]:
    """Search by vectors of an embedding endpoint, once the question has its own."""
    import numpy as np

    from brain.gateway.passage_index import Near
    from brain.sources.embeddings import to_unit
    numbers = np.random.default_rng(rng.randrange(1_000_000))

    def give() -> None:
        for document_id in sorted(index.lacking):
            index.give(document_id, to_unit(numbers.normal(
                size=(index.passages_of(document_id), DIMENSIONS))))
    yield Figure("knowledge vectors of an endpoint taken", f"{len(index):,} passages, {DIMENSIONS}",
                 "ms", (timed_ms(give),))
    nears = [Near(to_unit(numbers.normal(size=(1, DIMENSIONS)))[0], 0.05) for _ in queries]
    yield Figure("knowledge search, endpoint's vectors fused", f"{DOCUMENTS:,} documents", "ms",
                 tuple(repeat_ms(lambda query=query, near=near: index.search(query, 5, near=near),
                                 1)[0] for query, near in zip(queries, nears, strict=True)),
                 most=50.0)
