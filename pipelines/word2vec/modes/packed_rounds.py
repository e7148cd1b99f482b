"""Training on one executor: a round is one task that trains with all of its threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from pipelines.training.stored_arrays import json_row, rows
from pipelines.word2vec.plan import Segment
from pipelines.word2vec.shards import model_rows
from pipelines.word2vec.stored_model import StoredModel
from pipelines.word2vec.trainer import Trainer, TrainerParameters, load_model, without_copies


def round_task(
    parameters: TrainerParameters,
    number: int,
    segments: list[Segment],
    history: list[dict[str, float]],
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of one round: one row of any kind in, rows of `stored.SCHEMA` out.

    Args:
        parameters: What trainers know.
        number: Round to train, from 1; it begins from the version before it.
        segments: What it trains.
        history: Measures of the rounds before it, kept with it.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if not sum(batch.num_rows for batch in batches):
            return
        stored = StoredModel(parameters.folder)
        trainer, model = Trainer(stored, parameters), load_model(stored, number - 1, parameters)
        with ThreadPoolExecutor(parameters.threads) as pool:
            trainer.compile(model)
            measured = []
            for segment in segments:
                measured.append(trainer.train(model, segment, pool))
                measured[-1]["held_out_loss"] = trainer.held_out_loss(model)
                measured[-1]["is_finite"] = float(all(np.isfinite(side).all() for side in model))
        yield from rows([json_row("measures", 0, measured)]).to_batches()
        yield from rows([json_row("history", 0, history)]).to_batches()
        for block in model_rows(*without_copies(model, parameters)):
            yield from rows([block]).to_batches()

    return run
