"""All data of the report, gathered from the tables that there are."""

from collections.abc import Callable, Mapping, Set
from functools import partial, reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster.threads import at_once
from pipelines.report import report_data
from pipelines.report.facts import Facts, TableRow
from pipelines.report.trials import find_measure, read_trials


def gather(
    frames: Mapping[str, DataFrame], *, map_words: int, sample_count: int, seed: int
) -> Facts:
    """Gather what the page shows of the published spaces.

    These are the spaces of the given vectors and those that are `published` in the registry.
    Without either table all spaces are shown. The driver gets aggregates, sampled ranks, frequent
    words and samples only.

    Args:
        frames: Tables by name of the input.
        map_words: Words on the map.
        sample_count: Examples of each kind.
        seed: Chooses the examples.
    """
    vectors = [frames[n] for n in ("word_vectors", "recommender_vectors") if n in frames]
    counted = reduce(DataFrame.unionByName, vectors) if vectors else None
    histograms = None if counted is None else report_data.count_norms(counted)
    in_tables = {h.space_id for h in histograms or []}
    registry = frames.get("embedding_spaces")
    spaces = None if registry is None else report_data.registered_spaces(registry, in_tables)
    published = in_tables | {str(row["space_id"]) for row in spaces or []}
    chosen = {name: of_spaces(frame, published) for name, frame in frames.items()}
    calls = {**_of_one_table(chosen), **_of_lists(chosen, sample_count=sample_count, seed=seed)}
    if registry is not None:
        calls["other_spaces"] = partial(report_data.count_others, registry, published)
    if "word_vectors" in chosen and "vocabulary" in chosen:
        of_words = chosen["word_vectors"], chosen["vocabulary"]
        calls["word_map"] = partial(report_data.take_frequent, *of_words, words=map_words)
    spark = next(iter(frames.values())).sparkSession
    found = dict(zip(calls, at_once(spark, *calls.values()), strict=True))
    trials: Any = found.pop("trials", (None, "ndcg"))
    return Facts(
        histograms=histograms, spaces=spaces, trials=trials[0], trial_measure=trials[1], **found
    )


def _of_one_table(frames: Mapping[str, DataFrame]) -> dict[str, Callable[[], Any]]:
    """Return by name of a fact the call that takes it from its table."""
    takers: dict[str, tuple[str, Callable[[DataFrame], Any]]] = {
        "counts": ("run_counts", report_data.count_rows),
        "frequencies": ("vocabulary", report_data.sample_frequencies),
        "curves": ("training_history", report_data.read_curves),
        "metrics": ("quality_metrics", report_data.read_metrics),
        "trials": ("tuning_results", _read_trials),
    }
    return {
        fact: partial(take, frames[table])
        for fact, (table, take) in takers.items()
        if table in frames
    }


def _read_trials(results: DataFrame) -> tuple[list[TableRow], str]:
    measure = find_measure(results)
    return read_trials(results, measure), measure


def _of_lists(
    frames: Mapping[str, DataFrame], *, sample_count: int, seed: int
) -> dict[str, Callable[[], Any]]:
    lists = [frames[n] for n in ("neighbours", "recommender_neighbours") if n in frames]
    sample = partial(report_data.sample_lists, sample_count=sample_count, seed=seed)
    calls: dict[str, Callable[[], Any]] = {}
    if lists:
        calls["neighbours"] = partial(sample, reduce(DataFrame.unionByName, lists), "neighbours")
    if "recommendations" in frames:
        items = report_data.by_user(frames["recommendations"])
        calls["recommendations"] = partial(sample, items, "items")
    return calls


def of_spaces(frame: DataFrame, published: Set[str]) -> DataFrame:
    """Return the rows of published spaces; all rows where no space is known or named."""
    if not published or "space_id" not in frame.columns:
        return frame
    return frame.where(F.col("space_id").isin(*sorted(published)))
