"""vectormill's own ALS: interactions laid out once, then sweeps over them as Spark jobs."""

import time
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als import vectors
from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.cells.checks import require_keys
from pipelines.als.cells.survey import counts_by_side, pairs_to_rank, prepare
from pipelines.als.config import AlsSettings
from pipelines.als.fit import Fit
from pipelines.als.layouts import fit_layout
from pipelines.als.layouts.fit_layout import FitLayout
from pipelines.als.layouts.runs import BlockedFit, FitRun, PackedFit
from pipelines.als.planned_fit import planned_fit
from pipelines.als.sides import SIDES
from pipelines.als.stored_fit import StoredFit
from pipelines.cluster import progress
from pipelines.training.rounds import History, RoundState, Trained
from pipelines.training.stored_arrays import round_name


def train(frames: Mapping[str, DataFrame], settings: AlsSettings, state: RoundState) -> Trained:
    """Factorise the training interactions by alternating least squares.

    Args:
        frames: `interactions`, `user_ids`, `item_ids`; `initial_vectors` (`space_id, entity, key,
            vector`) of one space to begin from, if any.
        settings: Settings; `objective.Objective` has the losses.
        state: Where cells and rounds are kept; a run that was killed continues
            from them.

    Returns:
        One row per user and item of the training split; and the loss and seconds of each sweep.

    Raises:
        InputError: Interactions cannot be trained on, the split to rank has no pairs, or initial
            vectors are of another rank.
        ConfigError: Blocks of `num_blocks` would be too large.
    """
    pairs = frames["interactions"].where(F.col("split") == "train")
    survey = prepare(pairs, _held_out(frames, settings), settings, state)
    require_keys(frames, {side: survey.size(side) for side in SIDES})
    layout = _choose_layout(settings, state, survey)
    run = _fit_run(settings, state, survey, layout)
    if "initial_vectors" in frames and not state.last_round() and not state.has(round_name(0)):
        state.write(round_name(0), vectors.initial(frames, run.fit))
    number, history = _go_on(run)
    trained = vectors.named(run.factors(number), frames, run.fit)
    summary = _summary(history, layout, run.fit, survey)
    return Trained(trained, _history_rows(history, run.fit), summary)


def _held_out(frames: Mapping[str, DataFrame], settings: AlsSettings) -> DataFrame | None:
    if settings.evaluation_split is None:
        return None
    return pairs_to_rank(frames["interactions"], settings.evaluation_split)


def _choose_layout(
    settings: AlsSettings, state: RoundState, survey: InteractionsSurvey
) -> FitLayout:
    """Choose the layout; a run that continues keeps the layout of its rounds."""
    begun = state.noted("layout")
    dimension = settings.rank + settings.to_objective(survey.mean).has_biases
    layout = fit_layout.choose_layout(state.spark, settings, survey, dimension, begun)
    if begun is None:
        state.note("layout", layout.layout)
    return layout


def _fit_run(
    settings: AlsSettings, state: RoundState, survey: InteractionsSurvey, layout: FitLayout
) -> FitRun:
    counts, long_rows = counts_by_side(StoredFit(state.folder))
    fit = planned_fit(settings, state.folder, survey, counts, threads=layout.threads)
    if layout.layout == "packed":
        return PackedFit(state, fit)
    return BlockedFit(state, fit, layout.tasks, layout.held, long_rows, survey.long_row_cells)


def _go_on(run: FitRun) -> tuple[int, History]:
    """Run the remaining rounds; return the last round's number and all sweeps' measures."""
    number = run.state.last_round()
    history = run.measured(number) if number else []
    started, first = time.monotonic(), len(history)
    while not (run.is_complete(number) and run.fit.is_enough([m["loss"] for m in history])):
        with progress.step(f"sweep {len(history) + 1} of {run.fit.max_iter}"):
            run.advance(number, history)
            number += 1
            history = run.measured(number)
        done = len(history) - first
        if done:
            left = (time.monotonic() - started) / done * (run.fit.max_iter - len(history))
            progress.report(
                iteration=f"{len(history)}/{run.fit.max_iter}",
                **{name: value for name, value in history[-1].items() if name != "seconds"},
                seconds_left=round(left),
            )
    return number, history


def _history_rows(history: History, fit: Fit) -> list[tuple[int, str, float]]:
    """Return (sweep, metric, value); with biases also the ratings' `mean`, at the last sweep."""
    rows = [
        (number, metric, float(value))
        for number, measures in enumerate(history, start=1)
        for metric, value in measures.items()
    ]
    return [*rows, (len(history), "mean", fit.objective.mean)] if fit.objective.mean else rows


def _summary(
    history: History, layout: FitLayout, fit: Fit, survey: InteractionsSurvey
) -> dict[str, float | int | str]:
    summary: dict[str, float | int | str] = {
        "interactions": survey.pairs,
        "layout": f"{layout.layout}: {layout.why}",
        "solver": fit.solver.name,
        "iterations": len(history),
        "seconds_per_iteration": sum(m["seconds"] for m in history) / len(history),
        **{name: value for name, value in history[-1].items() if name != "seconds"},
    }
    return summary | {"mean": fit.objective.mean} if fit.objective.has_biases else summary
