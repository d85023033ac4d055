"""The client of embedding endpoints: every form of the wire, every way to fail, in bounded time."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.sources.embeddings import EmbeddingEndpoint, EmbeddingFault, to_unit
from tests.services.embeddings import DIMENSIONS, EmbeddingServer, embed, running_embeddings

LONG_S = 120.0  # a machine may be slow; nothing here waits for it
TEXTS = ["We take our holiday in May.", "The canteen opens at noon.", "Nothing of it."]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with running_embeddings() as found:
        yield found


@pytest.fixture
def endpoint(server: EmbeddingServer) -> Iterator[EmbeddingEndpoint]:
    found = EmbeddingEndpoint(server.url, "fake-embed")
    yield found
    found.close()


@pytest.mark.parametrize(("floats", "strict"), [(False, False), (True, False), (False, True)])
def test_reads_base64_and_numbers_in_the_order_of_the_texts(
        server: EmbeddingServer, endpoint: EmbeddingEndpoint, floats: bool, strict: bool) -> None:
    server.floats, server.strict = floats, strict
    found = endpoint.embed(TEXTS, LONG_S)
    assert found.shape == (3, DIMENSIONS)
    assert found.dtype == np.float32
    expected = np.array([embed(each) for each in TEXTS])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found == pytest.approx(expected, abs=1e-6)
    assert server.bodies[0] == {"model": "fake-embed", "input": TEXTS, "encoding_format": "base64"}
    endpoint.embed(TEXTS, LONG_S)
    assert [("encoding_format" in each) for each in server.bodies] == (
        [True, False, False] if strict else [True, True])  # a refused option is not sent again
    assert endpoint.embed([], LONG_S).shape == (0, 0)


def test_the_key_is_sent_and_a_wrong_one_is_told(server: EmbeddingServer) -> None:
    server.key = "right"
    for key, works in (("right", True), ("wrong", False), ("", False)):
        endpoint = EmbeddingEndpoint(f"{server.url}/", "fake-embed", key)
        try:
            if works:
                assert len(endpoint.embed(["a"], LONG_S)) == 1
                continue
            with pytest.raises(EmbeddingFault, match="BRAIN_EMBEDDINGS_KEY") as failed:
                endpoint.embed(["a"], LONG_S)
            assert failed.value.kind == "auth"
            assert "wrong" not in failed.value.message
        finally:
            endpoint.close()


@pytest.mark.parametrize(("mode", "kind", "words"), [
    ("unauthorized", "auth", "401"), ("unknown_model", "not_found", "BRAIN_EMBEDDINGS_MODEL"),
    ("rate_limited", "rate_limited", "429"), ("error", "unavailable", "500"),
    ("garbage", "bad_answer", "not a list of embeddings"), ("cut", "unavailable", "broke off"),
    ("too_few", "bad_answer", "2 vectors for 3 texts"),
    ("mixed", "bad_answer", "different lengths"), ("nan", "bad_answer", "NaN"),
    ("not_base64", "bad_answer", "neither numbers nor base64"),
    ("no_numbers", "bad_answer", "neither numbers nor base64"),
    ("empty", "bad_answer", "0 numbers"), ("wrong_numbers", "bad_answer", "do not fit"),
    ("elsewhere", "not_found", "points elsewhere")])
def test_a_fault_is_named_and_never_repeats_a_text(
        server: EmbeddingServer, endpoint: EmbeddingEndpoint, mode: str, kind: str,
        words: str) -> None:
    server.mode = mode
    with pytest.raises(EmbeddingFault) as failed:
        endpoint.embed(TEXTS, LONG_S)
    assert failed.value.kind == kind
    assert words in failed.value.message and "127.0.0.1" in failed.value.message
    assert "holiday" not in failed.value.message
    assert failed.value.retry_after_s == (7.0 if mode == "rate_limited" else None)
    server.mode = "ok"
    assert len(endpoint.embed(TEXTS, LONG_S)) == 3


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_who_is_slow_is_given_up(server: EmbeddingServer, endpoint: EmbeddingEndpoint,
                                 mode: str) -> None:
    server.mode = mode
    with pytest.raises(EmbeddingFault, match=r"within 0\.2 s") as failed:
        endpoint.embed(TEXTS, 0.2)
    assert failed.value.kind == "timeout"


def test_nobody_there_and_no_server_at_all() -> None:
    with running_embeddings() as gone:
        pass
    endpoint = EmbeddingEndpoint(gone.url, "fake-embed")
    with pytest.raises(EmbeddingFault, match="BRAIN_EMBEDDINGS_BASE_URL") as failed:
        endpoint.embed(["a"], LONG_S)
    assert failed.value.kind == "unreachable"
    endpoint.close()


def test_huge_numbers_become_directions(server: EmbeddingServer,
                                        endpoint: EmbeddingEndpoint) -> None:
    plain = endpoint.embed(TEXTS, LONG_S)
    server.mode = "huge"
    assert endpoint.embed(TEXTS, LONG_S) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(("most", "sent"), [(1_000, [3_000, 1_000]), (500, [3_000, 1_000, 400])])
def test_a_text_that_is_too_long_is_cut(server: EmbeddingServer, endpoint: EmbeddingEndpoint,
                                        most: int, sent: list[int]) -> None:
    server.most_characters = most
    assert len(endpoint.embed(["x" * 3_000], LONG_S)) == 1
    assert [len(each) for each in server.texts] == sent


def test_what_no_cut_helps_is_refused(server: EmbeddingServer, endpoint: EmbeddingEndpoint) -> None:
    server.most_characters = 10
    with pytest.raises(EmbeddingFault, match="does not take these texts") as failed:
        endpoint.embed(["x" * 300], LONG_S)
    assert failed.value.kind == "refused"
    assert len(server.bodies) == 1  # shorter than every cut: asking again would not help


def test_threads_share_a_client_and_closing_breaks_off(server: EmbeddingServer,
                                                       endpoint: EmbeddingEndpoint) -> None:
    found: list[object] = []

    def ask(text: str) -> None:
        try:
            found.append(endpoint.embed([text], LONG_S).shape)
        except EmbeddingFault as fault:
            found.append(fault.kind)
    threads = [threading.Thread(target=ask, args=(f"text {number}",)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(LONG_S)
    assert found == [(1, DIMENSIONS)] * 20
    server.mode, found[:] = "slow", []
    waiting = threading.Thread(target=ask, args=("late",))
    waiting.start()
    while len(server.bodies) < 21:  # it is under way
        waiting.join(0.01)
    endpoint.close()
    waiting.join(LONG_S)
    assert found == ["unavailable"]


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-1e308, 1e308), min_size=3, max_size=3), min_size=1, max_size=5))
def test_any_numbers_give_unit_vectors_or_zero(rows: list[list[float]]) -> None:
    sizes = np.linalg.norm(to_unit(np.array(rows)), axis=1)
    assert all(size == pytest.approx(1, abs=1e-5) or (size == 0 and not any(row))
               for size, row in zip(sizes, rows, strict=True))


def test_the_fake_speaks_what_openais_own_client_reads(server: EmbeddingServer) -> None:
    from openai import OpenAI
    with OpenAI(base_url=server.url, api_key="none", max_retries=0, timeout=LONG_S) as client:
        for floats in (False, True):
            server.floats = floats
            found = client.embeddings.create(model="fake-embed", input=TEXTS)
            rows = sorted(found.data, key=lambda row: row.index)
            assert np.array([row.embedding for row in rows]) == pytest.approx(
                np.array([embed(each) for each in TEXTS]), abs=1e-6)
    assert [each.get("encoding_format") for each in server.bodies] == ["base64", "base64"]
