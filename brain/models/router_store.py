"""Versions of the learned router: kept as plain arrays in the state store, never unpickled."""

import base64
import datetime as dt
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.routing.crowd import Crowd
from analytics.routing.forest import Forest
from analytics.routing.router import Router
from analytics.routing.text import FORM, Vocabulary
from brain.models.gate import RouterGate
from brain.sources.state import StateStore

ADDED, ACTIVATED, REFUSED = "router trained", "router activated", "router refused by its gate"
LARGEST_BYTES = 200_000_000
_CROWD = ("root", "feature", "threshold", "left", "right", "value")
_FOREST = ("start", "owner", "root", "feature", "threshold", "left", "right", "value")


class RouterDamaged(Exception):
    """A kept router is not what was kept; it is not used."""


@dataclass(frozen=True, slots=True)
class RouterVersion:
    """A trained router without its weights. ``status`` is active, ready (never in force) or
    retired; refused ones are of earlier versions of this program."""

    version: int
    status: str
    trained_on: int
    models: tuple[str, ...]
    gate: RouterGate
    person: str
    created_at_utc: dt.datetime


class RouterStore:
    """Adds versions, says which one is in force, and puts another in force."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def versions(self) -> tuple[RouterVersion, ...]:
        """Every version, newest first."""
        return tuple(_decode(row) for row in reversed(
            self._state.rows("router_versions", order="version")))

    def active(self) -> RouterVersion | None:
        """The version in force, None before the first."""
        return next((each for each in self.versions() if each.status == "active"), None)

    def add(self, router: Router, gate: RouterGate, now: dt.datetime, person: str) -> RouterVersion:
        """The new version, ready to be put in force. Raises ValueError for one that its gate
        refused."""
        if not gate.passed:
            raise ValueError("a router that its gate refused is not kept")
        body = dump_router(router)
        known = self.versions()
        number = known[0].version + 1 if known else 1
        self._state.insert("router_versions", {
            "version": number, "status": "ready", "trained_on": router.trained_on,
            "models_json": json.dumps(router.models), "gate_json": gate.to_json(),
            "weights_base64": base64.b64encode(body).decode(),
            "sha256": hashlib.sha256(body).hexdigest(), "person": person, "created_at_utc": now})
        self._state.audit(now, person, ADDED, "router", None, {"version": number})
        return next(each for each in self.versions() if each.version == number)

    def previous(self) -> int | None:
        """The version in force before the last change, 0 for none; None without any change."""
        audit = self._state.tables["audit"]
        entries = self._state.rows("audit", audit.c.action == ACTIVATED,
                                   audit.c.subject == "router", order="audit_id")
        return int(json.loads(entries[-1]["before_json"])["version"]) if entries else None

    def activate(self, version: int, now: dt.datetime, person: str) -> None:
        """Put a version in force in the place of the active one; 0 puts none in force.

        Raises LookupError for an unknown version.
        """
        usable = {each.version for each in self.versions() if each.gate.passed}
        if version and version not in usable:
            raise LookupError(f"there is no router version {version} that passed its gate")
        before = self.active()
        if before is not None:
            self._state.update("router_versions", "version", before.version, status="retired")
        if version:
            self._state.update("router_versions", "version", version, status="active")
        self._state.audit(now, person, ACTIVATED, "router",
                          {"version": before.version if before else 0}, {"version": version})

    def load(self, version: int) -> Router:
        """The router of a version. Raises LookupError, or RouterDamaged."""
        column = self._state.tables["router_versions"].c.version
        rows = self._state.rows("router_versions", column == version)
        if not rows or not rows[0]["weights_base64"]:
            raise LookupError(f"there is no router version {version} that passed its gate")
        body = base64.b64decode(rows[0]["weights_base64"])
        if hashlib.sha256(body).hexdigest() != rows[0]["sha256"]:
            raise RouterDamaged(f"router version {version} is not what was kept")
        return load_router(body)


def dump_router(router: Router) -> bytes:
    """The router as a compressed archive of plain arrays."""
    terms = sorted(router.vocabulary.terms, key=router.vocabulary.terms.__getitem__)
    about = {"models": router.models, "terms": terms, "slope": router.slope,
             "learned": router.learned, "trained_on": router.trained_on, "form": FORM,
             "common": router.common, "documents": router.vocabulary.documents}
    out = io.BytesIO()
    np.savez_compressed(
        out, about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        idf=router.vocabulary.idf, center=router.center, spread=router.spread,
        weights=router.weights.astype(np.float32), bias=router.bias, shift=router.shift,
        **{f"forest_{name}": getattr(router.forest, name) for name in _FOREST},
        **{f"crowd_{name}": getattr(router.crowd, name) for name in _CROWD})
    return out.getvalue()


def load_router(body: bytes) -> Router:
    """The router of `dump_router`. Raises RouterDamaged for what is none, or of another form."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(each.file_size for each in archive.infolist()) > LARGEST_BYTES:
                raise RouterDamaged("a router this large is refused")
        with np.load(io.BytesIO(body), allow_pickle=False) as kept:
            about: dict[str, Any] = json.loads(kept["about"].tobytes())
            if tuple(about["form"]) != FORM:
                raise RouterDamaged("the router reads prompts in another way: train it anew")
            terms = {term: place for place, term in enumerate(about["terms"])}
            return Router(
                tuple(about["models"]),
                Vocabulary(terms, kept["idf"], int(about["documents"])), kept["center"],
                kept["spread"], kept["weights"].astype(float), kept["bias"],
                Forest(**{name: kept[f"forest_{name}"] for name in _FOREST}),
                Crowd(**{name: kept[f"crowd_{name}"] for name in _CROWD}),
                tuple(about["common"]), float(about["slope"]), kept["shift"],
                tuple(map(bool, about["learned"])), int(about["trained_on"]))
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise RouterDamaged(f"the router cannot be read: {str(error)[:200]}") from error


def _decode(row: dict[str, Any]) -> RouterVersion:
    return RouterVersion(
        row["version"], row["status"], row["trained_on"], tuple(json.loads(row["models_json"])),
        RouterGate.from_json(row["gate_json"]), row["person"], row["created_at_utc"])
