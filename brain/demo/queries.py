"""What people ask: synthetic questions by topic, free of personal data."""

TOPICS: dict[str, tuple[str, ...]] = {
    "delivery": ("When does order {n} arrive?", "Why is shipment {n} late?",
                 "How do I change the delivery address?", "Which carrier handles route {n}?"),
    "billing": ("Explain invoice {n}", "How do I get a refund?", "What is due in week {n}?",
                "Why did the price change?"),
    "account": ("How do I reset a password?", "Add a member to team {n}",
                "How do I turn on two-step sign-in?"),
    "contracts": ("Summarize contract {n}", "Which clauses cover liability?",
                  "Compare version {n} with the template", "When does agreement {n} end?"),
    "reports": ("Sales by region in week {n}", "Summarize the report of week {n}",
                "Which products grew most?", "Forecast demand for week {n}"),
    "code": ("Write a test for module {n}", "Why does build {n} fail?",
             "Explain this error message", "Refactor function {n}"),
    "policy": ("What is the travel policy?", "How many days of leave do I have?",
               "Who approves expense {n}?"),
    "research": ("Find papers about topic {n}", "Summarize source {n}",
                 "What are the open questions?"),
}
TOPIC_SHARES = (0.20, 0.17, 0.11, 0.12, 0.14, 0.11, 0.08, 0.07)
FILLERS = 12


def _write_all() -> list[tuple[str, str, int]]:
    written = []
    for place, (topic, templates) in enumerate(TOPICS.items()):
        for template in templates:
            for number in range(1, FILLERS + 1) if "{n}" in template else (0,):
                written.append((topic, template.format(n=number), place))
    return written


_ALL = _write_all()
QUERY_TOPIC = tuple(topic for topic, _, _ in _ALL)
QUERY_TEXT = tuple(text for _, text, _ in _ALL)


def _weigh() -> tuple[float, ...]:
    """Share of each question: its topic's, by Zipf's law within the topic."""
    weights = []
    seen: dict[int, int] = {}
    totals = {p: sum(1 / (k + 1) for k in range(sum(q == p for _, _, q in _ALL)))
              for p in range(len(TOPICS))}
    for _, _, place in _ALL:
        seen[place] = seen.get(place, 0) + 1
        weights.append(TOPIC_SHARES[place] / seen[place] / totals[place])
    return tuple(weights)


QUERY_SHARES = _weigh()
