"""Whose vectors rank a workspace's passages, told in one sentence."""

import datetime as dt
from dataclasses import dataclass

from analytics.retrieval.vectors import FEWEST_FITTED


@dataclass(frozen=True, slots=True)
class Fault:
    """What an embedding endpoint did not do, what to do about it, and when it was asked."""

    text: str
    at_utc: dt.datetime


@dataclass(frozen=True, slots=True)
class VectorState:
    """``source`` is "built-in" or "endpoint": whose vectors rank now.

    ``with_vectors`` of ``passages`` have them: those of ``model`` where an endpoint is set.
    ``told`` says all of it, the last ``fault`` and what to do included.
    """

    source: str
    passages: int
    with_vectors: int
    told: str
    model: str = ""
    place: str = ""
    fault: str = ""


def tell_built_in(passages: int, *, has_vectors: bool) -> VectorState:
    """The state without an embedding endpoint."""
    there = passages if has_vectors else 0
    why = "" if has_vectors or not passages else (
        "; they are learned in the background after the first search"
        if passages >= FEWEST_FITTED else f"; they need {FEWEST_FITTED}")
    return VectorState("built-in", passages, there, "The built-in vectors are used: "
                       f"{there:,} of {passages:,} passages have them{why}.")


def tell_endpoint(model: str, place: str, passages: int, with_vectors: int, barrier: str = "",
                  misfits: int = 0, fault: Fault | None = None) -> VectorState:
    """The state with an endpoint. ``barrier`` is what the workspace's data policy has against it;
    ``misfits`` are documents whose vectors have another length than the others'."""
    name = f"{model} at {place}"
    count = f"{with_vectors:,} of {passages:,} passages"
    used = not barrier and not misfits and with_vectors >= passages
    if barrier:
        told = f"The built-in vectors are used instead of those of {name}: {barrier}"
    elif misfits:
        told = (f"The built-in vectors are used: those of {name} have another length now than "
                f"before; re-index the workspace to have all {passages:,} passages' made anew")
    elif used:
        told = f"The vectors of {name} are used: {count} have them"
    else:
        told = (f"The built-in vectors are used until all passages have those of {name}: "
                f"{count} have them, the others get theirs while the console runs, or by "
                "`brain knowledge embed`")
    if fault is not None and not barrier:
        told += f"; last fault, {fault.at_utc:%Y-%m-%d %H:%M} UTC: {fault.text}"
    return VectorState("endpoint" if used else "built-in", passages, with_vectors, f"{told}.",
                       model, place, "" if fault is None or barrier else fault.text)
