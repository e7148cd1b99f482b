"""Gowalla, as recommenders are compared on it: tuned on `valid`, one look at `test`.

The settings of the search are conf/tuning/gowalla.yaml. Recall divides by all held-out items of a
user, over the full catalogue. BARS has recall@20 / NDCG@20 of .1820/.1547 for LightGCN and
.1872/.1557 for SimpleX.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one BLAS thread per thread, as design has it

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from _measuring import DATA, ROOT

sys.path.insert(0, str(ROOT))
from _interactions import write_pairs
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from jobs import evaluate_recommendations, train_als, tune_als
from pipelines import tables
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.tuning.config import TuneAlsConfig, TuningInputs, TuningOutputs
from pipelines.cluster.session import open_session
from pipelines.evaluation.config import (
    EvaluateRecommendationsConfig,
    EvaluationOutputs,
    RecommendationInputs,
)
from schemas import QUALITY_METRICS, TUNING_RESULTS

FOLDER = DATA / "interactions" / "gowalla"


def read_pairs(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return users and items of a split: lines of a user and their items."""
    text = pa.input_stream(str(FOLDER / f"{split}.txt.zst"), compression="zstd").read().decode()
    users, items = [], []
    for line in text.splitlines():
        user, *own = map(int, line.split())
        users += [user] * len(own)
        items += own
    return np.array(users), np.array(items)


def write_splits(spark: SparkSession, folder: Path) -> None:
    """Write the interactions as they are, and with `valid` as a part of `train`."""
    found = {split: read_pairs(split) for split in ("train", "valid", "test")}
    users, items = (np.concatenate([f[n] for f in found.values()]) for n in (0, 1))
    splits = np.repeat(list(found), [f[0].size for f in found.values()])
    weights = np.ones(users.size, np.float32)
    for name, own in (("search", splits), ("last", np.where(splits == "valid", "train", splits))):
        (folder / name).mkdir()
        write_pairs(spark, (users, items, weights, own), folder / name)


def tune(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Search, print the best of each candidate, and return the best row."""
    settings = yaml.safe_load((ROOT / "conf" / "tuning" / "gowalla.yaml").read_text())["tune_als"]
    config = TuneAlsConfig(
        inputs=TuningInputs(interactions=str(folder / "search" / "interactions")),
        outputs=TuningOutputs(tuning_results=str(folder / "tuning_results")),
        **settings,
    )
    started = time.perf_counter()
    result = tune_als.run(spark, config)
    print("\n".join(result.lines), f"\nsearch: {time.perf_counter() - started:.0f} s", flush=True)
    rows = tables.read(spark, str(folder / "tuning_results"), TUNING_RESULTS).collect()
    shown = Table("trial", "rank", "reg_param", "unobserved_weight", "sweeps", "recall", "ndcg")
    for trial in sorted({row["trial"] for row in rows}):
        best = max((row for row in rows if row["trial"] == trial), key=lambda row: row["ndcg"])
        shown.add_row(
            str(trial),
            str(best["rank"]),
            f"{best['reg_param']:g}",
            f"{best['unobserved_weight']:g}",
            str(best["iteration"]),
            f"{best['recall']:.4f}",
            f"{best['ndcg']:.4f}",
        )
    Console(width=100).print(shown)
    return next(row.asDict() for row in rows if row["is_best"])


def judge(spark: SparkSession, folder: Path, best: dict[str, Any]) -> dict[str, float]:
    """Refit on train and valid with what was found, and measure the test split."""
    places = {n: str(folder / "last" / n) for n in ("interactions", "user_ids", "item_ids")}
    config = TrainAlsConfig(
        inputs=AlsInputs(**places),
        outputs=AlsOutputs(vectors=str(folder / "last" / "vectors")),
        rank=best["rank"],
        reg_param=best["reg_param"],
        max_iter=best["iteration"],
        unobserved_weight=best["unobserved_weight"],
    )
    trained = train_als.run(spark, config)
    print(json.dumps(trained.measures), flush=True)
    outputs = EvaluationOutputs(quality_metrics=str(folder / "quality_metrics"))
    spaces = {n: str(folder / "last" / n) for n in ("vectors", "embedding_spaces")}
    evaluate_recommendations.run(
        spark,
        EvaluateRecommendationsConfig(
            inputs=RecommendationInputs(**spaces, **places), outputs=outputs, k=20, split="test"
        ),
    )
    rows = tables.read(spark, outputs.quality_metrics, QUALITY_METRICS).orderBy(F.col("metric"))
    for row in rows.collect():
        print(f"{row['metric']}: {row['value']:.4f} ({row['detail']})")
    return {row["metric"]: row["value"] for row in rows.collect()}


def main() -> None:
    """Search, refit, judge and write the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"spark.driver.memory": "6g", "spark.local.dir": str(folder / "local")}
        spark = open_session("gowalla", master="local[2]", settings=settings, log_folder=folder)
        write_splits(spark, folder)
        best = tune(spark, folder)
        found = judge(spark, folder, best)
        spark.stop()
    target = ROOT / "build" / "bench" / "gowalla.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"settings": best, "test": found}, indent=1, default=float))


if __name__ == "__main__":
    main()
