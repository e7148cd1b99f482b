"""The equilibrium merge: combines moves of isolated trainers into those of a single trainer.

Near a round's start the loss of a row w is a quadratic whose curvature is J, the second moment of
the rows that w is scored against, so that training is a linear relaxation: after n touches at
learning rate r, with c the mean slope of the sigmoid per touch, w has gone the share
1 - exp(-r c n lambda) of its way D to the optimum, in each eigen-direction of J with eigenvalue
lambda. k trainers that each make N / k of the N touches return, all alike and in sum,

    S = k (1 - exp(-t / k)) D,        t = r c N lambda,

where one trainer that made all N touches would have moved by (1 - exp(-t)) D. Hence it moves

    S (1 - exp(-t)) / (k (1 - exp(-t / k))):

the sum where t is small (moves add up), the mean where t / k is large (each trainer reached the
optimum by itself), and in between elsewhere, direction by direction. For unequal touches n_i, k is
their effective number N^2 / sum n_i^2; a row that one trainer touched is left as it is.

One J = sum p u u' + sum q v v' serves both sides, since both relax together; each side's own moment
alone diverges. Scores do not change under U -> U M, V -> V M^-T, and merging drifts along that
freedom: `balancing_scale` undoes the drift in the leading directions.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.arrays.matrices import Floats

Doubles = NDArray[np.float64]

SLOPE = 0.118  # mean of s(1 - s) over scores at the end of training, s the sigmoid; measured
NEGATIVE_SHARE = 0.75  # share of an output row's weight in J that is its draws as a negative
_LONGEST = 4.0  # a row moves by its length and this many root-mean-square deltas, at most
_MOST_IMBALANCE = 0.1  # share of the energy that a round adds to a balance, at most
_SMALL = 1e-4  # t / k and k - 1 below which limits are used


@dataclass(frozen=True)
class Basis:
    """Eigen-directions of the joint second moment J.

    Args:
        eigenvalues: Curvature per direction, d.
        directions: One per column, d by d.
    """

    eigenvalues: Doubles
    directions: Doubles

    @classmethod
    def of(cls, moment: Doubles) -> "Basis":
        """Return the basis of a symmetric second moment, d by d."""
        eigenvalues, directions = np.linalg.eigh((moment + moment.T) / 2)
        return cls(np.maximum(eigenvalues, 0), directions)

    def to_bytes(self) -> bytes:
        """Return it as float64 values: eigenvalues, then directions row by row."""
        return np.concatenate([self.eigenvalues, self.directions.ravel()]).tobytes()

    @classmethod
    def from_bytes(cls, content: bytes | pa.Buffer, dimension: int) -> "Basis":
        """Return the basis that `to_bytes` gave."""
        values = np.frombuffer(content, np.float64)
        return cls(values[:dimension], values[dimension:].reshape(dimension, dimension))


def relaxation_share(stiffness: Doubles, trainers: Doubles) -> Doubles:
    """Return the share of the trainers' summed move that is kept: 1 is the sum, 1 / k the mean.

    Args:
        stiffness: t = learning_rate * slope * touches * eigenvalue, not negative.
        trainers: k, the effective number of trainers, at least 1; broadcast against `stiffness`.
    """
    t, k = np.broadcast_arrays(stiffness, trainers)
    is_small = t / k < _SMALL
    safe = np.where(is_small, 1.0, t)
    whole = np.expm1(-safe) / (k * np.expm1(-safe / k))
    # For small t / k the quotient loses digits; there 1 - exp(-t / k) is t / k (1 - t / 2k).
    series = -np.expm1(-t) / np.where(t > 0, t * (1 - t / (2 * k)), 1.0)
    return np.where(is_small, np.where(t > 0, series, 1.0), whole)


class RowSums:
    """Sums over trainers of how they moved the rows of one block."""

    def __init__(self, rows: Floats) -> None:
        self._rows = rows
        self._moved = np.zeros(rows.shape, np.float64)
        self._touches, self._squares, self._lengths, self._count = np.zeros((4, len(rows)))

    def add(self, ids: NDArray[np.int32], deltas: Floats, touches: Floats) -> None:
        """Add one trainer's deltas.

        Args:
            ids: Rows it touched, within the block, n.
            deltas: How each moved, n by d.
            touches: Gradients that each took, n.
        """
        self._moved[ids] += deltas
        self._touches[ids] += touches
        self._squares[ids] += touches.astype(np.float64) ** 2
        self._lengths[ids] += np.einsum("nd,nd->n", deltas, deltas, dtype=np.float64)
        self._count[ids] += 1

    def merged(self, basis: Basis, *, learning_rate: float, slope: float) -> Floats:
        """Return the rows of the merged model.

        Args:
            basis: Eigen-directions of J.
            learning_rate: Learning rate in the middle of the round.
            slope: Mean slope of the sigmoid times the scores that a touch counts for.
        """
        trainers = self._touches**2 / np.maximum(self._squares, 1e-300)
        shared = np.flatnonzero(trainers > 1 + _SMALL)
        stiffness = np.outer(learning_rate * slope * self._touches[shared], basis.eigenvalues)
        share = relaxation_share(stiffness, trainers[shared, None])
        moved = self._moved.copy()
        moved[shared] = (moved[shared] @ basis.directions * share) @ basis.directions.T
        return np.asarray(self._rows + self._shortened(moved), np.float32)

    def _shortened(self, moved: Doubles) -> Doubles:
        typical = np.sqrt(self._lengths / np.maximum(self._count, 1))
        bound = np.linalg.norm(self._rows, axis=1) + _LONGEST * typical
        length = np.linalg.norm(moved, axis=1)
        return np.asarray(moved * np.minimum(1, bound / np.maximum(length, 1e-30))[:, None])


def continued_balance(balance: Doubles, changes: Doubles, energy: Doubles) -> Doubles:
    """Return the balance that a single trainer would have after all trainers' training.

    Gradient flow keeps the balance; the noise of single steps lets it decay. Where the mean trainer
    keeps a share of it between 0 and 1, k trainers keep the share to the power k; other changes add
    up, within `_MOST_IMBALANCE` of the energy.

    Args:
        balance: Energy of the input less that of the output side at the round's start, n.
        changes: How each trainer changed it, trainers by n.
        energy: Energy of both sides after the merge, n.
    """
    mean = changes.mean(axis=0)
    left = 1 + np.divide(mean, balance, out=np.zeros_like(mean), where=balance != 0)
    bound = _MOST_IMBALANCE * energy
    added = np.clip(len(changes) * mean, -bound, bound)
    decays = (left > 0) & (left < 1)
    decayed = balance * left.clip(0, 1) ** len(changes)
    return np.asarray(np.where(decays, decayed, balance + added))


def balancing_scale(balance: Doubles, inputs: Doubles, outputs: Doubles) -> Doubles:
    """Return s per direction q such that |s U q|^2 - |V q / s|^2 is the balance; 1/2 to 2.

    With s^2 = z it is the positive root of |U q|^2 z^2 - balance z - |V q|^2 = 0.

    Args:
        balance: Wanted energy of the input less that of the output side.
        inputs: Energy |U q|^2 after the merge.
        outputs: Energy |V q|^2 after the merge.
    """
    energy = np.maximum(inputs, 1e-300)
    square = (balance + np.sqrt(balance**2 + 4 * inputs * outputs)) / (2 * energy)
    return np.asarray(np.sqrt(square).clip(0.5, 2))
