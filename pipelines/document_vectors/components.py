"""Principal components of all document vectors, computed on the cluster, and their removal."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import as_lists, as_matrix
from pipelines.errors import ConfigError
from schemas import DOCUMENT_VECTORS

Matrix = NDArray[np.float64]

_PRODUCTS = "component int, products array<double>"  # a row of X'X
_SCHEMA = (
    "doc_id string, vector array<float>, norm float, token_count bigint, known_token_count bigint"
)


def principal_components(
    embedded: DataFrame, *, count: int, dimension: int, vector_count: int
) -> Matrix:
    """Return the first right singular vectors of the matrix X of all vectors, not centred.

    They are the eigenvectors of the largest eigenvalues of X'X (Arora et al. 2017): the driver sees
    this `d` x `d` matrix only.

    Args:
        embedded: Frame of `embed`, persisted, as `without_components` reads it again.
        count: Number of principal components.
        dimension: Components `d` of a vector.
        vector_count: Vectors that are not null.

    Returns:
        Orthonormal rows, shape `(count, d)`; no row where there are no vectors.

    Raises:
        ConfigError: Without that many components all vectors would be zero.
    """
    if not count or not vector_count:
        return np.zeros((0, dimension))
    if count >= min(dimension, vector_count):
        raise ConfigError(
            f"remove_components: {count} of {vector_count} vectors of {dimension} components "
            "leaves nothing of them; lower it, 0 removes none"
        )
    _, eigenvectors = np.linalg.eigh(second_moments(embedded, dimension=dimension))
    return np.ascontiguousarray(eigenvectors[:, ::-1][:, :count].T)


def second_moments(embedded: DataFrame, *, dimension: int) -> Matrix:
    """Return the sum of the outer products of all vectors, shape `(d, d)`, in float64."""

    def multiply(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = np.zeros((dimension, dimension))
        for batch in batches:
            matrix = as_matrix(batch.column("vector"), dimension=dimension).astype(np.float64)
            total += matrix.T @ matrix
        yield _products(total)

    def add_up(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        total = np.zeros((dimension, dimension))
        for batch in batches:
            np.add.at(total, batch.column("component").to_numpy(), _rows(batch, dimension))
        yield _products(total)

    vectors = embedded.where(F.col("vector").isNotNull()).select("vector")
    parts = vectors.mapInArrow(multiply, _PRODUCTS)
    whole = parts.repartition(1).mapInArrow(add_up, _PRODUCTS)
    return _rows(whole.toArrow().sort_by("component").combine_chunks().to_batches()[0], dimension)


def _products(total: Matrix) -> pa.RecordBatch:
    components = pa.array(np.arange(len(total)), pa.int32())
    return pa.RecordBatch.from_arrays([components, as_lists(total)], ["component", "products"])


def _rows(batch: pa.RecordBatch, dimension: int) -> Matrix:
    flat: Matrix = batch.column("products").flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(batch.num_rows, dimension)


def without_components(embedded: DataFrame, components: Matrix, *, space_id: str) -> DataFrame:
    """Return each vector v without its projection on the components C: v - C' C v.

    Args:
        embedded: Frame of `embed`.
        components: Orthonormal rows, shape `(count, d)`.
        space_id: Space of the word vectors.

    Returns:
        Rows of `document_vectors`.
    """

    def remove(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _remove(batch, components)

    rows = embedded.mapInArrow(remove, _SCHEMA).withColumns(
        {"space_id": F.lit(space_id), "is_empty": F.col("vector").isNull()}
    )
    return rows.select(DOCUMENT_VECTORS.column_names)


def _remove(batch: pa.RecordBatch, components: Matrix) -> pa.RecordBatch:
    vectors = batch.column("vector")
    is_null = vectors.is_null().to_numpy(zero_copy_only=False)
    matrix = np.zeros((batch.num_rows, components.shape[1]))
    matrix[~is_null] = as_matrix(vectors.drop_null(), dimension=components.shape[1])
    rest = (matrix - (matrix @ components.T) @ components).astype(np.float32)
    norms = np.linalg.norm(rest.astype(np.float64), axis=1)
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"),
            as_lists(rest, is_null=is_null),
            pa.array(norms.astype(np.float32), pa.float32(), mask=is_null),
            batch.column("token_count"),
            batch.column("known_token_count"),
        ],
        ["doc_id", "vector", "norm", "token_count", "known_token_count"],
    )
