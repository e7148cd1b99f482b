"""ALS: the kernel beside `implicit` on one thread, both layouts beside it and Spark's MLlib.

Objective `hu2008`, alpha 10, regularisation .01. Seconds per iteration are (time of 15 - time of
5) / 10; `CASES` of the environment names cases, `PAIRS` the interactions of case `large`.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import _implicit
import numpy as np
import scipy.sparse as sp
from _measuring import REPETITIONS, ROOT, peer, write

sys.path.insert(0, str(ROOT))
from _interactions import Shape, generate, write_tables
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

from jobs.train_als import run
from pipelines import tables
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.fit import Fit, Side
from pipelines.als.layouts.packed_fit import sweep_once
from pipelines.als.objective import Objective
from pipelines.als.sweep import Cells, Solver
from pipelines.cluster.session import open_session
from schemas import INTERACTIONS

ALPHA, REG = 10.0, 0.01
CASES = os.environ.get("CASES", "kernel,packed,blocked,mllib,fixed").split(",")
LARGE = int(os.environ.get("PAIRS", "20_000_000"))
BLOCKS = 16


def sides(matrix: sp.csr_matrix, rank: int, solver: Solver, threads: int) -> tuple[Side, Side]:
    """Return both sides of a fit at its first factors."""
    goal = Objective("hu2008", REG, 0.0, ALPHA, 0.1, 0.0, has_biases=False)
    other = matrix.T.tocsr()
    other.sort_indices()
    shapes = {"users": matrix.shape[0], "items": matrix.shape[1]}
    counts = {
        "users": int((np.diff(matrix.indptr) > 0).sum()),
        "items": int((np.diff(other.indptr) > 0).sum()),
    }
    fit = Fit("", shapes, counts, BLOCKS, rank, goal, solver, 1, threads, 1, None)
    made = []
    for side, table in (("users", matrix), ("items", other)):
        cells = {}
        for number in range(BLOCKS):
            block = table[number::BLOCKS]
            cells[number] = Cells(block.indptr.astype(np.int64), block.indices, block.data)
        made.append(Side(fit, side, cells, np.zeros((table.shape[0], rank), np.float32)))
        made[-1].begin()
    return made[0], made[1]


def loss(matrix: sp.csr_matrix, users: np.ndarray, items: np.ndarray) -> float:
    """Return the objective in float64, summed by pair."""
    users, items, pairs = users.astype(np.float64), items.astype(np.float64), matrix.tocoo()
    total = float(np.sum((users.T @ users) * (items.T @ items)))
    for first in range(0, pairs.nnz, 500_000):
        part = slice(first, first + 500_000)
        scores = np.einsum("ij,ij->i", users[pairs.row[part]], items[pairs.col[part]])
        more = ALPHA * pairs.data[part].astype(np.float64)
        total += float((more * scores**2 - 2 * (1 + more) * scores + 1 + more).sum())
    return total + REG * float((users**2).sum() + (items**2).sum())


def kernels(matrix: sp.csr_matrix, rank: int, iterations: int) -> tuple[float, float]:
    """Sweep from the first factors; return seconds per iteration and the loss."""
    users, items = sides(matrix, rank, Solver("conjugate_gradients", 3), 1)
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        for _ in range(iterations):
            sweep_once(users, items, pool)
        seconds = time.perf_counter() - started
    return seconds / iterations, loss(matrix, users.factors, items.factors)


def implicits(
    matrix: sp.csr_matrix, rank: int, iterations: int, threads: int
) -> tuple[float, float]:
    """Fit `implicit` from our first factors; return seconds and the loss, or nan without it."""
    if _implicit.NAME is None:
        return float("nan"), float("nan")
    users, items = sides(matrix, rank, Solver("conjugate_gradients", 3), 1)
    seconds, *found = _implicit.fit(
        matrix,
        (users.factors, items.factors),
        alpha=ALPHA,
        reg=REG,
        iterations=iterations,
        threads=threads,
    )
    return seconds, loss(matrix, *found)


def kernel(matrix: sp.csr_matrix, rank: int) -> dict[str, Any]:
    """Measure one thread of both, five iterations from the same start."""
    kernels(matrix, rank, 1)  # compiled
    runs = [(kernels(matrix, rank, 5), implicits(matrix, rank, 5, 1)) for _ in range(REPETITIONS)]
    ours, its = (statistics.median(r[n][0] for r in runs) for n in (0, 1))
    losses = {"loss": runs[0][0][1], "peer_loss": runs[0][1][1]}
    return _row(f"one thread, rank {rank}", ours, _implicit.NAME, its, matrix.nnz, losses, 1)


def job(spark: SparkSession, folder: Path, name: str, **settings: Any) -> tuple[float, float]:
    """Run the job; return its seconds, and the loss it reports."""
    places = {n: str(folder / n) for n in ("interactions", "user_ids", "item_ids")}
    config = TrainAlsConfig(
        inputs=AlsInputs(**places),
        outputs=AlsOutputs(vectors=str(folder / name / "vectors")),
        objective="hu2008",
        alpha=ALPHA,
        reg_param=REG,
        seed=1,
        **settings,
    )
    started = time.perf_counter()
    result = run(spark, config)
    return time.perf_counter() - started, float(result.measures["loss"])


def jobs(spark: SparkSession, folder: Path, layout: str, rank: int) -> tuple[float, float, float]:
    """Return the job's seconds per iteration, its other seconds, and the loss after five."""
    name = f"{layout}-{rank}-{time.monotonic_ns()}"
    (few, lost), (many, _) = (
        job(spark, folder, f"{name}-{n}", layout=layout, rank=rank, max_iter=n) for n in (5, 15)
    )
    per = (many - few) / 10
    return per, few - 5 * per, lost


def mllibs(spark: SparkSession, folder: Path, rank: int) -> float:
    """Return the seconds of MLlib's iteration: a fit of five less one of one, once all is warm."""
    pairs = tables.read(spark, str(folder / "interactions"), INTERACTIONS)
    pairs = pairs.select("user_id", "item_id", "weight").cache()
    pairs.count()
    times = []
    for iterations in (1, 1, 5):
        trainer = ALS(
            rank=rank,
            maxIter=iterations,
            regParam=REG,
            alpha=ALPHA,
            implicitPrefs=True,
            seed=1,
            userCol="user_id",
            itemCol="item_id",
            ratingCol="weight",
        )
        started = time.perf_counter()
        trainer.fit(pairs).userFactors.count()
        times.append(time.perf_counter() - started)
    pairs.unpersist()
    return (times[2] - times[1]) / 4


def through_spark(folder: Path, matrix: sp.csr_matrix, cases: list[str]) -> list[dict[str, Any]]:
    """Measure the layouts on `local[2]` beside `implicit` on two threads, and MLlib."""
    spark = _session(folder)
    write_tables(spark, matrix, folder)
    rows, shown = [], f"{matrix.nnz / 1e6:.0f}M"
    job(spark, folder, "warm", rank=64, max_iter=1, layout="blocked")
    for layout, ranks in (("packed", (64, 128)), ("blocked", (64,))):
        for rank in ranks if layout in cases else ():
            runs = [
                (*jobs(spark, folder, layout, rank), *implicits(matrix, rank, 5, 2))
                for _ in range(REPETITIONS)
            ]
            ours, fixed, lost, its, peers = (
                statistics.median(r[n] for r in runs) for n in range(5)
            )
            case = f"{layout}, rank {rank}, {shown}"
            extra = {"fixed_seconds": round(fixed, 1), "loss": lost, "peer_loss": peers}
            rows.append(_row(case, ours, _implicit.NAME, its, matrix.nnz, extra, 2))
    if "mllib" in cases:
        its = mllibs(spark, folder, 64)
        name = f"{peer('pyspark')}'s MLlib"
        rows += [
            _row(row["case"], row["ours"], name, its, matrix.nnz, {}, 2) | {"runs": 1}
            for row in rows
            if row["case"].endswith(f"rank 64, {shown}")
        ]
    spark.stop()
    return rows


def empty_sweeps(folder: Path) -> dict[str, Any]:
    """Return what a half-sweep of blocked costs where there is nothing to compute."""
    spark = _session(folder)
    matrix = generate(Shape(pairs=400, users=100, items=50))
    (folder / "tiny").mkdir()
    write_tables(spark, matrix, folder / "tiny")
    job(spark, folder / "tiny", "warm", rank=8, max_iter=1, layout="blocked", num_blocks=4)
    times = [
        job(spark, folder / "tiny", f"b{n}", rank=8, max_iter=n, layout="blocked", num_blocks=4)[0]
        for n in (5, 25)
    ]
    spark.stop()
    cost = (times[1] - times[0]) / 40
    return _row("fixed cost of a half-sweep", cost, None, 0.0, 400, {}, 2)


def _session(folder: Path) -> SparkSession:
    settings = {"spark.driver.memory": "6g", "spark.local.dir": str(folder / "local")}
    return open_session("benchmark", master="local[2]", settings=settings, log_folder=folder)


def _row(
    case: str,
    ours: float,
    name: str | None,
    its: float,
    pairs: int,
    found: dict[str, float],
    threads: int,
) -> dict[str, Any]:
    return {
        "case": case,
        "metric": "seconds_per_iteration",
        "unit": "s",
        "ours": ours,
        "peer": name,
        "peer_value": its,
        "quality": found,
        "rows": pairs,
        "threads": threads,
        "runs": REPETITIONS,
    }


def main() -> None:
    """Run the cases and write them."""
    rows, matrix = [], generate(Shape())
    if "kernel" in CASES:
        rows += [kernel(matrix, rank) for rank in (64, 128)]
        write("als", rows)
    with tempfile.TemporaryDirectory() as name:
        if "fixed" in CASES:
            rows.append(empty_sweeps(Path(name)))
        if {"packed", "blocked"} & set(CASES):
            rows += through_spark(Path(name), matrix, CASES)
            write("als", rows)
        if "large" in CASES:
            big = generate(Shape(LARGE, 300_000, 75_000))
            (Path(name) / "large").mkdir()
            rows += through_spark(Path(name) / "large", big, ["blocked"])
    write("als", rows)


if __name__ == "__main__":
    main()
