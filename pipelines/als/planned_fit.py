"""The fit that settings and surveyed interactions ask for."""

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.config import AlsSettings
from pipelines.als.fit import Fit
from pipelines.als.sides import SIDES
from pipelines.als.sweep import Solver


def planned_fit(
    settings: AlsSettings,
    folder: str,
    survey: InteractionsSurvey,
    counts: dict[str, int],
    *,
    threads: int,
) -> Fit:
    """Return a fit.

    Args:
        settings: Settings.
        folder: Folder of cells and rounds.
        survey: What the interactions hold.
        counts: Number of rows of each side that have cells.
        threads: Threads of a task.
    """
    return Fit(
        folder=folder,
        sizes={side: survey.size(side) for side in SIDES},
        counts=counts,
        blocks=survey.blocks,
        rank=settings.rank,
        objective=settings.to_objective(survey.mean),
        solver=_solver(settings),
        seed=settings.seed,
        threads=threads,
        max_iter=settings.max_iter,
        tolerance=settings.early_stopping,
        ranked=settings.evaluation_k if settings.evaluation_split else 0,
    )


def _solver(settings: AlsSettings) -> Solver:
    """Return the solver; `auto` reached a given loss soonest, see docs/decisions/0009."""
    if settings.is_nonnegative:
        return Solver("nonnegative", 0)
    name = settings.solver
    if name == "auto":
        name = "dual" if settings.objective == "explicit" else "conjugate_gradients"
    return Solver(name, settings.cg_steps)
