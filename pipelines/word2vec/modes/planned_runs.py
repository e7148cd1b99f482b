"""The run of the chosen mode: parameters of its trainers, and the plan of its rounds."""

from dataclasses import replace

from pipelines.training.rounds import RoundState
from pipelines.word2vec.config import Word2VecSettings
from pipelines.word2vec.kernels.arguments import LearningRates
from pipelines.word2vec.model import TrainerParameters
from pipelines.word2vec.modes.runs import (
    PackedTraining,
    ReplicatedTraining,
    RotatedTraining,
    TrainingRun,
)
from pipelines.word2vec.modes.training_mode import TrainingMode
from pipelines.word2vec.plan import plan_packed, plan_replicated, plan_rotated
from pipelines.word2vec.shards import SentencesSurvey

_ROUNDS_PER_EPOCH = 16  # mean of mode replicated, unless `rounds` is set: docs/decisions/0007
_MANY_TRAINERS = 16  # more trainers than this have twice as many rounds: docs/decisions/0007
_CYCLES_PER_EPOCH = 4  # of mode rotated, unless `rounds` is set: docs/decisions/0008


def planned_run(
    settings: Word2VecSettings,
    state: RoundState,
    mode: TrainingMode,
    survey: SentencesSurvey,
    *,
    vocabulary_size: int,
    is_new: bool,
) -> TrainingRun:
    """Return the run of the chosen mode.

    Args:
        settings: How vectors are trained.
        state: Where rounds are kept.
        mode: The mode, with its trainers, threads and tasks.
        survey: What the sentences hold.
        vocabulary_size: Token ids.
        is_new: Whether the model begins at random, not from earlier vectors.
    """
    parameters = trainer_parameters(
        settings, state.folder, mode.threads, survey.shards, vocabulary_size
    )
    first = settings.learning_rate
    rates = LearningRates(first, min(settings.min_step_size, first))
    if mode.mode == "packed":
        return _packed(settings, state, parameters, survey, rates)
    if mode.mode == "rotated":
        return _rotated(settings, state, parameters, mode, rates)
    per_epoch = _ROUNDS_PER_EPOCH * (2 if mode.trainers > _MANY_TRAINERS else 1)
    plan = plan_replicated(
        epochs=settings.max_iter,
        rounds=settings.rounds or per_epoch * settings.max_iter,
        learning_rates=rates,
        is_new=is_new,
    )
    return ReplicatedTraining(state, parameters, plan, mode.trainers, mode.tasks)


def trainer_parameters(
    settings: Word2VecSettings, folder: str, threads: int, shards: int, vocabulary_size: int
) -> TrainerParameters:
    """Return the parameters of a trainer's task."""
    return TrainerParameters(
        folder=folder,
        vocabulary_size=vocabulary_size,
        shards=shards,
        is_cbow=settings.architecture == "cbow",
        vector_size=settings.vector_size,
        window_size=settings.window_size,
        negative=settings.negative,
        sample=settings.sample,
        ns_exponent=settings.ns_exponent,
        seed=settings.seed,
        threads=threads,
        learning_rate=settings.learning_rate,
    )


def _packed(
    settings: Word2VecSettings,
    state: RoundState,
    parameters: TrainerParameters,
    survey: SentencesSurvey,
    rates: LearningRates,
) -> PackedTraining:
    # of equal size: a small last round would cost as much beside its training as a large one
    rounds = max(1, round(survey.tokens * settings.max_iter / settings.tokens_per_round))
    plan = plan_packed(
        shards=survey.shards,
        epochs=settings.max_iter,
        shards_per_round=-(-survey.shards * settings.max_iter // rounds),
        learning_rates=rates,
        seed=settings.seed,
        is_cut_at_epochs=settings.early_stopping is not None,
    )
    return PackedTraining(state, parameters, plan)


def _rotated(
    settings: Word2VecSettings,
    state: RoundState,
    parameters: TrainerParameters,
    mode: TrainingMode,
    rates: LearningRates,
) -> RotatedTraining:
    plan = plan_rotated(
        epochs=settings.max_iter,
        cycles=settings.rounds or _CYCLES_PER_EPOCH * settings.max_iter,
        classes=mode.trainers,
        learning_rates=rates,
        seed=settings.seed,
    )
    parameters = replace(parameters, classes=mode.trainers)
    return RotatedTraining(state, parameters, plan, mode.tasks)
