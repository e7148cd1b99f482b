"""Search for settings of iALS: a grid at a small rank, then the best settings at doubled ranks.

Rendle et al. 2021 tune the regularisation and the weight of all cells at a small rank, and start
from the best values at larger ranks. Candidates are packed fits of one task each, in parallel.
"""

from dataclasses import asdict
from typing import Any

from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.cells.survey import pairs_to_rank, prepare
from pipelines.als.layouts import fit_layout
from pipelines.als.tuning.candidates import (
    SCHEMA,
    Candidate,
    candidate_fits,
    candidate_task,
    shared_settings,
)
from pipelines.als.tuning.config import TuningSettings
from pipelines.cluster import progress
from pipelines.cluster.executors import executor_threads, whole_executor
from pipelines.errors import ConfigError
from pipelines.training.rounds import RoundState

ResultRow = dict[str, Any]


def search(interactions: DataFrame, settings: TuningSettings, state: RoundState) -> list[ResultRow]:
    """Return a row per candidate and sweep, as `tuning_results` has them.

    Args:
        interactions: Pairs with their split.
        settings: Settings.
        state: Where cells, and the results of each rank, are stored.

    Raises:
        InputError: A split has no pairs.
        ConfigError: A fit of the last rank does not fit an executor.
    """
    survey = _prepare(interactions, settings, state)
    _at_once(state, survey, _last_rank(settings))  # fails now, not after hours at lower ranks
    rows: list[ResultRow] = []
    rank = settings.first_rank
    while rank <= settings.max_rank:
        known = state.noted(f"rank={rank}")
        if known is None:
            candidates = _candidates(settings, rank, rows)
            first, last = candidates[0].trial, candidates[-1].trial
            with progress.step(f"evaluating candidates {first} to {last} at rank {rank}"):
                known = _try(candidates, settings, state, survey)
            state.note(f"rank={rank}", known)
        rows += known
        best = best_of(rows, settings.metric)
        progress.report(
            rank=rank, trials=rows[-1]["trial"], **{settings.metric: best[settings.metric]}
        )
        rank *= 2
    best = best_of(rows, settings.metric)
    return [{**row, "is_best": row is best} for row in rows]


def best_of(rows: list[ResultRow], metric: str) -> ResultRow:
    """Return the row of the highest metric; among equals the first."""
    return max(rows, key=lambda row: row[metric])


def _last_rank(settings: TuningSettings) -> int:
    rank = settings.first_rank
    while 2 * rank <= settings.max_rank:
        rank *= 2
    return rank


def _at_once(state: RoundState, survey: InteractionsSurvey, rank: int) -> int:
    """Return how many candidates of a rank an executor holds in parallel."""
    needed = fit_layout.packed_bytes(survey, rank)
    count = fit_layout.packed_at_once(state.spark, needed)
    if not count:
        raise ConfigError(
            f"max_rank: a candidate of rank {rank} takes {needed / 2**30:.1f} GiB, more than an "
            "executor has; lower max_rank, or raise spark.executor.memoryOverhead"
        )
    return count


def _prepare(
    interactions: DataFrame, settings: TuningSettings, state: RoundState
) -> InteractionsSurvey:
    held_out = pairs_to_rank(interactions, settings.evaluation_split)
    order = F.xxhash64("user_id", F.lit(settings.seed))
    users = held_out.select("user_id").distinct().orderBy(order, "user_id")
    ranked = held_out.join(
        F.broadcast(users.limit(settings.evaluation_users)), "user_id", "left_semi"
    )
    train = interactions.where(F.col("split") == "train")
    return prepare(train, ranked, shared_settings(settings), state)


def _candidates(settings: TuningSettings, rank: int, rows: list[ResultRow]) -> list[Candidate]:
    """Return the grid at the first rank, later the best so far and its four neighbours."""
    first = (rows[-1]["trial"] if rows else 0) + 1
    if not rows:
        pairs = [(r, u) for r in settings.reg_params for u in settings.unobserved_weights]
    else:
        best, factor = best_of(rows, settings.metric), settings.neighbour_factor
        reg, weight = best["reg_param"], best["unobserved_weight"]
        pairs = [
            (reg, weight),
            (reg / factor, weight),
            (reg * factor, weight),
            (reg, weight / factor),
            (reg, weight * factor),
        ]
    return [Candidate(first + n, rank, *pair) for n, pair in enumerate(pairs)]


def _try(
    candidates: list[Candidate],
    settings: TuningSettings,
    state: RoundState,
    survey: InteractionsSurvey,
) -> list[ResultRow]:
    """Fit candidates in parallel, one task each; return their rows by trial and sweep."""
    numbers, profile = _spread(len(candidates), state, _at_once(state, survey, candidates[0].rank))
    task = candidate_task(candidate_fits(candidates, settings, state, survey), settings)
    # a row per candidate and sweep; Spark's sort would fit all candidates twice
    tried = numbers.mapInArrow(task, SCHEMA, profile=profile).collect()
    rows = []
    for row in sorted(tried, key=lambda row: (row["number"], row["iteration"])):
        own = row.asDict()
        rows.append(asdict(candidates[own.pop("number")]) | own)
    return rows


def _spread(
    count: int, state: RoundState, at_once: int
) -> tuple[DataFrame, ResourceProfile | None]:
    """Return candidate numbers by task, and a profile for `at_once` tasks per executor."""
    spark = state.spark
    task_cores = -(-executor_threads(spark) // at_once)
    slots = max(1, int(spark.sparkContext.defaultParallelism) // task_cores)
    tasks = count if task_cores == 1 else min(count, slots)  # local mode has no profiles
    return spark.range(0, count, 1, tasks), whole_executor(spark, task_cores)


def describe(best: ResultRow, settings: TuningSettings) -> list[str]:
    """Return lines that name the best settings, as `train_als` takes them."""
    return [
        f"best {settings.metric} at {settings.k}: {best[settings.metric]:.4f}, with",
        f"  rank: {best['rank']}",
        f"  reg_param: {best['reg_param']:g}",
        f"  unobserved_weight: {best['unobserved_weight']:g}",
        f"  max_iter: {best['iteration']}",
    ]
