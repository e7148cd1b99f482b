"""Small matrices of ratings, and their normal equations and losses, as the papers write them."""

import numpy as np

from pipelines.als.fit import Fit, Side
from pipelines.als.objective import Objective
from pipelines.als.sweep import Cells

RANK = 12
EXACT = ("cholesky", "dual")


def objective(name, **changes):
    exponent = 0.0 if name == "hu2008" else 1.0
    known = {
        "name": name,
        "reg_param": 0.05,
        "frequency_exponent": exponent,
        "alpha": 8.0,
        "unobserved_weight": 0.2,
        "mean": 2.5 if name == "explicit" else 0.0,
        "has_biases": name == "explicit",
    }
    return Objective(**known | changes)


def matrix(users=40, items=25, share=0.3, seed=3):
    """Ratings from 1 to 5, 0 where there is none; one user and one item have none at all."""
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 6, (users, items)) * (rng.random((users, items)) < share)
    dense[5] = 0
    dense[:, 7] = 0
    return dense.astype(np.float64)


def sides(
    dense, goal, solver, *, rank=RANK, blocks=1, seed=1, threads=1, max_iter=5, tolerance=None
):
    sizes = {"users": dense.shape[0], "items": dense.shape[1]}
    counts = {"users": int((dense > 0).any(1).sum()), "items": int((dense > 0).any(0).sum())}
    fit = Fit("", sizes, counts, blocks, rank, goal, solver, seed, threads, max_iter, tolerance)
    made = []
    for side, table in (("users", dense), ("items", dense.T)):
        cells = {n: cells_of(table[n::blocks]) for n in range(blocks) if len(table[n::blocks])}
        made.append(Side(fit, side, cells, np.zeros((len(table), fit.dimension), np.float32)))
        made[-1].begin()
    return made


def cells_of(table):
    rows, columns = np.nonzero(table)
    offsets = np.r_[0, np.cumsum(np.bincount(rows, minlength=len(table)))].astype(np.int64)
    return Cells(offsets, columns.astype(np.int32), table[rows, columns].astype(np.float32))


def ridge(goal, count, opposite_count):
    extra = goal.unobserved_weight * opposite_count if goal.name == "ials" else 0
    return goal.reg_param * (count + extra) ** goal.frequency_exponent


def normal_equations(row, opposite, goal, opposite_count):
    """Write one row's equations down from the definition of its loss, cell by cell."""
    features, targets = opposite.astype(np.float64), np.ones(len(row))
    if goal.name == "explicit":
        targets = row - goal.mean
        if goal.has_biases:
            targets = targets - features[:, -1]
            features = np.column_stack([features[:, :-1], np.ones(len(row))])
    a, b = np.zeros((features.shape[1],) * 2), np.zeros(features.shape[1])
    for y, t, r in zip(features, targets, row, strict=True):
        if goal.name == "hu2008":
            confidence = 1 + goal.alpha * r
            a += confidence * np.outer(y, y)
            b += confidence * (r > 0) * y
        elif goal.name == "ials":
            a += (r + goal.unobserved_weight) * np.outer(y, y)
            b += r * y
        elif r:
            a += np.outer(y, y)
            b += t * y
    return a + ridge(goal, np.count_nonzero(row), opposite_count) * np.eye(len(b)), b


def oracle(dense, opposite, goal):
    count = int((dense > 0).any(0).sum())
    solved = np.zeros((len(dense), opposite.shape[1]))
    for n, row in enumerate(dense):
        if row.any():
            solved[n] = np.linalg.solve(*normal_equations(row, opposite, goal, count))
    return solved


def loss(dense, users, items, goal):
    """Sum the objective over all cells, as its paper writes it."""
    users, items = users.astype(np.float64), items.astype(np.float64)
    if goal.has_biases:
        scores = users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]
    else:
        scores = users @ items.T
    seen = dense > 0
    total = {
        "ials": (
            (dense * (scores - 1) ** 2 * seen).sum() + goal.unobserved_weight * (scores**2).sum()
        ),
        "hu2008": ((1 + goal.alpha * dense) * (seen - scores) ** 2).sum(),
        "explicit": (seen * (dense - goal.mean - scores) ** 2).sum(),
    }[goal.name]
    for own, table, opposite in ((users, dense, dense.T), (items, dense.T, dense)):
        others = int((opposite > 0).any(1).sum())
        for x, row in zip(own, table, strict=True):
            total += ridge(goal, np.count_nonzero(row), others) * (x @ x)
    return total
