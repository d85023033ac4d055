"""Knowledge: documents kept, changed, deleted and found; answers taken from them."""

import datetime as dt
import io
import random
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.retrieval.full_text import FullText
from analytics.retrieval.passages import MOST_CHARACTERS, cut_passages, cut_sentences
from analytics.retrieval.words import find_words, tell_language
from brain.decisions.reasons import InputError
from brain.gateway.extractive import Extract, NothingFound, answer_from
from brain.gateway.knowledge import Knowledge, Passage
from brain.gateway.passage_index import PassageIndex
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 11, 26, 5, tzinfo=dt.UTC)
FACTS = {
    "lunch.md": "# Kantine\n\nDie Kantine öffnet um 11:30 Uhr. Freitags gibt es Fisch.",
    "vacation.md": "# Vacation\n\nEmployees have 30 days of vacation a year. Unused days expire in "
                   "March.\n\n## Request\n\nRequests go to your team lead two weeks before.",
    "vpn.txt": "The VPN gateway is vpn.example.com. Tunnels drop after eight hours.",
    "travel.md": "# Reisen\n\nDie Reisekostenabrechnung muss bis zum 5. des Folgemonats vorliegen.",
    "coffee.txt": "Coffee machines are cleaned on Mondays.",
    "doors.txt": "Badge readers open the doors from six to ten.",
    "printer.txt": "Printers on the third floor print in colour.",
    "parking.txt": "Parking permits cost 40 EUR a month and are given out by the front desk.",
    "security.txt": "Passwords have at least 14 characters and are changed after a leak only.",
}


@pytest.fixture
def state(tmp_path):
    store = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def knowledge(state):
    return Knowledge(state, lambda: NOW, lambda: "tester")


@pytest.fixture
def filled(knowledge):
    for name, text in FACTS.items():
        knowledge.ingest("acme", name, text)
    knowledge.reindex("acme")
    return knowledge


def names(found):
    return [each.name for each in found]


def test_finds_by_words_and_by_parts_of_words(filled):
    assert names(filled.search("acme", "How many vacation days do I have?"))[0] == "vacation.md"
    assert names(filled.search("acme", "Wann öffnet die Kantine?"))[0] == "lunch.md"
    compound = filled.search("acme", "Abrechnung der Reise")[0]  # only vectors see the compound
    assert compound.name == "travel.md" and "vector" in compound.ranks
    assert filled.search("acme", "xylophone") == ()
    assert filled.search("acme", "the of und") == ()


def test_a_workspace_finds_nothing_of_another(filled):
    filled.ingest("other", "secret.txt", "The vacation budget of the other company is secret.")
    assert names(filled.search("other", "vacation")) == ["secret.txt"]
    assert "secret.txt" not in names(filled.search("acme", "vacation budget secret company"))
    assert filled.search("nobody", "vacation") == ()
    stranger = filled.documents("other")[0].document_id
    for verb in (filled.delete, filled.document, filled.text, filled.restore):
        with pytest.raises(LookupError):
            verb("acme", stranger)
    with pytest.raises(LookupError):
        filled.update("acme", stranger, "taken over")


def test_every_change_counts_the_version_and_is_found_at_once(filled):
    before = filled.version("acme")
    assert before == len(FACTS)
    document = filled.ingest("acme", "coffee.txt", "Coffee machines are cleaned on Tuesdays.")
    assert filled.version("acme") == before + 1
    assert "Tuesdays" in filled.search("acme", "coffee machines")[0].text
    filled.ingest("acme", "coffee.txt", "Coffee machines are cleaned on Tuesdays.")
    assert filled.version("acme") == before + 1  # the same text is no change
    filled.update("acme", document.document_id, "Tea only.", name="tea.txt")
    assert names(filled.search("acme", "tea")) == ["tea.txt"]
    filled.delete("acme", document.document_id)
    assert filled.search("acme", "tea") == () and len(filled.documents("acme")) == len(FACTS) - 1
    filled.restore("acme", document.document_id)
    assert names(filled.search("acme", "tea")) == ["tea.txt"]
    assert filled.version("acme") == before + 4


def test_another_process_sees_the_change(filled, state):
    other = Knowledge(state, lambda: NOW, lambda: "other")
    assert names(other.search("acme", "VPN tunnels"))[0] == "vpn.txt"
    filled.ingest("acme", "vpn.txt", "Tunnels are gone.")
    assert "gone" in other.search("acme", "VPN tunnels")[0].text
    filled.delete("acme", filled.documents("acme")[-1].document_id)
    assert other.search("acme", "VPN tunnels") == ()


def test_a_deleted_document_is_gone_after_a_week(state):
    now = [NOW]
    knowledge = Knowledge(state, lambda: now[0], lambda: "tester")
    document = knowledge.ingest("acme", "a.txt", "alpha")
    knowledge.delete("acme", document.document_id)
    assert knowledge.purge() == 0
    now[0] += dt.timedelta(days=8)
    assert knowledge.purge() == 1
    with pytest.raises(LookupError):
        knowledge.restore("acme", document.document_id)


def test_does_not_bring_a_document_back_over_another(filled):
    old = filled.documents("acme")[0]
    filled.delete("acme", old.document_id)
    filled.ingest("acme", old.name, "a new one")
    with pytest.raises(InputError) as refused:
        filled.restore("acme", old.document_id)
    assert refused.value.code == "name_taken"


def test_sample_documents_come_and_go_together(filled):
    own = len(filled.documents("acme"))
    loaded = filled.load_sample("acme")
    assert loaded > 10 and len(filled.documents("acme")) == own + loaded
    assert filled.remove_sample() == loaded
    assert [each.is_demo for each in filled.documents("acme")] == [False] * own
    assert filled.load_sample("acme") == loaded  # and once more


def test_answers_with_sentences_and_sources(filled):
    found = answer_from("How many days of vacation do employees have?",
                        filled.search("acme", "How many days of vacation do employees have?"))
    assert isinstance(found, Extract)
    assert found.text.startswith("Employees have 30 days of vacation a year. [1]")
    assert found.sources[0].name == "vacation.md"
    german = answer_from("Wann öffnet die Kantine?",
                         filled.search("acme", "Wann öffnet die Kantine?"))
    assert german.text.startswith("Die Kantine öffnet um 11:30 Uhr. [1]")


def test_a_near_passage_answers_with_its_beginning_where_no_word_fits():
    text = "Vacation rules:\n\nEmployees have 30 days. They expire in March. Ask your lead. Or not."
    far = Passage("1", "far.md", "Badges open doors.", 0.02, scores={"vector": 0.5}, is_near=True)
    near = Passage("2", "near.md", text, 0.01, scores={"vector": 0.8}, is_near=True)
    found = answer_from("Urlaub?", (far, near))
    assert found == Extract("Employees have 30 days. [1] They expire in March. [1] Ask your lead. "
                            "[1]", (near,))
    assert answer_from("Doors?", (near, far)).text == "Badges open doors. [1]"  # words come first
    assert isinstance(answer_from("Urlaub?", (replace(near, is_near=False),)), NothingFound)


@pytest.mark.parametrize(("question", "words"), [
    ("Who won the world cup of 1954?", "I found nothing"),
    ("Wie hoch ist der Eiffelturm?", "nichts gefunden"), ("???", "I found nothing")])
def test_says_that_nothing_is_there(filled, question, words):
    found = answer_from(question, filled.search("acme", question))
    assert isinstance(found, NothingFound) and words in found.text and found.sources == ()


@pytest.mark.parametrize(("data", "name", "code"), [
    (b"", "a.txt", "empty"), (b"  \n ", "a.md", "empty"),
    (b"\x00\x01\x02" * 50, "a.bin", "not_text"),
    (b"%PDF-1.7 broken", "a.pdf", "damaged"), (b"hello", "a.pdf", "not_a_pdf"),
    (b"\xff\xfe\x00", "a.txt", "bad_encoding"), (b"x" * 20_000_001, "a.txt", "too_large"),
    (b"hello", "", "invalid_name")])
def test_refuses_what_cannot_be_read(knowledge, data, name, code):
    with pytest.raises(InputError) as refused:
        knowledge.ingest("acme", name, data)
    assert refused.value.code == code
    assert knowledge.version("acme") == 0 and knowledge.documents("acme") == ()


@pytest.mark.parametrize("data", [
    "Grüße aus Köln".encode(), "Grüße aus Köln".encode("utf-16"),
    "Grüße aus Köln".encode("cp1252"), "\ufeffGrüße aus Köln".encode(),
    '<html><head><meta charset="iso-8859-15"></head><body>Grüße aus Köln</body>'.encode("cp1252")])
def test_reads_every_usual_encoding(knowledge, data):
    document = knowledge.ingest("acme", "a.txt", data)
    assert "Grüße aus Köln" in knowledge.text("acme", document.document_id)


def test_reads_html_as_a_reader_sees_it(knowledge):
    page = """<!doctype html><html><head><title>x</title><style>p{}</style></head><body>
    <nav>Home | Shop</nav><h1>Opening hours</h1><p>We open at <b>nine</b>.</p>
    <ul><li>Monday</li><li>Tuesday &amp; Friday</li></ul><script>alert(1)</script></body></html>"""
    document = knowledge.ingest("acme", "page.html", page)
    assert knowledge.text("acme", document.document_id) == (
        "# Opening hours\n\nWe open at nine.\n\n- Monday\n- Tuesday & Friday")


def test_reads_pdf_and_says_what_a_scan_lacks(knowledge):
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    def write(content):
        writer = PdfWriter()
        page = writer.add_blank_page(300, 300)
        stream = DecodedStreamObject()
        stream.set_data(content)
        page[NameObject("/Contents")] = writer._add_object(stream)
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject(
            "/Subtype"): NameObject("/Type1"), NameObject("/BaseFont"): NameObject("/Helvetica")})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject(
            {NameObject("/F1"): writer._add_object(font)})})
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()
    document = knowledge.ingest("acme", "a.pdf", write(b"BT /F1 12 Tf 50 200 Td (Hello PDF) Tj ET"))
    assert knowledge.text("acme", document.document_id).strip() == "Hello PDF"
    with pytest.raises(InputError) as refused:
        knowledge.ingest("acme", "b.pdf", write(b""))
    assert refused.value.code == "no_text"


def test_writers_and_readers_at_once_lose_nothing(knowledge):
    faults = []

    def work(number):
        try:
            for step in range(6):
                knowledge.ingest("acme", f"{number}-{step}.txt", f"word{number} step{step} shared")
                knowledge.search("acme", "shared")
        except Exception as fault:
            faults.append(fault)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    assert knowledge.version("acme") == 36 == len(knowledge.documents("acme"))
    assert len(knowledge.search("acme", "shared", 50)) == 36


def test_documents_stand_on_postgresql_too(postgres_url):
    store = StateStore(postgres_url)
    knowledge = Knowledge(store, lambda: NOW, lambda: "tester")
    document = knowledge.ingest("acme", "a.txt", "Grüße und " + "x" * 100_000)
    assert knowledge.version("acme") == 1
    assert names(knowledge.search("acme", "Grüße")) == ["a.txt"]
    knowledge.delete("acme", document.document_id)
    assert knowledge.restore("acme", document.document_id).version == 3
    store.close()


TEXTS = st.lists(st.sampled_from(["red", "blue", "fast", "slow", "car", "tree", "river", "stone"]),
                 min_size=1, max_size=12).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), TEXTS)), max_size=25), TEXTS)
def test_step_by_step_gives_the_scores_of_a_new_index(changes, query):
    grown, kept = PassageIndex(), {}
    for number, text in changes:
        if text is None:
            grown.drop(str(number))
            kept.pop(str(number), None)
        else:
            grown.put(str(number), f"d{number}", text)
            kept[str(number)] = text
    fresh = PassageIndex()
    for number, text in kept.items():
        fresh.put(number, f"d{number}", text)
    theirs = {each.document_id: each.scores["bm25"] for each in fresh.search(query, 50)}
    ours = {each.document_id: each.scores["bm25"] for each in grown.search(query, 50)}
    assert ours == pytest.approx(theirs)


def test_bm25_by_hand():
    index = FullText()
    for words in (["cat", "sat"], ["cat", "cat", "dog", "ran"], ["bird"]):
        index.add(words)
    scores, shares = index.score(["cat", "dog"])
    # N = 3, mean length 7/3; idf(cat) = ln(1 + 1.5/2.5) = 0.470004, idf(dog) = ln(1 + 2.5/1.5)
    # = 0.980829; row 1: cat 2·2.2/(2 + 1.2·(0.25 + 0.75·4/(7/3))) = 1.271889…, dog once
    norm = 1.2 * (0.25 + 0.75 * 4 / (7 / 3))
    assert scores[1] == pytest.approx(0.470004 * 2 * 2.2 / (2 + norm) + 0.980829 * 2.2 / (1 + norm),
                                      abs=1e-5)
    assert shares[1] == pytest.approx(1) and scores[2] == shares[2] == 0
    assert shares[0] == pytest.approx(0.470004 / (0.470004 + 0.980829), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400) | st.lists(st.sampled_from(
    ["# H\n", "text. ", "\n\n", "- item\n", "```\n", "| a | b |\n", "===\n", "x" * 700, "z. B. "]),
    max_size=20).map("".join))
def test_any_text_is_cut_without_loss(text):
    pieces = cut_passages(text)
    assert all(len(each.text) <= MOST_CHARACTERS * 2 for each in pieces)
    kept = "".join(f"{each.heading}{each.text}" for each in pieces)
    assert {letter for letter in kept if letter.isalnum()} <= set(text)
    missing = {word for word in text.split() if word.isalnum() and len(word) < 600
               and word not in kept}
    assert not missing
    for each in pieces:
        cut_sentences(each.text)


def test_words_of_both_languages():
    assert find_words("Prices, pricing und Preise") == ["pric", "pric", "preis"]
    assert find_words("Häuser Haus") == ["haus", "haus"]
    assert find_words("BRAIN_REDIS_URL") == ["brain_redis_url", "brai", "redis", "url"]
    assert (tell_language("Wie geht das?"), tell_language("How does it work?")) == ("de", "en")
    assert cut_sentences("Das gilt z. B. für Nr. 5. Es ist so. Am 3. März nicht.") == (
        "Das gilt z. B. für Nr. 5.", "Es ist so.", "Am 3. März nicht.")


def test_vectors_are_the_same_for_the_same_documents():
    rng = random.Random(1)
    index = [PassageIndex(), PassageIndex()]
    for number in range(30):
        text = " ".join(rng.choices(["alpha", "beta", "gamma", "delta", "omega"], k=8))
        for each in index:
            each.put(str(number), "d", text)
    assert index[0].fit() and index[1].fit()
    first, second = (each.search("alpha beta", 5, ("vector",)) for each in index)
    assert first == second != ()
