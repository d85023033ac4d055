"""Search finds the page that answers a question about this product."""

from tests.gateway.questions import DOCS, QUESTIONS, hit_ratios, index_docs


def test_finds_the_page_of_most_questions():
    assert all((DOCS / page).is_file() for _, page in QUESTIONS)
    found = hit_ratios(index_docs())
    assert found["fused"] >= 0.7  # 30 questions; figures stand in docs/benchmarks.md
    assert found["fused"] >= max(found.values()) - 0.1
