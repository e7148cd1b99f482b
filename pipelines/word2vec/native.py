"""vectormill's own Word2Vec: rounds as ordinary Spark jobs, each beginning from the one before."""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import ConfigError, InputError
from pipelines.training import progress
from pipelines.training.executors import executor_threads, whole_executor
from pipelines.training.rounds import RoundState, Trained
from pipelines.word2vec import packed, shards
from pipelines.word2vec.config import TrainWord2VecConfig
from pipelines.word2vec.plan import Segment, plan_rounds

_MAX_HELD_OUT = 0.05


def train(
    frames: Mapping[str, DataFrame], config: TrainWord2VecConfig, state: RoundState
) -> Trained:
    """Train word vectors by negative sampling (Mikolov et al. 2013).

    Args:
        frames: `sentences` (`sentence_id, token_ids`) and `vocabulary` (`token_id, token, count`).
        config: Settings.
        state: Where rounds are kept, and found by a run that goes on.

    Returns:
        One row per token, and per epoch `held_out_loss`, `learning_rate`, `tokens_per_second`.

    Raises:
        InputError: The vocabulary is too small, sentences have no pair or unknown token ids.
        ConfigError: The vectors grew beyond all bounds.
    """
    size = _vocabulary_size(frames["vocabulary"])
    found = shards.survey(frames["sentences"], vocabulary_size=size)
    _prepare(frames, config, state, found)
    rounds = plan_rounds(
        shards=found.shards,
        epochs=config.max_iter,
        shards_per_round=max(1, config.tokens_per_round * found.shards // found.tokens),
        step_size=config.step_size,
        min_step_size=min(config.min_step_size, config.step_size),
        seed=config.seed,
    )
    threads = config.threads or executor_threads(state.spark)
    measured = _run(config, state, rounds, threads)
    vectors = _vectors(state.read(_name(len(rounds)), shards.SCHEMA), frames["vocabulary"], config)
    return Trained(vectors, _history(measured), _summary(measured, threads, found))


def _vocabulary_size(vocabulary: DataFrame) -> int:
    highest, tokens = vocabulary.agg(F.max("token_id"), F.count(F.lit(1))).collect()[0]
    if tokens <= 1:
        raise InputError(
            f"inputs.vocabulary: {tokens} tokens, and training needs two at least; "
            "lower min_count of tokenize_corpus, or give it more text"
        )
    return int(highest) + 1


def _prepare(
    frames: Mapping[str, DataFrame],
    config: TrainWord2VecConfig,
    state: RoundState,
    found: shards.Survey,
) -> None:
    if state.has("shards"):
        return
    share = min(_MAX_HELD_OUT, max(config.held_out_share, 0.0))
    packed_sentences = shards.pack(
        frames["sentences"], shards=found.shards, held_out_share=share, seed=config.seed
    )
    counts = shards.count_blocks(frames["vocabulary"])
    state.write("shards", packed_sentences.unionByName(counts), by=("kind", "position"))


def _run(
    config: TrainWord2VecConfig, state: RoundState, rounds: list[list[Segment]], threads: int
) -> list[dict[str, float]]:
    """Run the rounds that are still to be run, and return what every segment measured."""
    settings = packed.Settings(
        is_cbow=config.architecture == "cbow", vector_size=config.vector_size,
        window_size=config.window_size, negative=config.negative, sample=config.sample,
        ns_exponent=config.ns_exponent, seed=config.seed, threads=threads,
        step_size=config.step_size,
    )  # fmt: skip
    started, first = time.monotonic(), state.last_round()
    for number, segments in enumerate(rounds[first:], start=first + 1):
        frame = _input(state, number, segments).coalesce(1)
        task = packed.round_task(settings, segments)
        profile = whole_executor(state.spark, threads)
        trained = frame.mapInArrow(task, shards.SCHEMA, profile=profile)
        state.write(_name(number), trained, by=("kind",))
        state.drop(_name(number - 1))
        measured = _measured(state, number)
        _require_finite(measured, config)
        left = (time.monotonic() - started) / (number - first) * (len(rounds) - number)
        progress.report(
            round=f"{number}/{len(rounds)}",
            loss=measured[-1]["held_out_loss"],
            tokens_per_second=_rate(measured),
            learning_rate=measured[-1]["learning_rate"],
            seconds_left=round(left),
        )
    return _measured(state, len(rounds))


def _name(number: int) -> str:
    return f"round={number}"


def _input(state: RoundState, number: int, segments: list[Segment]) -> DataFrame:
    """Return what one round's task reads: its own shards, the counts, the model before it."""
    wanted = sorted({shard for segment in segments for shard in segment.shards})
    prepared = state.read("shards", shards.SCHEMA)
    own = prepared.where((F.col("kind") != "shard") | F.col("position").isin(wanted))
    if number == 1:
        return own
    return own.unionByName(state.read(_name(number - 1), shards.SCHEMA))


def _measured(state: RoundState, number: int) -> list[dict[str, float]]:
    """Return what all segments up to a round measured: one small row."""
    frame = state.read(_name(number), shards.SCHEMA).where(F.col("kind") == "measures")
    rows = frame.select("first").collect()
    found: list[dict[str, float]] = json.loads(bytes(rows[0][0]))
    return found


def _require_finite(measured: list[dict[str, float]], config: TrainWord2VecConfig) -> None:
    if not all(m["is_finite"] for m in measured):
        raise ConfigError(
            f"step_size: {config.step_size:g} is too high: vectors grew beyond all bounds in "
            f"epoch {measured[-1]['epoch']}; lower step_size, or sample where few tokens are most "
            "of the corpus"
        )


def _vectors(model: DataFrame, vocabulary: DataFrame, config: TrainWord2VecConfig) -> DataFrame:
    dimension = config.vector_size

    def unpack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for position, block in zip(batch.column(0).to_pylist(), batch.column(1), strict=True):
                flat = np.frombuffer(block.as_buffer(), np.float32)
                ids = np.arange(flat.size // dimension, dtype=np.int32)
                offsets = np.arange(0, flat.size + 1, dimension, dtype=np.int32)
                lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat))
                yield pa.RecordBatch.from_arrays(
                    [pa.array(ids + position * shards.BLOCK_ROWS), lists],
                    names=["token_id", "vector"],
                )

    blocks = model.where(F.col("kind") == "model").select("position", "first")
    vectors = blocks.mapInArrow(unpack, "token_id int, vector array<float>")
    named = vectors.join(vocabulary.select("token_id", "token"), "token_id", "inner")
    return named.select(F.lit(config.entity).alias("entity"), F.col("token").alias("key"), "vector")


def _history(measured: list[dict[str, float]]) -> list[tuple[int, str, float]]:
    """Return measures per epoch: the last segment's, and the rate over all its segments."""
    rows = []
    for epoch in sorted({int(m["epoch"]) for m in measured}):
        own = [m for m in measured if m["epoch"] == epoch]
        rows += [
            (epoch, "held_out_loss", own[-1]["held_out_loss"]),
            (epoch, "learning_rate", own[-1]["learning_rate"]),
            (epoch, "tokens_per_second", _rate(own)),
        ]
    return [row for row in rows if not math.isnan(row[2])]


def _rate(measured: list[dict[str, float]]) -> float:
    return sum(m["tokens"] for m in measured) / max(1e-9, sum(m["seconds"] for m in measured))


def _summary(
    measured: list[dict[str, float]], threads: int, found: shards.Survey
) -> dict[str, float | int | str]:
    loss = measured[-1]["held_out_loss"]
    summary: dict[str, float | int | str] = {
        "tokens": found.tokens,
        "mode": f"packed: one task, {threads} threads",
        "tokens_per_second": round(_rate(measured)),
    }
    return summary if math.isnan(loss) else summary | {"held_out_loss": loss}
