"""Candidates of the search: their fits, and the task that fits them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa
from threadpoolctl import threadpool_limits

from pipelines.als.cells.blocks import InteractionsSurvey
from pipelines.als.cells.survey import counts_by_side
from pipelines.als.config import AlsSettings
from pipelines.als.fit import Fit
from pipelines.als.layouts import packed_fit
from pipelines.als.objective import Objective
from pipelines.als.planned_fit import planned_fit
from pipelines.als.stored_fit import StoredFit
from pipelines.als.tuning.config import TuningSettings
from pipelines.training.rounds import History, RoundState

SCHEMA = "number int, iteration int, recall double, ndcg double, loss double, seconds double"
_METRICS = ("recall", "ndcg")


@dataclass(frozen=True)
class Candidate:
    """The settings of one fit, and its number from 1."""

    trial: int
    rank: int
    reg_param: float
    unobserved_weight: float


def shared_settings(settings: TuningSettings) -> AlsSettings:
    """Return the settings that all candidates share."""
    return AlsSettings(
        objective="ials",
        seed=settings.seed,
        max_iter=settings.max_iter,
        solver=settings.solver,
        cg_steps=settings.cg_steps,
        evaluation_split=settings.evaluation_split,
        evaluation_k=settings.k,
    )


def candidate_fits(
    candidates: list[Candidate],
    settings: TuningSettings,
    state: RoundState,
    survey: InteractionsSurvey,
) -> list[Fit]:
    """Return the fits of candidates of one rank."""
    counts, _ = counts_by_side(StoredFit(state.folder))
    shared = planned_fit(shared_settings(settings), state.folder, survey, counts, threads=1)
    return [replace(shared, rank=one.rank, objective=_objective(shared, one)) for one in candidates]


def _objective(shared: Fit, candidate: Candidate) -> Objective:
    return replace(
        shared.objective,
        reg_param=candidate.reg_param,
        unobserved_weight=candidate.unobserved_weight,
    )


def candidate_task(
    fits: list[Fit], settings: TuningSettings
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task that fits candidates: it takes their indices and yields a row per sweep."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield _rows(number, _fit(fits[number], settings), settings.k)

    return run


def _rows(number: int, history: History, k: int) -> pa.RecordBatch:
    """Return the measures of a candidate, a row per sweep."""
    content: dict[str, list[float]] = {
        "number": [number] * len(history),
        "iteration": list(range(1, len(history) + 1)),
        **{name: [m[f"{name}_at_{k}"] for m in history] for name in _METRICS},
        **{name: [m[name] for m in history] for name in ("loss", "seconds")},
    }
    kinds = (pa.int32(), pa.int32(), *[pa.float64()] * 4)
    columns = [pa.array(v, kind) for v, kind in zip(content.values(), kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=list(content))


def _fit(fit: Fit, settings: TuningSettings) -> History:
    """Sweep until `metric` has not improved for `patience` sweeps, or `max_iter` is reached."""
    with threadpool_limits(1), ThreadPoolExecutor(1) as pool:
        users, items = packed_fit.load(fit, "none")
        held_out = packed_fit.load_held_out(fit)
        history: History = []
        name = f"{settings.metric}_at_{settings.k}"
        while not fit.is_enough([m["loss"] for m in history]):
            history = packed_fit.sweeps(users, items, history, pool, 0, held_out)
            best = max(range(len(history)), key=lambda n: history[n][name])
            if len(history) - 1 - best >= settings.patience:
                break
        return history
