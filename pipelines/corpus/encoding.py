"""Documents to sentences of token ids: as a frame, and as pieces that tasks write themselves."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.sentences import encoded_rows
from pipelines.corpus.tokenizing.tables import Cut, Encoder
from pipelines.storage.task_files.columns import Columns
from pipelines.storage.task_files.pieces import PiecewiseTable
from schemas import SENTENCES, Table

DOCUMENTS_AT_ONCE = 1024
"""Documents of a batch that a task reads."""
PIECE_TOKENS = 1 << 24
"""Tokens after which a task begins a new file."""


def cut_of(settings: TokenizeSettings) -> Cut:
    """Return how texts are cut, as plain values for tasks."""
    longest = settings.max_sentence_length
    return Cut(settings.is_lowercase, settings.number_token, longest, settings.tokenizer)


class SentencePieces(PiecewiseTable):
    """Rows of `sentences`: a piece per task, or several where a task has many tokens.

    Tokens outside the vocabulary fall out, and sentences that lose all of theirs are not stored.
    """

    @staticmethod
    def divide(piece: pa.Table) -> tuple[pa.Table, int]:
        """See `PiecewiseTable`: sentences without a known token are left out."""
        kept = piece.filter(pc.greater(pc.list_value_length(piece["token_ids"]), 0))
        return kept, piece.num_rows - kept.num_rows

    def observed(self, table: Table) -> tuple[DataFrame, Callable[[], int]]:
        """See `PiecewiseTable`.

        Spark takes the count once per task of a job's last stage, however often the task is tried:
        the frame must not be shuffled before it is written.
        """
        observed, is_known = Observation(), F.size("token_ids") > 0
        unknown = F.count(F.when(~is_known, 1)).alias("unknown")
        counted = self.frame(table).observe(observed, unknown)
        return counted.where(is_known), lambda: int(observed.get["unknown"])

    def known(self) -> DataFrame:
        """Return the sentences that hold a known token: `sentence_id, doc_id, token_ids`."""
        return self.frame(SENTENCES).where(F.size("token_ids") > 0)


@dataclass(frozen=True)
class EncodedSentences(SentencePieces):
    """Sentences of a vocabulary of words, encoded when they are written.

    Args:
        documents: `doc_id, text`.
        lexicon: The vocabulary, which encodes texts; it is broadcast.
    """

    documents: Columns
    lexicon: Encoder

    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """See `PiecewiseTable`."""
        context = self.documents.frame.sparkSession.sparkContext
        lexicon = context.broadcast(self.lexicon)

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            rows = (rows for batch in batches for rows in encoded_rows(batch, lexicon.value))
            for piece in in_pieces(rows):
                yield from function(piece).to_batches()

        return self.documents.map_in_arrow(run, schema, rows=DOCUMENTS_AT_ONCE)


def in_pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield batches of sentences as tables of about `PIECE_TOKENS` tokens."""
    held: list[pa.RecordBatch] = []
    tokens = 0
    for rows in batches:
        held.append(rows)
        tokens += len(rows.column("token_ids").values)
        if tokens >= PIECE_TOKENS:
            yield pa.Table.from_batches(held)
            held, tokens = [], 0
    if held:
        yield pa.Table.from_batches(held)
