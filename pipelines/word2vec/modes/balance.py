"""What a round must know of the model it begins with, from sums that the last merge left."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.training.stored_arrays import rows
from pipelines.word2vec.modes.merge import Doubles, Floats, balancing_scale, continued_balance
from pipelines.word2vec.stored_model import StoredModel

_TOP = 8_000  # rows that are most of what is scored; more change no digit that matters
_AXES = 2  # leading directions whose balance is kept


@dataclass(frozen=True)
class Stretch:
    """U -> U M and V -> V M^-1 with M = I + sum (s - 1) q q': scores stay what they are.

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
    """The model that a round begins with, but its rows.

    Args:
        stretch: What readers of its rows apply to them.
        axes: Directions whose energy trainers watch in this round, n by d.
        balance: Energy in them of the input less that of the output side, n.
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

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Yield them as a `moments` row of `stored.SCHEMA`; nothing where no block was added."""
        if self._last is not None:
            yield from rows([("moments", self._last, self.sums.tobytes(), b"")]).to_batches()


def joint_moment(model: tuple[Floats, Floats], weights: Doubles) -> Doubles:
    """Return J = sum p u u' + sum q v v', d by d, over the most frequent rows.

    Args:
        model: Input and output rows.
        weights: Chance of each row as the input and as the output of a score, 2 by V.
    """
    total = np.zeros((model[0].shape[1],) * 2)
    for side, chance in zip(model, weights, strict=True):
        most = np.argsort(-chance, kind="stable")[:_TOP]
        top, share = side[most], chance[most] / chance[most].sum()
        total += (top * share[:, None].astype(np.float32)).T @ top
    return total


def start_of(stored: StoredModel, version: int, dimension: int) -> Start:
    """Return what a round must know of the version it begins with.

    A new model has no moments yet: its rows are as good as zero, and no balance is kept until the
    first merge.
    """
    name = f"round={version}"
    found = stored.moments(name)
    if not found:
        nothing = np.zeros((0, dimension))
        return Start(Stretch(nothing, np.zeros(0)), nothing, np.zeros(0), is_finite=True)
    sums = np.sum(found, axis=0).reshape(2, dimension, dimension)
    is_finite = bool(np.isfinite(sums).all())
    sums = np.nan_to_num(sums, posinf=0, neginf=0)
    stretch = _stretch(stored, name, sums)
    scales = stretch.matrix(is_input=True), stretch.matrix(is_input=False)
    sums = np.stack([m @ s @ m for m, s in zip(scales, sums, strict=True)])
    axes = np.linalg.eigh(sums[0] + sums[1])[1][:, -_AXES:].T
    balance = _energy(axes, sums[0]) - _energy(axes, sums[1])
    return Start(stretch, axes, balance, is_finite)


def _stretch(stored: StoredModel, name: str, sums: Doubles) -> Stretch:
    """Return what restores the balance that the round's trainers imply and its merge lost."""
    dimension = sums.shape[1]
    watched = stored.json("watched", name)
    if not watched:
        return Stretch(np.zeros((0, dimension)), np.zeros(0))
    axes = np.array(watched[0]["axes"]).reshape(-1, dimension)
    energies = _energy(axes, sums[0]), _energy(axes, sums[1])
    changes = np.array([w["change"] for w in watched])
    balance = continued_balance(np.array(watched[0]["balance"]), changes, energies[0] + energies[1])
    scales = balancing_scale(balance, *energies)
    return Stretch(axes, scales)


def _energy(axes: Doubles, moment: Doubles) -> Doubles:
    return np.asarray(np.einsum("nd,de,ne->n", axes, moment, axes))
