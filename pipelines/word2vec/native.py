"""vectormill's own Word2Vec: rounds as ordinary Spark jobs, each beginning from the one before."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.cluster import progress
from pipelines.errors import ConfigError, InputError
from pipelines.training.rounds import History, RoundState, Trained
from pipelines.training.stored_arrays import SCHEMA
from pipelines.word2vec import shards, vectors
from pipelines.word2vec.config import Word2VecSettings
from pipelines.word2vec.modes import training_mode
from pipelines.word2vec.modes.planned_runs import planned_run
from pipelines.word2vec.modes.runs import TrainingRun
from pipelines.word2vec.modes.training_mode import TrainingMode
from pipelines.word2vec.stored_model import SHARDS, version_name


def train(
    frames: Mapping[str, DataFrame], settings: Word2VecSettings, state: RoundState
) -> Trained:
    """Train word vectors by negative sampling (Mikolov et al. 2013).

    Args:
        frames: `sentences` (`sentence_id, token_ids`) and `vocabulary` (`token_id, token, count`);
            `initial_vectors` (`space_id, entity, key, vector`) to begin from, if any.
        settings: How vectors are trained.
        state: Where rounds are kept, and found by a run that goes on.

    Returns:
        One row per token, and per round epoch, held-out loss, learning rate and tokens per second.

    Raises:
        InputError: The vocabulary is too small, sentences have no pair or unknown token ids, or
            initial vectors are of another dimension.
        ConfigError: The vectors grew beyond all bounds, or the model does not fit an executor.
    """
    size, counted = _vocabulary_size(frames["vocabulary"])
    found = _prepare(frames, settings, state, size, counted)
    is_new = "initial_vectors" not in frames
    choice = _choose(settings, state, size, found.tokens, is_new=is_new)
    run = planned_run(settings, state, choice, found, vocabulary_size=size, is_new=is_new)
    if not is_new and not state.last_round() and not state.has(version_name(0)):
        initial = vectors.initial(frames, settings, run.parameters)
        state.write(version_name(0), initial)
    number, measured = _go_on(run, settings)
    model = state.read(version_name(number), SCHEMA)
    trained = vectors.named(
        model, frames["vocabulary"], settings, run.parameters, run.stretch(number)
    )
    return Trained(trained, _history(measured), _summary(measured, choice, found))


def _choose(
    settings: Word2VecSettings, state: RoundState, size: int, tokens: int, *, is_new: bool
) -> TrainingMode:
    """Choose the mode; a run that goes on keeps that of its rounds, and their trainers."""
    begun = state.noted("trainers")
    choice = training_mode.choose_mode(
        state.spark,
        settings,
        vocabulary_size=size,
        tokens=tokens,
        is_new=is_new,
        begun=begun,
    )
    if begun is None:
        state.note("trainers", {"mode": choice.mode, "trainers": choice.trainers})
    return choice


def _vocabulary_size(vocabulary: DataFrame) -> tuple[int, int]:
    """Return how many token ids there are, and how often all tokens occur."""
    highest, tokens, counted = vocabulary.agg(
        F.max("token_id"), F.count(F.lit(1)), F.sum("count")
    ).collect()[0]
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
) -> shards.SentencesSurvey:
    """Keep what every round reads, shards and counts, in one pass; return what was found."""
    known = state.noted("survey")
    if known is None:
        count = shards.shards_of(counted)
        sentences, observed = shards.surveyed(frames["sentences"])
        packed = shards.pack(
            sentences, shards=count, held_out_share=settings.held_out_share, seed=settings.seed
        )
        counts = shards.count_blocks(frames["vocabulary"])
        kept = packed.unionByName(counts).withColumn("file", shards.file_of("position"))
        state.write(SHARDS, kept, by=("kind", "file"))
        found = shards.SentencesSurvey(**observed.get, shards=count)
        shards.check(found, vocabulary_size=size)
        known = asdict(found)
        state.note("survey", known)
    return shards.SentencesSurvey(**known)


def _go_on(run: TrainingRun, settings: Word2VecSettings) -> tuple[int, History]:
    """Run the rounds that are still to be run, and return the last one and all measures."""
    state, total = run.state, len(run.plan)
    number = first = state.last_round()
    measured = run.measured(number) if number else []
    _require_finite(measured, settings)  # a run that failed here kept its last round too
    started = time.monotonic()
    while number < total and not _is_enough(run, number, measured, settings.early_stopping):
        make = partial(run.frame, number + 1, measured)
        state.write_by_frame(version_name(number + 1), make)
        state.drop(version_name(number))
        number += 1
        measured = run.measured(number)
        _require_finite(measured, settings)
        left = (time.monotonic() - started) / (number - first) * (total - number)
        progress.report(
            round=f"{number}/{total}",
            loss=_last_loss(measured),
            tokens_per_second=_rate(measured),
            learning_rate=measured[-1]["learning_rate"],
            seconds_left=round(left),
        )
    return number, measured


def _is_enough(
    run: TrainingRun, number: int, measured: History, early_stopping: float | None
) -> bool:
    """Tell whether an epoch ended that lowered the loss by less than is asked for."""
    if early_stopping is None or not run.ends_epoch(number):
        return False
    ends = {m["epoch"]: m["held_out_loss"] for m in measured}
    epoch = measured[-1]["epoch"]
    return epoch > 1 and ends[epoch] > ends[epoch - 1] * (1 - early_stopping)


def _last_loss(measured: History) -> float:
    known = [m["held_out_loss"] for m in measured if not math.isnan(m["held_out_loss"])]
    return known[-1] if known else math.nan


def _require_finite(measured: History, settings: Word2VecSettings) -> None:
    if not all(m["is_finite"] for m in measured):
        raise ConfigError(
            f"step_size: {settings.learning_rate:g} is too high: vectors grew beyond all bounds in "
            f"epoch {measured[-1]['epoch']}; lower step_size, or sample where few tokens are most "
            "of the corpus"
        )


def _history(measured: History) -> list[tuple[int, str, float]]:
    """Return what was measured, one round after the other."""
    rows = []
    for number, own in enumerate(measured, start=1):
        rows += [
            (number, "epoch", float(own["epoch"])),
            (number, "held_out_loss", own["held_out_loss"]),
            (number, "learning_rate", own["learning_rate"]),
            (number, "tokens_per_second", _rate([own])),
            (number, "seconds", own["seconds"]),
        ]
    return [row for row in rows if not math.isnan(row[2])]


def _rate(measured: History) -> float:
    return sum(m["tokens"] for m in measured) / max(1e-9, sum(m["seconds"] for m in measured))


def _summary(
    measured: History, choice: TrainingMode, found: shards.SentencesSurvey
) -> dict[str, float | int | str]:
    loss = measured[-1]["held_out_loss"]
    summary: dict[str, float | int | str] = {
        "tokens": found.tokens,
        "mode": f"{choice.mode}: {choice.described}",
        "tokens_per_second": round(_rate(measured)),
    }
    return summary if math.isnan(loss) else summary | {"held_out_loss": loss}
