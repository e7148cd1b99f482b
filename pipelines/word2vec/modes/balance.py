"""What a round must know of the model it begins with, from sums that the last merge stored."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.arrays.matrices import Floats
from pipelines.training.stored_arrays import Content, round_name
from pipelines.word2vec.kernels.arguments import Model
from pipelines.word2vec.modes.merge import Doubles, balancing_scale, continued_balance
from pipelines.word2vec.stored_model import EnergyChange, StoredModel, moments_row

_TOP = 8_000  # most frequent rows that J is summed over; the rest hardly change it
_AXES = 2  # leading directions whose balance is kept


@dataclass(frozen=True)
class Stretch:
    """U -> U M and V -> V M^-1 with M = I + sum (s - 1) q q'; scores U V' do not change.

    Args:
        axes: Orthonormal directions q, n by d.
        scales: s of each, n.
    """

    axes: Doubles
    scales: Doubles

    def apply(self, inputs: Floats, outputs: Floats) -> None:
        """Stretch rows of both sides in place."""
        axes = self.axes.astype(np.float32)
        for side, scales in ((inputs, self.scales), (outputs, 1 / self.scales)):
            np.add(side, (side @ axes.T * (scales - 1).astype(np.float32)) @ axes, out=side)

    def matrix(self, *, is_input: bool) -> Doubles:
        """Return M for the input side, its inverse for the output side, d by d."""
        scales = self.scales if is_input else 1 / self.scales
        return np.asarray(np.eye(self.axes.shape[1]) + (self.axes.T * (scales - 1)) @ self.axes)


@dataclass(frozen=True)
class Start:
    """What a round knows of the model it begins with, beside its rows.

    The energy of a side in a direction q is sum (x q)^2 over its rows x; the balance is the energy
    of the input side less that of the output side.

    Args:
        stretch: To be applied to the stored rows before they are used.
        axes: Directions whose energy trainers watch in this round, n by d.
        balance: Balance in each, n.
        is_finite: Whether all its rows are finite.
    """

    stretch: Stretch
    axes: Doubles
    balance: Doubles
    is_finite: bool


class Moments:
    """Second moments of a model's two sides, summed block by block: 2 by d by d."""

    def __init__(self, dimension: int) -> None:
        self.sums = np.zeros((2, dimension, dimension))
        self._last: int | None = None

    def add(self, position: int, inputs: Floats, outputs: Floats) -> None:
        """Add the rows of the block at a position, n by d on each side."""
        self._last = position
        for n, side in enumerate((inputs, outputs)):
            exact = side.astype(np.float64)
            self.sums[n] += exact.T @ exact

    def rows(self) -> Iterator[Content]:
        """Yield the sums as a row of `stored_model`; nothing where no block was added."""
        if self._last is not None:
            yield moments_row(self._last, self.sums)


def joint_moment(model: Model, weights: Doubles) -> Doubles:
    """Return J = sum p u u' + sum q v v', d by d, over the most frequent rows.

    Args:
        model: Input and output rows.
        weights: Probability of each row as the input and as the output of a score, 2 by V.
    """
    total = np.zeros((model.inputs.shape[1],) * 2)
    for side, probability in zip(model, weights, strict=True):
        most = np.argsort(-probability, kind="stable")[:_TOP]
        top, share = side[most], probability[most] / probability[most].sum()
        total += (top * share[:, None].astype(np.float32)).T @ top
    return total


def start_of(stored: StoredModel, version: int, dimension: int) -> Start:
    """Return what a round must know of the version it begins with.

    A new model has no moments: its output rows are zero, so no balance is kept until the first
    merge.
    """
    name = round_name(version)
    moments = stored.moments(name, dimension)
    if not moments:
        nothing = np.zeros((0, dimension))
        return Start(Stretch(nothing, np.zeros(0)), nothing, np.zeros(0), is_finite=True)
    sums = np.sum(moments, axis=0)
    is_finite = bool(np.isfinite(sums).all())
    sums = np.nan_to_num(sums, posinf=0, neginf=0)
    stretch = _stretch(stored.watched(name), sums)
    scales = stretch.matrix(is_input=True), stretch.matrix(is_input=False)
    sums = np.stack([m @ s @ m for m, s in zip(scales, sums, strict=True)])
    axes = np.linalg.eigh(sums[0] + sums[1])[1][:, -_AXES:].T
    balance = _energy(axes, sums[0]) - _energy(axes, sums[1])
    return Start(stretch, axes, balance, is_finite)


def _stretch(watched: list[EnergyChange], sums: Doubles) -> Stretch:
    """Return what restores the balance that follows from the trainers' changes."""
    dimension = sums.shape[1]
    if not watched:
        return Stretch(np.zeros((0, dimension)), np.zeros(0))
    axes = np.array(watched[0].axes).reshape(-1, dimension)
    inputs, outputs = _energy(axes, sums[0]), _energy(axes, sums[1])
    changes = np.array([each.change for each in watched])
    balance = continued_balance(np.array(watched[0].balance), changes, inputs + outputs)
    return Stretch(axes, balancing_scale(balance, inputs, outputs))


def energy_change(before: Floats, after: Floats, axes: Doubles) -> Doubles:
    """Return how the energy of some rows in each direction changed, n."""
    old, new = ((rows @ axes.T.astype(np.float32)).astype(np.float64) for rows in (before, after))
    return np.asarray((new**2 - old**2).sum(axis=0))


def _energy(axes: Doubles, moment: Doubles) -> Doubles:
    return np.asarray(np.einsum("nd,de,ne->n", axes, moment, axes))
