"""Vectors in PostgreSQL's own column, where it has pgvector: the database finds the nearest."""

import logging
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from brain.sources.state import VECTOR_TABLE, StateStore

_log = logging.getLogger("brain.embeddings")
_SCHEMA = "schema/vectors/0001_passages"


class _Vector(sa.types.UserDefinedType[Any]):
    """pgvector's type. Source: pgvector documentation, "Vector Type"."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "vector"


class LengthDiffers(ValueError):
    """The vectors asked for and those that are kept have different lengths."""


class VectorColumn:
    """The table of passages' vectors of one state store. Safe to share between threads."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._table = sa.table(VECTOR_TABLE, *(sa.column(name, kind) for name, kind in (
            ("document_id", sa.String()), ("model", sa.String()), ("position", sa.Integer()),
            ("workspace_id", sa.String()), ("embedding", _Vector()))))

    def put(self, connection: sa.Connection, workspace_id: str, document_id: str, model: str,
            vectors: NDArray[np.float32]) -> None:
        """Keep a document's vectors, in order, beside its row of knowledge_vectors."""
        rows = [{"document_id": document_id, "model": model, "position": position,
                 "workspace_id": workspace_id, "told": _tell(each)}
                for position, each in enumerate(vectors)]
        if rows:
            columns = ("document_id", "model", "position", "workspace_id")
            connection.execute(sa.insert(self._table).values(
                **{name: sa.bindparam(name) for name in columns},
                embedding=sa.cast(sa.bindparam("told", type_=sa.String()), _Vector())), rows)

    def find_nearest(self, workspace_id: str, model: str, vector: NDArray[np.float32],
                     least_cosine: float, limit: int) -> dict[tuple[str, int], float]:
        """The cosines of the passages nearest a vector, by document and position; all are of unit
        length, so that a cosine is an inner product.

        Raises LengthDiffers.
        """
        this = self._table.c
        asked = sa.cast(sa.literal(_tell(vector), sa.String()), _Vector())
        product = this.embedding.op("<#>", return_type=sa.Float())(asked)  # the negative one
        chosen = sa.select(this.document_id, this.position, product).where(
            this.workspace_id == workspace_id, this.model == model,
            product <= -least_cosine).order_by(product).limit(limit)
        try:
            with self._state.begin() as connection:
                return {(document_id, position): -negative
                        for document_id, position, negative in connection.execute(chosen)}
        except sa.exc.DataError as error:
            raise LengthDiffers("the vectors have different lengths") from error


def open_vector_column(state: StateStore) -> VectorColumn | None:
    """The table, made where it was not there; None where the store has no pgvector that this role
    may use."""
    if not state.url.startswith("postgresql"):
        return None
    column = VectorColumn(state)
    try:
        state.prepare(_SCHEMA, VECTOR_TABLE)
        column.find_nearest("", "", np.zeros(1, np.float32), 1.0, 1)  # may this role read it?
    except sa.exc.DBAPIError as error:
        _log.info("no pgvector: %s", str(error.orig).split("\n")[0])
        return None
    return column


def _tell(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(repr, vector.tolist()))}]"
