"""The objectives that a fit minimises, and their terms per cell and row.

Summed over all cells, an objective is the sum of w (x.y - t)^2 over observed cells, of g (x.y)^2
over all cells, and of each row's ridge times its squared length.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Floats = np.ndarray


class Terms(NamedTuple):
    """How a cell's weight r makes its curvature w and its target times curvature v.

    w = w0 + w1 r and v = v0 + v1 r - bias of the opposite row (0 without biases). A cell that is
    predicted as 0 adds v^2 to the objective where `is_squared` is 1, else v.
    """

    w0: np.float32
    w1: np.float32
    v0: np.float32
    v1: np.float32
    is_squared: np.float32


@dataclass(frozen=True)
class Objective:
    """One of three objectives.

    Args:
        name: `ials` (Rendle et al. 2021): c (x.y - 1)^2 on observed cells, `unobserved_weight`
            times (x.y)^2 on all, ridge `reg_param` (n + unobserved_weight N)^`frequency_exponent`
            for a row of n cells among N. `hu2008` (Hu, Koren and Volinsky 2008): c (p - x.y)^2 on
            all, c = 1 + alpha r and p = 1 where observed, c = 1 and p = 0 elsewhere. `explicit`:
            (r - mean - biases - x.y)^2 on observed cells. The last two have the ridge
            `reg_param` n^`frequency_exponent`.
        reg_param: Regularisation.
        frequency_exponent: Exponent of n above.
        alpha: Confidence per unit of weight.
        unobserved_weight: Weight of all cells.
        mean: Mean of all ratings, which `explicit` subtracts from each.
        has_biases: Whether rows of `explicit` have a bias.
    """

    name: str
    reg_param: float
    frequency_exponent: float
    alpha: float
    unobserved_weight: float
    mean: float
    has_biases: bool

    @property
    def terms(self) -> Terms:
        """Return the terms of a cell."""
        terms = {
            "ials": (0, 1, 0, 1, 0),
            "hu2008": (0, self.alpha, 1, self.alpha, 0),
            "explicit": (1, 0, -self.mean, 1, 1),
        }
        return Terms(*(np.float32(term) for term in terms[self.name]))

    @property
    def gramian_weight(self) -> float:
        """Return g, the weight of (x.y)^2 of every cell, observed or not."""
        return {"ials": self.unobserved_weight, "hu2008": 1.0, "explicit": 0.0}[self.name]

    def ridges(self, counts: np.ndarray, opposite_count: int) -> Floats:
        """Return each row's ridge, `(n,)`: the factor of its squared length; see `Objective`.

        Args:
            counts: Cells of each row, `(n,)`.
            opposite_count: Opposite rows that have cells.
        """
        extra = self.unobserved_weight * opposite_count if self.name == "ials" else 0.0
        sizes = counts.astype(np.float64) + extra
        return np.asarray(self.reg_param * sizes**self.frequency_exponent)
