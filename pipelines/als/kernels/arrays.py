"""Named groups of arrays that the row kernel takes; Numba passes them at no cost."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Steps = tuple[int, int]  # least and most steps of conjugate gradients per row
Indices = NDArray[np.int64]
Columns = NDArray[np.int32]


class RowCells(NamedTuple):
    """Cells of n rows: those of row i are `begins[i]` up to `ends[i]`, in float32 and int32."""

    begins: Indices
    ends: Indices
    columns: Columns
    weights: Floats


class OppositeArrays(NamedTuple):
    """The other side's m rows; see `sweep.Opposite`.

    Args:
        rows: Factors, in the basis that `spectrum` is diagonal in, `(m, d)`.
        biases: Bias of each row, `(m,)`, or empty.
        gramian: g Y'Y for factors Y and weight g of all cells, `(d, d)`; empty where `spectrum`
            has it or g is 0.
        spectrum: Diagonal of g Y'Y in the basis of its eigenvectors, else zeros, `(d,)`.
    """

    rows: Floats
    biases: Floats
    gramian: Floats
    spectrum: Floats


class KernelOptions(NamedTuple):
    """How rows are solved.

    Args:
        solver: One of the constants of `row_kernel`.
        dual_limit: Most cells of a row that the dual solves.
        steps: Least and most steps of conjugate gradients.
        free: Number of last components that may be negative.
    """

    solver: int
    dual_limit: int
    steps: Steps
    free: int


class Workspace(NamedTuple):
    """Scratch for the cells of a row: c is `row_kernel.TILE` or `LONGEST`.

    Args:
        gathered: Opposite rows of the cells, `(c, d)`.
        scaled: Rows of a tile times the root of their curvature, `(TILE, d)`.
        product: Product of scaled rows, `(d, d)`.
        curvatures: Of the cells, `(c,)`.
        targets: Target times curvature of the cells, `(c,)`.
    """

    gathered: Floats
    scaled: Floats
    product: Floats
    curvatures: Floats
    targets: Floats


class RowSystem(NamedTuple):
    """Scratch for the equations of a row.

    Args:
        base: Diagonal that is added to the matrix, `(d,)`.
        matrix: Matrix of the normal equations, `(d, d)`.
        right: Their right side, `(d,)`.
        vectors: Vectors of conjugate gradients, `(5, d)`.
        dual_matrix: Matrix of the dual, flat, `(dual_limit^2,)`.
        dual_right: Its right side, `(dual_limit,)`.
    """

    base: Floats
    matrix: Floats
    right: Floats
    vectors: Floats
    dual_matrix: Floats
    dual_right: Floats
