"""What a fit makes least: how weights become curvatures, targets and regularisation.

Summed over all cells, an objective is the sum of w (x.y - t)^2 over observed ones, of g (x.y)^2
over all, and of each row's ridge times its squared length.
"""

from dataclasses import dataclass

import numpy as np

Floats = np.ndarray


@dataclass(frozen=True)
class Objective:
    """One of three losses, in terms that all of its rows share.

    Args:
        name: `ials` (Rendle et al. 2021): c (x.y - 1)^2 on observed cells, `unobserved_weight`
            times (x.y)^2 on all, ridge `reg_param` (n + unobserved_weight N)^`frequency_exponent`
            for a row of n cells among N. `hu2008` (Hu, Koren and Volinsky 2008): c (p - x.y)^2 on
            all, c = 1 + alpha r and p = 1 where observed, c = 1 and p = 0 elsewhere. `explicit`:
            (r - mean - biases - x.y)^2 on observed cells. Both have the ridge
            `reg_param` n^`frequency_exponent`.
        reg_param: Regularisation.
        frequency_exponent: See above.
        alpha: Confidence per unit of weight.
        unobserved_weight: Weight of all cells.
        mean: What predictions of `explicit` are measured from.
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
    def terms(self) -> tuple[np.float32, ...]:
        """Return what the kernel makes of a weight: see `kernel._weigh`."""
        known = {
            "ials": (0, 1, 0, 1, 0),
            "hu2008": (0, self.alpha, 1, self.alpha, 0),
            "explicit": (1, 0, -self.mean, 1, 1),
        }
        return tuple(np.float32(term) for term in known[self.name])

    @property
    def gramian_weight(self) -> float:
        """Return the weight of the squared prediction of every cell, observed or not."""
        return {"ials": self.unobserved_weight, "hu2008": 1.0, "explicit": 0.0}[self.name]

    def ridges(self, counts: np.ndarray, opposite_count: int) -> Floats:
        """Return each row's regularisation.

        Args:
            counts: Cells of each row.
            opposite_count: Opposite rows that have cells.
        """
        extra = self.unobserved_weight * opposite_count if self.name == "ials" else 0.0
        sizes = counts.astype(np.float64) + extra
        return np.asarray(self.reg_param * sizes**self.frequency_exponent)
