"""A search for settings of iALS: a grid at a small rank, then the best of it at doubled ranks.

Rendle et al. 2021 tune the regularisation and the weight of all cells at a small rank, and raise
the rank with what was found. Candidates are packed fits, one task each, side by side.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from pipelines.als.cells import survey
from pipelines.als.cells.blocks import SIDES, InteractionsSurvey
from pipelines.als.config import AlsInputs, AlsOutputs, TrainAlsConfig
from pipelines.als.fit import Fit
from pipelines.als.layouts import fit_layout, packed_fit
from pipelines.als.stored_fit import StoredFit
from pipelines.als.sweep import Solver
from pipelines.als.tuning.config import TuneAlsConfig
from pipelines.cluster import progress
from pipelines.cluster.executors import executor_threads, whole_executor
from pipelines.errors import ConfigError
from pipelines.training.rounds import RoundState

Row = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """What one fit is given."""

    trial: int
    rank: int
    reg_param: float
    unobserved_weight: float


def search(interactions: DataFrame, config: TuneAlsConfig, state: RoundState) -> list[Row]:
    """Return a row per candidate and sweep, as `tuning_results` has them.

    Args:
        interactions: Pairs with their split.
        config: Settings.
        state: Where interactions are laid out, and results of each rank are kept.

    Raises:
        InputError: A split has no pairs.
        ConfigError: A fit of the last rank does not fit an executor.
    """
    found = _prepare(interactions, config, state)
    _at_once(state, found, _last_rank(config))  # not after hours at the ranks below it
    rows: list[Row] = []
    rank = config.first_rank
    while rank <= config.max_rank:
        known = state.noted(f"rank={rank}")
        if known is None:
            candidates = _candidates(config, rank, rows)
            known = _try(candidates, config, state, found)
            state.note(f"rank={rank}", known)
        rows += known
        best = best_of(rows, config.metric)
        progress.report(rank=rank, trials=rows[-1]["trial"], **{config.metric: best[config.metric]})
        rank *= 2
    best = best_of(rows, config.metric)
    return [{**row, "is_best": row is best} for row in rows]


def best_of(rows: list[Row], metric: str) -> Row:
    """Return the row of the highest metric; among equals the first."""
    return max(rows, key=lambda row: row[metric])


def _last_rank(config: TuneAlsConfig) -> int:
    rank = config.first_rank
    while 2 * rank <= config.max_rank:
        rank *= 2
    return rank


def _at_once(state: RoundState, found: InteractionsSurvey, rank: int) -> int:
    """Return how many candidates of a rank an executor holds side by side."""
    needed = fit_layout.packed_bytes(found, rank)
    count = fit_layout.packed_at_once(state.spark, needed)
    if not count:
        raise ConfigError(
            f"max_rank: a candidate of rank {rank} takes {needed / 2**30:.1f} GiB, more than an "
            "executor has; lower max_rank, or raise spark.executor.memoryOverhead"
        )
    return count


def _prepare(
    interactions: DataFrame, config: TuneAlsConfig, state: RoundState
) -> InteractionsSurvey:
    held_out = survey.pairs_to_rank(interactions, config.evaluation_split)
    order = F.xxhash64("user_id", F.lit(config.seed))
    users = held_out.select("user_id").distinct().orderBy(order, "user_id")
    some = held_out.join(F.broadcast(users.limit(config.evaluation_users)), "user_id", "left_semi")
    train = interactions.where(F.col("split") == "train")
    return survey.prepare(train, some, _fit_config(config, None), state)


def _fit_config(config: TuneAlsConfig, candidate: Candidate | None) -> TrainAlsConfig:
    """Return a candidate's settings as `train_als` takes them."""
    chosen = {} if candidate is None else asdict(candidate)
    chosen.pop("trial", None)
    return TrainAlsConfig(
        inputs=AlsInputs(interactions=config.inputs.interactions, user_ids="", item_ids=""),
        outputs=AlsOutputs.model_validate({"vectors": "-"}), objective="ials", seed=config.seed,
        max_iter=config.max_iter, solver=config.solver, cg_steps=config.cg_steps, **chosen,
    )  # fmt: skip


def _candidates(config: TuneAlsConfig, rank: int, rows: list[Row]) -> list[Candidate]:
    """Return the grid at the first rank, later the best so far and its four neighbours."""
    first = (rows[-1]["trial"] if rows else 0) + 1
    if not rows:
        pairs = [(r, u) for r in config.reg_params for u in config.unobserved_weights]
    else:
        best, factor = best_of(rows, config.metric), config.neighbour_factor
        reg, weight = best["reg_param"], best["unobserved_weight"]
        pairs = [(reg, weight), (reg / factor, weight), (reg * factor, weight),
                 (reg, weight / factor), (reg, weight * factor)]  # fmt: skip
    return [Candidate(first + n, rank, *pair) for n, pair in enumerate(pairs)]


def _try(
    candidates: list[Candidate], config: TuneAlsConfig, state: RoundState, found: InteractionsSurvey
) -> list[Row]:
    """Fit candidates side by side, one task each, and return their rows by trial and sweep."""
    numbers, profile = _spread(len(candidates), state, _at_once(state, found, candidates[0].rank))
    schema = "number int, iteration int, recall double, ndcg double, loss double, seconds double"
    task = _task(_fits(candidates, config, state, found), config)
    # candidates times sweeps; sorted here, as Spark's own sort would fit all of them twice
    tried = numbers.mapInArrow(task, schema, profile=profile).collect()
    rows = []
    for row in sorted(tried, key=lambda row: (row["number"], row["iteration"])):
        own = row.asDict()
        rows.append(asdict(candidates[own.pop("number")]) | own)
    return rows


def _spread(
    count: int, state: RoundState, at_once: int
) -> tuple[DataFrame, ResourceProfile | None]:
    """Return numbers by task, and the profile by which an executor has so many tasks at once."""
    spark = state.spark
    taken = -(-executor_threads(spark) // at_once)  # cores that a task keeps
    slots = max(1, int(spark.sparkContext.defaultParallelism) // taken)
    tasks = count if taken == 1 else min(count, slots)  # local mode has no profiles
    return spark.range(0, count, 1, tasks), whole_executor(spark, taken)


def _fits(
    candidates: list[Candidate], config: TuneAlsConfig, state: RoundState, found: InteractionsSurvey
) -> list[Fit]:
    counts = survey.parse_counts(StoredFit(state.folder))
    return [
        Fit(
            folder=state.folder, sizes={side: found.size(side) for side in SIDES},
            counts={side: counts[side]["rows"] for side in SIDES}, blocks=found.blocks,
            rank=one.rank, objective=_fit_config(config, one).to_objective(0.0),
            solver=Solver(config.solver, config.cg_steps), seed=config.seed, threads=1,
            max_iter=config.max_iter, tolerance=None, ranked=config.k,
        )
        for one in candidates
    ]  # fmt: skip


def _task(
    fits: list[Fit], config: TuneAlsConfig
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of candidates: their numbers in, a row per sweep out."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                measured = _fit(fits[number], config)
                found = [
                    {"number": number, "iteration": n, "loss": m["loss"], "seconds": m["seconds"]}
                    | {name: m[f"{name}_at_{config.k}"] for name in ("recall", "ndcg")}
                    for n, m in enumerate(measured, start=1)
                ]
                names = ("number", "iteration", "recall", "ndcg", "loss", "seconds")
                kinds = (pa.int32(), pa.int32(), *[pa.float64()] * 4)
                columns = [
                    pa.array([row[name] for row in found], kind)
                    for name, kind in zip(names, kinds, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names=list(names))

    return run


def _fit(fit: Fit, config: TuneAlsConfig) -> packed_fit.History:
    """Sweep until the ranking has not become better for a while."""
    with threadpool_limits(1), ThreadPoolExecutor(1) as pool:
        users, items = packed_fit.load(fit, "none")
        held_out = dict(StoredFit(fit.folder).cells("users", range(fit.blocks), "held_out"))
        measured: packed_fit.History = []
        name = f"{config.metric}_at_{config.k}"
        while not fit.is_enough([m["loss"] for m in measured]):
            measured = packed_fit.sweeps(users, items, measured, pool, 0, held_out)
            best = max(range(len(measured)), key=lambda n: measured[n][name])
            if len(measured) - 1 - best >= config.patience:
                break
        return measured


def describe(best: Row, config: TuneAlsConfig) -> list[str]:
    """Say what was found, as settings of `train_als`."""
    return [
        f"best {config.metric} at {config.k}: {best[config.metric]:.4f}, with",
        f"  rank: {best['rank']}",
        f"  reg_param: {best['reg_param']:g}",
        f"  unobserved_weight: {best['unobserved_weight']:g}",
        f"  max_iter: {best['iteration']}",
    ]
