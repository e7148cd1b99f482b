"""Training on one executor: a round is one task that trains with all of its threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from pipelines.training.rounds import History
from pipelines.training.stored_arrays import rows
from pipelines.word2vec.model import TrainerParameters, load_model, without_copies
from pipelines.word2vec.plan import Segment
from pipelines.word2vec.stored_model import StoredModel, history_row, measures_row, model_rows
from pipelines.word2vec.trainer import Trainer


def round_task(
    parameters: TrainerParameters, number: int, segments: list[Segment], history: History
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task of one round: one row of any kind in, rows of `stored_model` out.

    Args:
        parameters: Parameters of the trainer.
        number: Round to train, from 1; it begins with the version before it.
        segments: The round's segments.
        history: Measures of the rounds before it, stored with it.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if not sum(batch.num_rows for batch in batches):
            return
        stored = StoredModel(parameters.folder)
        trainer, model = Trainer(stored, parameters), load_model(stored, number - 1, parameters)
        with ThreadPoolExecutor(parameters.threads) as pool:
            trainer.compile(model)
            measures = []
            for segment in segments:
                measures.append(trainer.train(model, segment, pool))
                measures[-1]["held_out_loss"] = trainer.held_out_loss(model)
                measures[-1]["is_finite"] = float(all(np.isfinite(side).all() for side in model))
        yield from rows([measures_row(0, measures)]).to_batches()
        yield from rows([history_row(history)]).to_batches()
        for block in model_rows(without_copies(model, parameters)):
            yield from rows([block]).to_batches()

    return run
