"""vectormill's own ALS: interactions laid out once, then sweeps over them."""

import time
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als import vectors
from pipelines.als.cells import survey
from pipelines.als.cells.blocks import SIDES, InteractionsSurvey
from pipelines.als.cells.checks import require_keys
from pipelines.als.config import TrainAlsConfig
from pipelines.als.fit import Fit
from pipelines.als.layouts import fit_layout
from pipelines.als.layouts.fit_layout import FitLayout
from pipelines.als.layouts.packed_fit import History
from pipelines.als.layouts.runs import BlockedFit, FitRun, LongRows, PackedFit
from pipelines.als.stored_fit import StoredFit
from pipelines.als.sweep import Solver
from pipelines.cluster import progress
from pipelines.training.rounds import RoundState, Trained


def train(frames: Mapping[str, DataFrame], config: TrainAlsConfig, state: RoundState) -> Trained:
    """Factorise the training interactions by alternating least squares.

    Args:
        frames: `interactions`, `user_ids`, `item_ids`; `initial_vectors` (`space_id, entity, key,
            vector`) to begin from, if any.
        config: Settings; `objective.Objective` has the losses.
        state: Where cells and factors are kept, and found by a run that goes on.

    Returns:
        One row per user and item of the training split; and the loss and seconds of each sweep.

    Raises:
        InputError: Interactions cannot be trained on, the split to rank has none, or initial
            vectors are of another rank.
    """
    pairs = frames["interactions"].where(F.col("split") == "train")
    found = survey.prepare(pairs, _held_out(frames, config), config, state)
    require_keys(frames, {side: found.size(side) for side in SIDES})
    fit, long_rows = _fit(config, state, found)
    choice = _choose(config, state, found, fit.dimension)
    run = _run(state, fit, choice, long_rows, found)
    if "initial_vectors" in frames and not state.last_round() and not state.has("round=0"):
        state.write("round=0", vectors.initial(frames, run.fit))
    number, measured = _go_on(run)
    trained = vectors.named(run.factors(number), frames, run.fit)
    return Trained(trained, _history(measured, run.fit), _summary(measured, choice, run.fit, found))


def _held_out(frames: Mapping[str, DataFrame], config: TrainAlsConfig) -> DataFrame | None:
    if config.evaluation_split is None:
        return None
    return survey.pairs_to_rank(frames["interactions"], config.evaluation_split)


def _choose(
    config: TrainAlsConfig, state: RoundState, found: InteractionsSurvey, dimension: int
) -> FitLayout:
    """Choose the layout; a run that goes on keeps the one its versions have."""
    begun = state.noted("layout")
    choice = fit_layout.choose_layout(state.spark, config, found, dimension, begun)
    if begun is None:
        state.note("layout", choice.layout)
    return choice


def _fit(
    config: TrainAlsConfig, state: RoundState, found: InteractionsSurvey
) -> tuple[Fit, LongRows]:
    counts = survey.parse_counts(StoredFit(state.folder))
    objective = config.to_objective(found.mean)
    fit = Fit(
        folder=state.folder, sizes={side: found.size(side) for side in SIDES},
        counts={side: counts[side]["rows"] for side in SIDES}, blocks=found.blocks,
        rank=config.rank, objective=objective, solver=_solver(config), seed=config.seed,
        threads=1, max_iter=config.max_iter, tolerance=config.early_stopping,
        ranked=config.evaluation_k if config.evaluation_split else 0,
    )  # fmt: skip
    return fit, {side: counts[side]["long_rows"] for side in SIDES}


def _solver(config: TrainAlsConfig) -> Solver:
    """Return the solver; `auto` takes what reached a loss soonest, see docs/decisions/0009."""
    if config.is_nonnegative:
        return Solver("nonnegative", 0)
    name = config.solver
    if name == "auto":
        name = "dual" if config.objective == "explicit" else "conjugate_gradients"
    return Solver(name, config.cg_steps)


def _run(
    state: RoundState, fit: Fit, choice: FitLayout, long_rows: LongRows, found: InteractionsSurvey
) -> FitRun:
    fit = fit.with_threads(choice.threads)
    if choice.layout == "packed":
        return PackedFit(state, fit)
    return BlockedFit(state, fit, choice.tasks, choice.held, long_rows, found.long_row_cells)


def _go_on(run: FitRun) -> tuple[int, History]:
    """Run the jobs that are still to be run, and return the last version and all measures."""
    number = run.state.last_round()
    measured = run.measured(number) if number else []
    started, first = time.monotonic(), len(measured)
    while not (run.is_complete(number) and run.fit.is_enough([m["loss"] for m in measured])):
        run.advance(number, measured)
        number += 1
        measured = run.measured(number)
        done = len(measured) - first
        if done:
            left = (time.monotonic() - started) / done * (run.fit.max_iter - len(measured))
            progress.report(
                iteration=f"{len(measured)}/{run.fit.max_iter}",
                **{name: value for name, value in measured[-1].items() if name != "seconds"},
                seconds_left=round(left),
            )  # fmt: skip
    return number, measured


def _history(measured: History, fit: Fit) -> list[tuple[int, str, float]]:
    """Return each sweep's measures, and at the last the mean that ratings are measured from."""
    rows = [
        (number, metric, float(value))
        for number, own in enumerate(measured, start=1)
        for metric, value in own.items()
    ]
    return [*rows, (len(measured), "mean", fit.objective.mean)] if fit.objective.mean else rows


def _summary(
    measured: History, choice: FitLayout, fit: Fit, found: InteractionsSurvey
) -> dict[str, float | int | str]:
    summary: dict[str, float | int | str] = {
        "interactions": found.pairs,
        "layout": f"{choice.layout}: {choice.why}",
        "solver": fit.solver.name,
        "iterations": len(measured),
        "seconds_per_iteration": sum(m["seconds"] for m in measured) / len(measured),
        **{name: value for name, value in measured[-1].items() if name != "seconds"},
    }
    return summary | {"mean": fit.objective.mean} if fit.objective.has_biases else summary
