"""Top-100 for all users: the job through Spark beside `implicit` on two threads and MLlib.

`USERS` of the environment names how many there are, one case each: of 60,000 users' seconds nearly
half are the job's fixed ones, so more tell more. 480,000 take more than ten minutes on two cores.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _implicit
import numpy as np
import scipy.sparse as sp
from _measuring import REPETITIONS, ROOT, peer, write

sys.path.insert(0, str(ROOT))
from _interactions import Shape, generate, write_tables
from als import job
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.recommend_items import run
from pipelines import tables
from pipelines.cluster.session import open_session
from pipelines.serving.config import RecommendInputs, RecommendItemsConfig, RecommendOutputs
from schemas import INTERACTIONS, RECOMMENDATIONS, VECTORS

K, RANK, MLLIB_USERS, PAIRS_PER_USER = 100, 64, 10_000, 66
USERS = [int(n) for n in os.environ.get("USERS", "60000").split(",")]


def ours(spark: SparkSession, folder: Path) -> float:
    """Run the job, results written; return users per second."""
    places = {n: str(folder / n) for n in ("interactions", "user_ids", "item_ids")}
    config = RecommendItemsConfig(
        inputs=RecommendInputs(vectors=str(folder / "space" / "vectors"), **places),
        outputs=RecommendOutputs(recommendations=str(folder / "out" / "recommendations")),
        k=K,
        format="parquet",  # as MLlib's are written
    )
    started = time.perf_counter()
    result = run(spark, config)
    return result.rows_out["recommendations"] / (time.perf_counter() - started)


def matrices(spark: SparkSession, folder: Path, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors of users and items in the order of their ids; zeros for none."""
    found = tables.read(spark, str(folder / "space" / "vectors"), VECTORS)
    made = []
    for entity, size in (("user", shape.users), ("item", shape.items)):
        table = found.where(F.col("entity") == entity).select("key", "vector").toArrow()
        ids = np.array([int(key[1:]) for key in table["key"].to_pylist()])
        flat = table["vector"].combine_chunks().flatten().to_numpy()
        matrix = np.zeros((size, RANK), np.float32)
        matrix[ids] = flat.reshape(len(ids), RANK)
        made.append(matrix)
    return made[0], made[1]


def implicits(users: np.ndarray, items: np.ndarray, pairs: sp.csr_matrix) -> float:
    """Recommend to all users by `implicit`'s own top-k; return users per second."""
    if _implicit.NAME is None:
        return float("nan")
    model = _implicit.model(RANK, num_threads=2)
    model.user_factors, model.item_factors = users, items
    everyone = np.arange(len(users))
    started = time.perf_counter()
    model.recommend(everyone, pairs, N=K, filter_already_liked_items=True)
    return len(users) / (time.perf_counter() - started)


def mllibs(spark: SparkSession, folder: Path) -> float:
    """Recommend to some users by MLlib, results written; return users per second."""
    pairs = tables.read(spark, str(folder / "interactions"), INTERACTIONS)
    trainer = ALS(
        rank=RANK,
        maxIter=1,
        implicitPrefs=True,
        userCol="user_id",
        itemCol="item_id",
        ratingCol="weight",
    )
    model = trainer.fit(pairs.select("user_id", "item_id", "weight"))
    some = model.userFactors.select(F.col("id").alias("user_id")).limit(MLLIB_USERS)
    started = time.perf_counter()
    found = model.recommendForUserSubset(some, K)
    found.write.mode("overwrite").parquet(str(folder / "mllib"))
    return MLLIB_USERS / (time.perf_counter() - started)


def differing(
    spark: SparkSession, folder: Path, factors: tuple[np.ndarray, np.ndarray], pairs: sp.csr_matrix
) -> int:
    """Return how many of a thousand users' places differ from float64, ties within 1e-5 aside."""
    stored = tables.read(spark, str(folder / "out" / "recommendations"), RECOMMENDATIONS)
    users, items = (f.astype(np.float64) for f in factors)
    count = 0
    for row in stored.orderBy("user").limit(1000).collect():
        user = int(row["user"][1:])
        scores = items @ users[user]
        scores[pairs.indices[pairs.indptr[user] : pairs.indptr[user + 1]]] = -np.inf
        scores[~items.any(axis=1)] = -np.inf
        wanted = np.argsort(-scores, kind="stable")[:K]
        found = np.array([int(one["key"][1:]) for one in row["items"]])
        count += int((np.abs(scores[wanted] - scores[found]) > 1e-5).sum())
    return count


def case(users: int, root: Path) -> list[dict[str, Any]]:
    """Return the job's row beside each peer, for so many users."""
    shape = Shape(users * PAIRS_PER_USER, users, 15_000)
    pairs = generate(shape)
    settings = {"spark.driver.memory": "6g", "spark.local.dir": str(root / "local")}
    spark = open_session("benchmark", master="local[2]", settings=settings, log_folder=root)
    folder = root / str(users)
    folder.mkdir()
    write_tables(spark, pairs, folder)
    job(spark, folder, "space", rank=RANK, max_iter=5)
    factors = matrices(spark, folder, shape)
    ours(spark, folder)  # compiled and warm
    runs = [(ours(spark, folder), implicits(*factors, pairs)) for _ in range(REPETITIONS)]
    own, its = (statistics.median(run[n] for run in runs) for n in (0, 1))
    wrong = differing(spark, folder, factors, pairs)
    peers = {_implicit.NAME: its, f"{peer('pyspark')}'s MLlib": mllibs(spark, folder)}
    spark.stop()
    return [_row(users, own, name, value, wrong) for name, value in peers.items()]


def main() -> None:
    """Run the cases and write them."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for users in USERS:
            rows += case(users, Path(name))
            write("top_k", rows)


def _row(users: int, own: float, name: str | None, its: float, wrong: int) -> dict[str, Any]:
    return {
        "case": f"local[2], {users:,} users, top {K} of 15,000 items, rank {RANK}",
        "metric": "users_per_second",
        "unit": "users/s",
        "ours": own,
        "peer": name,
        "peer_value": its,
        "quality": {"places_unlike_float64": wrong},
        "rows": users,
        "threads": 2,
        "runs": REPETITIONS,
    }


if __name__ == "__main__":
    main()
