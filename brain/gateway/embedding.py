"""Search by an embedding endpoint: whether it may be asked, the question's vector, how it does."""

import datetime as dt
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from brain.decisions.breaker import (
    Breaker,
    BreakerPolicy,
    admit,
    note_failure,
    note_nothing,
    note_success,
)
from brain.decisions.guard.judging import GuardDecision
from brain.decisions.reasons import Reason
from brain.gateway.data_policy import DataPolicy
from brain.gateway.document_vectors import DocumentVectors
from brain.gateway.passage_index import Near, Nearest, PassageIndex
from brain.gateway.vector_state import Fault, VectorState, tell_endpoint
from brain.settings import Embeddings, SettingsError
from brain.sources.embeddings import EmbeddingEndpoint, EmbeddingFault
from brain.sources.state import StateStore
from brain.sources.vector_column import open_vector_column

_BREAKER = BreakerPolicy(failures=3, first_pause_s=5.0, most_pause_s=60.0)
_KEPT = 500
_WAITING = 32
_LONGEST_MODEL = 200
_INSTEAD = "the built-in vectors were used"


class Embedding:
    """The embedding endpoint of one platform. Safe to share between threads.

    ``policy_of`` gives a workspace's data policy, ``judge`` what its guard does with a text;
    ``secret`` is the key of the hashes that questions' vectors are kept under, in memory alone.
    """

    def __init__(self, chosen: Embeddings, state: StateStore, clock: Callable[[], dt.datetime],
                 policy_of: Callable[[str], DataPolicy],
                 judge: Callable[[str, str], GuardDecision], secret: bytes,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._chosen, self._clock, self._monotonic = chosen, clock, monotonic
        self._policy_of, self._judge, self._secret = policy_of, judge, secret
        self._regions = read_regions(chosen)
        self._endpoint = EmbeddingEndpoint(chosen.base_url, chosen.model, chosen.key, clock)
        self.vectors = DocumentVectors(self._endpoint, chosen.batch, chosen.timeout_s, state, clock,
                                       self.barrier, open_vector_column(state))
        self.threads = ThreadPoolExecutor(_WAITING, "brain-retrieve")
        self._breaker, self._turn = Breaker(), threading.Lock()
        self._kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._fault: Fault | None = None

    def barrier(self, workspace_id: str) -> str:
        """What a workspace's data policy has against the endpoint, "" if nothing."""
        policy = self._policy_of(workspace_id)
        if policy.regions and not policy.regions & self._regions:
            kept = " and ".join(sorted(self._regions)) or "a place that nobody told"
            return (f"the workspace's data policy keeps its texts in "
                    f"{' or '.join(sorted(policy.regions))}, and the endpoint has them in {kept} "
                    "(BRAIN_EMBEDDINGS_REGION)")
        if (policy.no_training or policy.no_training_for_personal_data) \
                and not self._chosen.no_training:
            return ("the workspace's data policy asks for the promise that its data trains "
                    "nothing, which nobody gave for the endpoint (BRAIN_EMBEDDINGS_NO_TRAINING)")
        return ""

    def find_near(self, workspace_id: str, query: str, index: PassageIndex,
                  time_s: float | None = None
                  ) -> tuple[Near | Nearest | None, tuple[Reason, ...]]:
        """The question's vector where all of the index's passages have theirs, else None; and why.

        The text that the workspace's guard lets out is what is asked for.
        """
        if barrier := self.barrier(workspace_id):
            return None, (Reason("vectors_forbidden", f"{_begin(barrier)}: {_INSTEAD}."),)
        if lacking := len(index.lacking):
            return None, (Reason(
                "vectors_incomplete", f"{lacking:,} of {len(index.documents):,} documents have no "
                f"vectors of {self._chosen.model} yet: {_INSTEAD}."),)
        judged = self._judge(workspace_id, query)
        if judged.action == "refuse":
            return None, (Reason("vectors_withheld", "The workspace's guard lets this text out to "
                                                     f"nobody: {_INSTEAD}."),)
        most_s = self._chosen.question_timeout_s
        try:
            vector = self._vector(judged.text, min(most_s, most_s if time_s is None else time_s))
        except EmbeddingFault as fault:
            return None, (Reason("vectors_unavailable", f"{_begin(fault.message)}: {_INSTEAD}."),)
        near = self.vectors.place(workspace_id, vector, self._chosen.least_cosine, index)
        if near is None:
            told = f"vectors of {self._chosen.model} have another length now than the documents'"
            with self._turn:
                self._kept.clear()  # those of before a re-index are of no use after it
                self._fault = Fault(f"{told}; re-index the workspace", self._clock())
            return None, (Reason("vectors_changed", f"The {told}: {_INSTEAD}. Re-index the "
                                                    "workspace."),)
        return near, (Reason(
            "vectors_asked", f"The vectors of {self._chosen.model} at {self._endpoint.place} were "
                             "used."),)

    def state(self, workspace_id: str, passages: int, lacking: frozenset[str]) -> VectorState:
        """Whose vectors rank the workspace's passages; ``lacking`` are documents whose vectors its
        index could not take, or that have none."""
        there, ready = self.vectors.count(workspace_id)
        faults = [each for each in (self._fault, self.vectors.fault) if each is not None]
        return tell_endpoint(
            self._chosen.model, self._endpoint.place, passages, there,
            self.barrier(workspace_id), len(ready & lacking),
            max(faults, key=lambda each: each.at_utc, default=None))

    def close(self) -> None:
        """End what runs in the background."""
        self.vectors.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _vector(self, text: str, time_s: float) -> NDArray[np.float32]:
        key = hmac.digest(self._secret, f"{self._chosen.model}\n{text}".encode(errors="replace"),
                          "sha256")
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            found = admit(self._breaker, _BREAKER, self._monotonic())
            self._breaker = found.breaker
        if not found.allowed:
            last = self._fault.text if self._fault else f"{self._endpoint.place} rests"
            raise EmbeddingFault("unavailable", f"{last}; after failures it is left alone for "
                                                f"{found.retry_after_s or 0:.0f} s more")
        try:
            vector = self._endpoint.embed([text], max(time_s, 0.001))[0]
        except EmbeddingFault as fault:
            self._note_fault(fault, in_time=time_s >= self._chosen.question_timeout_s)
            raise
        except BaseException:
            with self._turn:
                self._breaker = note_nothing(self._breaker)
            raise
        with self._turn:
            self._breaker, self._fault = note_success(self._breaker, _BREAKER), None
            self._kept[key] = vector
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return vector

    def _note_fault(self, fault: EmbeddingFault, *, in_time: bool) -> None:
        """Count a fault, unless the question alone is to blame: refused, or short of time."""
        with self._turn:
            if fault.kind == "refused":
                self._breaker = note_success(self._breaker, _BREAKER)
            elif fault.kind == "timeout" and not in_time:
                self._breaker = note_nothing(self._breaker)
                return
            else:
                self._breaker = note_failure(self._breaker, _BREAKER, self._monotonic(),
                                             fault.retry_after_s)
            self._fault = Fault(fault.message, self._clock())


def open_embedding(chosen: Embeddings, state: StateStore, clock: Callable[[], dt.datetime],
                   policy_of: Callable[[str], DataPolicy],
                   judge: Callable[[str, str], GuardDecision], secret: bytes) -> Embedding | None:
    """The endpoint that settings which `check_settings` found good name, None for none."""
    return Embedding(chosen, state, clock, policy_of, judge, secret) if chosen.base_url else None


def check_settings(chosen: Embeddings) -> None:
    """Raises SettingsError for what cannot be used, naming the variable and what would be right."""
    if not chosen.base_url:
        if chosen.model:
            raise SettingsError("BRAIN_EMBEDDINGS_MODEL is set without BRAIN_EMBEDDINGS_BASE_URL, "
                                "the address of the server that has it")
        return
    try:
        parts = urlsplit(chosen.base_url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) \
            and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingsError("BRAIN_EMBEDDINGS_BASE_URL is not an address such as "
                            "http://127.0.0.1:11434/v1")
    if parts.username or parts.password:
        raise SettingsError("BRAIN_EMBEDDINGS_BASE_URL holds a name or password; the key belongs "
                            "into BRAIN_EMBEDDINGS_KEY")
    if not 0 < len(chosen.model.strip()) <= _LONGEST_MODEL:
        raise SettingsError("BRAIN_EMBEDDINGS_MODEL is missing: the name of the server's model for "
                            f"embeddings, of at most {_LONGEST_MODEL} characters")
    if any(not " " < each <= "~" for each in chosen.key):
        raise SettingsError("BRAIN_EMBEDDINGS_KEY has characters that no HTTP header may have")


def read_regions(chosen: Embeddings) -> frozenset[str]:
    """Where the endpoint keeps data."""
    return frozenset(filter(None, (each.strip() for each in chosen.region.split(","))))


def _begin(text: str) -> str:
    """The text as a sentence begins; one that begins with a host's name stays."""
    return text[:1].upper() + text[1:] if text.startswith(("the ", "this ")) else text
