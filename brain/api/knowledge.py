"""Knowledge and guard policies as verbs: JSON in, JSON-able values out."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.gateway.extractive import answer_from
from brain.sources.documents import MOST_BYTES

Workspace = Annotated[str, Meta(min_length=1, max_length=128)]
Person = Annotated[str, Meta(max_length=128)]
DocumentId = Annotated[str, Meta(min_length=1, max_length=64)]
Word = Annotated[str, Meta(max_length=40)]


class Documents(msgspec.Struct, forbid_unknown_fields=True):
    """Whose documents."""

    workspace_id: Workspace = "default"


class AddDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A file on this machine; its ``name`` is that of the file unless given."""

    path: Annotated[str, Meta(min_length=1, max_length=4_096)]
    workspace_id: Workspace = "default"
    name: Annotated[str, Meta(max_length=256)] = ""
    person: Person = ""


class NameDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A document by its id, or its name."""

    document: Annotated[str, Meta(min_length=1, max_length=256)]
    workspace_id: Workspace = "default"
    person: Person = ""


class RestoreDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A removed document by its id."""

    document_id: DocumentId
    workspace_id: Workspace = "default"
    person: Person = ""


class SearchKnowledge(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked; ``answer`` adds the sentences that fit best."""

    query: Annotated[str, Meta(min_length=1, max_length=4_000)]
    workspace_id: Workspace = "default"
    limit: Annotated[int, Meta(ge=1, le=50)] = 5
    answer: bool = False


class SetGuardPolicy(msgspec.Struct, forbid_unknown_fields=True):
    """What changes in a workspace's policy; what is not given stays."""

    workspace_id: Workspace
    pii: Word | None = None
    injection: Word | None = None
    toxicity: Word | None = None
    kinds: Annotated[list[Word], Meta(max_length=40)] | None = None
    person: Person = ""


def list_documents(engine: Engine, wanted: Documents) -> Any:
    """A workspace's documents by name."""
    return [asdict(each) for each in engine.knowledge.documents(wanted.workspace_id)]


def add_document(engine: Engine, wanted: AddDocument) -> Any:
    """The document as kept; one of the same name is replaced."""
    path = Path(wanted.path)
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise InputError("too_large", f"{path.name!r:.80} has {path.stat().st_size:,} bytes; a "
                         f"document may have {MOST_BYTES:,}", "path")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("file_error", f"{path}: {error.strerror or error}", "path") from error
    return asdict(engine.knowledge.ingest(wanted.workspace_id, wanted.name or path.name, content,
                                          person=wanted.person))


def remove_document(engine: Engine, wanted: NameDocument) -> Any:
    """The document that is found no more; its id brings it back within a week."""
    known = {each.document_id: each.document_id
             for each in engine.knowledge.documents(wanted.workspace_id)}
    known |= {each.name: each.document_id
              for each in engine.knowledge.documents(wanted.workspace_id)}
    if wanted.document not in known:
        raise LookupError(f"workspace {wanted.workspace_id!r:.80} has no document "
                          f"{wanted.document!r:.80}")
    return asdict(engine.knowledge.delete(wanted.workspace_id, known[wanted.document],
                                          wanted.person))


def restore_document(engine: Engine, wanted: RestoreDocument) -> Any:
    """A removed document, there again."""
    return asdict(engine.knowledge.restore(wanted.workspace_id, wanted.document_id, wanted.person))


def reindex_knowledge(engine: Engine, wanted: Documents) -> Any:
    """The state of the index made anew."""
    return asdict(engine.knowledge.reindex(wanted.workspace_id))


def knowledge_status(engine: Engine, wanted: Documents) -> Any:
    """Whose vectors rank a workspace's passages, how many have them, and what is in the way."""
    return asdict(engine.knowledge.vector_state(wanted.workspace_id))


def embed_knowledge(engine: Engine, wanted: Documents) -> Any:
    """How many passages, of any workspace, got vectors now, and how the workspace stands then."""
    return {"made": engine.knowledge.embed(), **knowledge_status(engine, wanted)}


def search_knowledge(engine: Engine, wanted: SearchKnowledge) -> Any:
    """The passages that fit best, with the scores that put them there."""
    found = engine.knowledge.find(wanted.workspace_id, wanted.query, wanted.limit)
    told: dict[str, Any] = {"version": engine.knowledge.version(wanted.workspace_id),
                            "passages": [asdict(each) for each in found.passages],
                            "reasons": [asdict(each) for each in found.reasons]}
    if wanted.answer:
        extract = answer_from(wanted.query, found.passages)
        told["answer"] = {"text": extract.text, "found": bool(extract.sources),
                          "sources": [each.name for each in extract.sources]}
    return told


def list_guard_policies(engine: Engine, _: Any) -> Any:
    """Policies that differ from the delivered one, which an empty workspace id stands for."""
    from brain.gateway.guard import DELIVERED, PolicyRow
    return [asdict(each) for each in (PolicyRow("", DELIVERED), *engine.guard.policies())]


def set_guard_policy(engine: Engine, wanted: SetGuardPolicy) -> Any:
    """The workspace's policy as it is now."""
    changes = {name: getattr(wanted, name) for name in ("pii", "injection", "toxicity", "kinds")
               if getattr(wanted, name) is not None}
    return asdict(engine.guard.set_policy(wanted.workspace_id, wanted.person, **changes))
