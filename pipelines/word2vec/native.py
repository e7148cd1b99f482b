"""vectormill's own Word2Vec: each round is a Spark job that begins with the version before it."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster import progress
from pipelines.errors import ConfigError, InputError
from pipelines.storage.task_files.columns import Columns
from pipelines.training.rounds import History, RoundState, Trained
from pipelines.training.stored_arrays import SCHEMA, round_name
from pipelines.word2vec import shards, vectors
from pipelines.word2vec.config import Word2VecSettings
from pipelines.word2vec.modes import training_mode
from pipelines.word2vec.modes.planned_runs import planned_run
from pipelines.word2vec.modes.runs import TrainingRun
from pipelines.word2vec.modes.training_mode import TrainingMode
from pipelines.word2vec.stored_model import SHARDS, part_of


def train(
    frames: Mapping[str, DataFrame],
    settings: Word2VecSettings,
    state: RoundState,
    files: tuple[str, ...] = (),
) -> Trained:
    """Train word vectors by negative sampling (Mikolov et al. 2013).

    Args:
        frames: `sentences` (`sentence_id, token_ids`) and `vocabulary` (`token_id, token, count`);
            `initial_vectors` (`space_id, entity, key, vector`) to begin from, if any.
        settings: How vectors are trained.
        state: Folder of the rounds, from which a killed run goes on.
        files: Parquet files that hold exactly the sentences, where tasks can read them themselves.

    Returns:
        One row per token, and per round epoch, held-out loss, learning rate and tokens per second.

    Raises:
        InputError: The vocabulary is too small, sentences have no pair or unknown token ids, or
            initial vectors are of another dimension.
        ConfigError: The vectors grew beyond all bounds, or the model does not fit an executor.
    """
    size, counted = _vocabulary_size(frames["vocabulary"])
    survey = _prepare(frames, settings, state, size, counted, files)
    is_new = "initial_vectors" not in frames
    mode = _choose(settings, state, size, survey.tokens, is_new=is_new)
    run = planned_run(settings, state, mode, survey, vocabulary_size=size, is_new=is_new)
    if not is_new and not state.last_round() and not state.has(round_name(0)):
        initial = vectors.initial(frames, settings, run.parameters)
        with progress.step("reading initial vectors"):
            state.write(round_name(0), initial)
    number, history = _go_on(run, settings)
    model = state.read(round_name(number), SCHEMA)
    trained = vectors.named(
        model, frames["vocabulary"], settings, run.parameters, run.stretch(number)
    )
    return Trained(trained, _history_rows(history), _summary(history, mode, survey))


def _choose(
    settings: Word2VecSettings, state: RoundState, size: int, tokens: int, *, is_new: bool
) -> TrainingMode:
    """Choose the mode; a run that goes on keeps that of its rounds, and their trainers."""
    begun = state.noted("trainers")
    mode = training_mode.choose_mode(
        state.spark,
        settings,
        vocabulary_size=size,
        tokens=tokens,
        is_new=is_new,
        begun=begun,
    )
    if begun is None:
        state.note("trainers", {"mode": mode.mode, "trainers": mode.trainers})
    return mode


def _vocabulary_size(vocabulary: DataFrame) -> tuple[int, int]:
    """Return how many token ids there are, and how often all tokens occur."""
    highest, tokens, counted = (
        vocabulary.coalesce(1)
        .agg(  # capped: a shuffle would cost more
            F.max("token_id"), F.count(F.lit(1)), F.sum("count")
        )
        .collect()[0]
    )
    if tokens <= 1:
        raise InputError(
            f"inputs.vocabulary: {tokens} tokens, and training needs two at least; "
            "lower min_count of tokenize_corpus, or give it more text"
        )
    return int(highest) + 1, int(counted)


def _prepare(
    frames: Mapping[str, DataFrame],
    settings: Word2VecSettings,
    state: RoundState,
    size: int,
    counted: int,
    files: tuple[str, ...],
) -> shards.SentencesSurvey:
    """Store shards and counts, which every round reads, in one pass; return the survey."""
    known = state.noted("survey")
    if known is None:
        count = shards.shards_of(counted)
        bundles, observed = shards.bundled(
            Columns(frames["sentences"].select("sentence_id", "token_ids"), files),
            shards=count,
            held_out_share=settings.held_out_share,
            seed=settings.seed,
        )
        make = partial(shards.packed, bundles, frames["vocabulary"], size)
        with progress.step("packing sentences"):
            state.write_parts(SHARDS, make, part_of)
        survey = shards.SentencesSurvey(**observed.get, shards=count)
        shards.check(survey, vocabulary_size=size)
        known = asdict(survey)
        state.note("survey", known)
    return shards.SentencesSurvey(**known)


def _go_on(run: TrainingRun, settings: Word2VecSettings) -> tuple[int, History]:
    """Run the rounds that are left; return the number of the last one and all measures."""
    state, total = run.state, len(run.plan)
    number = first = state.last_round()
    history = run.measured(number) if number else []
    _require_finite(history, settings)  # a run that failed here has stored its last round
    started = time.monotonic()
    while number < total and not _is_enough(run, number, history, settings.early_stopping):
        number += 1
        with progress.step(f"round {number} of {total}"):
            make = partial(run.frame, number, history)
            state.write_by_frame(round_name(number), make)
            state.drop(round_name(number - 1))
            history = run.measured(number)
        _require_finite(history, settings)
        left = (time.monotonic() - started) / (number - first) * (total - number)
        progress.report(
            round=f"{number}/{total}",
            loss=_last_loss(history),
            tokens_per_second=_rate(history),
            learning_rate=history[-1]["learning_rate"],
            seconds_left=round(left),
        )
    return number, history


def _is_enough(
    run: TrainingRun, number: int, history: History, early_stopping: float | None
) -> bool:
    """Return whether an epoch ended that lowered the loss by less than `early_stopping`."""
    if early_stopping is None or not run.ends_epoch(number):
        return False
    ends = {m["epoch"]: m["held_out_loss"] for m in history}
    epoch = history[-1]["epoch"]
    return epoch > 1 and ends[epoch] > ends[epoch - 1] * (1 - early_stopping)


def _last_loss(history: History) -> float:
    known = [m["held_out_loss"] for m in history if not math.isnan(m["held_out_loss"])]
    return known[-1] if known else math.nan


def _require_finite(history: History, settings: Word2VecSettings) -> None:
    if not all(m["is_finite"] for m in history):
        raise ConfigError(
            f"step_size: {settings.learning_rate:g} is too high: vectors grew beyond all bounds in "
            f"epoch {history[-1]['epoch']}; lower step_size, or sample where few tokens are most "
            "of the corpus"
        )


def _history_rows(history: History) -> list[tuple[int, str, float]]:
    """Return the measures of all rounds as (round, metric, value)."""
    rows = []
    for number, own in enumerate(history, start=1):
        rows += [
            (number, "epoch", float(own["epoch"])),
            (number, "held_out_loss", own["held_out_loss"]),
            (number, "learning_rate", own["learning_rate"]),
            (number, "tokens_per_second", _rate([own])),
            (number, "seconds", own["seconds"]),
        ]
    return [row for row in rows if not math.isnan(row[2])]


def _rate(history: History) -> float:
    return sum(m["tokens"] for m in history) / max(1e-9, sum(m["seconds"] for m in history))


def _summary(
    history: History, mode: TrainingMode, survey: shards.SentencesSurvey
) -> dict[str, float | int | str]:
    loss = history[-1]["held_out_loss"]
    summary: dict[str, float | int | str] = {
        "tokens": survey.tokens,
        "mode": f"{mode.mode}: {mode.described}",
        "tokens_per_second": round(_rate(history)),
    }
    return summary if math.isnan(loss) else summary | {"held_out_loss": loss}
