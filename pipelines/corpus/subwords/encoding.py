"""Texts to sentences of a subword tokenizer's ids, encoded once and kept on executors' disks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.offsets import offsets_of
from pipelines.corpus.encoding import DOCUMENTS_AT_ONCE, SentencePieces, in_pieces
from pipelines.corpus.subwords.bounds import BOUND_DOCUMENT, BOUND_SENTENCE, bounds_of, sentences_of
from pipelines.corpus.subwords.tokenizer import SubwordTokenizer
from pipelines.corpus.tokenizing.characters import characters
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.sentences import encoded_rows
from pipelines.corpus.tokenizing.tables import COUNT_COLUMNS, COUNTS, Encoded
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.errors import InputError
from pipelines.storage.task_files.columns import Columns

_PART_BYTES = 1 << 20  # bytes of texts that are encoded before their ids become a batch
_SENTENCES = 4096  # sentences that the package encodes at once
_STORED = "sentences binary"  # batches as Arrow's stream format


class SubwordEncoder:
    """Encodes texts by a tokenizer.

    Args:
        tokenizer: The tokenizer.
        longest: Most tokens of a sentence; a longer one is cut into pieces.
    """

    def __init__(self, tokenizer: SubwordTokenizer, longest: int) -> None:
        self._tokenizer, self._longest = tokenizer, longest

    def encode(self, texts: Texts) -> Iterator[tuple[Texts, Encoded]]:
        """Yield parts of texts with their sentences as the tokenizer's ids, unknown included."""
        chars = characters(False, "words").arrays
        for first, stop in texts.bounds(_PART_BYTES):
            part = Texts(texts.data, texts.offsets[first : stop + 1])
            bounds = bounds_of(part, chars)
            ids, lengths = self._ids(sentences_of(part, bounds))
            yield part, Encoded(ids, _rows(bounds, lengths, self._longest))

    def _ids(self, sentences: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the ids of sentences end to end, and how many each has."""
        found, lengths = [np.empty(0, np.int32)], []
        for first in range(0, len(sentences), _SENTENCES):
            encoded = self._tokenizer.loaded.encode_batch_fast(
                sentences[first : first + _SENTENCES], add_special_tokens=False
            )
            ids = [one.ids for one in encoded]
            lengths += [len(own) for own in ids]
            found.append(np.fromiter(chain.from_iterable(ids), np.int32))
        return np.concatenate(found), np.array(lengths, np.int64)


def _rows(bounds: NDArray[np.int64], lengths: NDArray[np.int64], longest: int) -> NDArray[np.int32]:
    """Return the rows of `Encoded`: sentences in pieces of at most `longest` tokens."""
    pieces = -(-lengths // longest)
    of_sentence = np.repeat(np.arange(len(lengths)), pieces)
    piece = np.arange(len(of_sentence)) - offsets_of(pieces)[of_sentence]
    inside = np.minimum((piece + 1) * longest, lengths[of_sentence])
    ends = offsets_of(lengths)[of_sentence] + inside
    documents, sentences = bounds[of_sentence, BOUND_DOCUMENT], bounds[of_sentence, BOUND_SENTENCE]
    return np.column_stack([documents, sentences, piece, ends]).astype(np.int32)


@dataclass(frozen=True)
class SubwordTexts:
    """Documents as sentences of a tokenizer's ids.

    Args:
        frame: `sentences`, each row a batch of `sentence_id, doc_id, token_ids`; a document is in
            one row. It is persisted.
        tokenizer: The tokenizer.
    """

    frame: DataFrame
    tokenizer: SubwordTokenizer

    @classmethod
    def of(
        cls, documents: Columns, tokenizer: SubwordTokenizer, settings: TokenizeSettings
    ) -> "SubwordTexts":
        """Encode documents: `doc_id, text`; the caller unpersists the frame."""
        encoder = SubwordEncoder(tokenizer, settings.max_sentence_length)
        context = documents.frame.sparkSession.sparkContext
        sent = context.broadcast(encoder)

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for rows in encoded_rows(batch, sent.value):
                    yield pa.RecordBatch.from_pydict({"sentences": [_stored(rows)]})

        frame = documents.map_in_arrow(run, _STORED, rows=DOCUMENTS_AT_ONCE)
        return cls(frame.persist(StorageLevel.DISK_ONLY), tokenizer)

    def counts(self) -> DataFrame:
        """Return `token, count, document_count` as `tokens.count_tokens` does, of all tokens."""
        count = partial(_count, tokens=self.tokenizer.tokens)
        sums = (F.sum(name).alias(name) for name in COUNT_COLUMNS[1:])
        return self.frame.mapInArrow(count, COUNTS).groupBy("token").agg(*sums)

    def numbered(self, vocabulary: pa.Table) -> pa.Table:
        """Return a vocabulary by the tokenizer's ids."""
        known = {token: number for number, token in enumerate(self.tokenizer.tokens)}
        ids = [known[token] for token in vocabulary["token"].to_pylist()]
        return vocabulary.set_column(0, "token_id", pa.array(ids, pa.int32())).sort_by("token_id")

    def sentences(self, vocabulary: pa.Table) -> "SubwordSentences":
        """Return the sentences of the tokens that a vocabulary has."""
        is_kept = np.zeros(len(self.tokenizer.tokens), np.bool_)
        is_kept[vocabulary["token_id"].to_numpy()] = True
        return SubwordSentences(self.frame, is_kept)


def require_own_ids(vocabulary: pa.Table, tokenizer: SubwordTokenizer) -> None:
    """Refuse a vocabulary whose ids are not the tokenizer's.

    Raises:
        InputError: They are not; the first such token is in the message.
    """
    known = tokenizer.tokens
    for number, token in zip(*(vocabulary[n].to_pylist() for n in ("token_id", "token"))):  # noqa: B905
        if number >= len(known) or known[number] != token:
            raise InputError(
                f"inputs.vocabulary has {token!r} as token {number}, inputs.tokenizer_file does "
                "not; name the tokenizer.json of the run that wrote the vocabulary"
            )


@dataclass(frozen=True)
class SubwordSentences(SentencePieces):
    """Rows of `sentences`: those encoded, without the tokens that are not kept.

    Args:
        texts: What `SubwordTexts.frame` holds.
        is_kept: By id whether the token is kept.
    """

    texts: DataFrame
    is_kept: NDArray[np.bool_]

    def map_pieces(self, function: Callable[[pa.Table], pa.Table], schema: str) -> DataFrame:
        """See `PiecewiseTable`."""
        sent = self.texts.sparkSession.sparkContext.broadcast(self.is_kept)

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            kept = (_kept(rows, sent.value) for rows in _batches(batches))
            for piece in in_pieces(kept):
                yield from function(piece).to_batches()

        return self.texts.mapInArrow(run, schema)


def _kept(rows: pa.RecordBatch, is_kept: NDArray[np.bool_]) -> pa.RecordBatch:
    """Return sentences without the tokens that are not kept."""
    ids, bounds = _flat(rows)
    stays = is_kept[ids]
    lists = pa.ListArray.from_arrays(
        pa.array(offsets_of(stays)[bounds].astype(np.int32)), pa.array(ids[stays])
    )
    names = rows.schema.names
    return pa.RecordBatch.from_arrays([rows.column(0), rows.column(1), lists], names=names)


def _count(batches: Iterable[pa.RecordBatch], tokens: list[str | None]) -> Iterator[pa.RecordBatch]:
    """Yield the counts of all tokens that occur; where the token is null, of sentences."""
    size = len(tokens)
    counts, holding, sentences = np.zeros(size, np.int64), np.zeros(size, np.int64), 0
    for rows in _batches(batches):
        ids, bounds = _flat(rows)
        documents = rows.column("doc_id").dictionary_encode().indices.to_numpy()
        own = np.repeat(documents, np.diff(bounds)).astype(np.int64)
        counts += np.bincount(ids, minlength=size)
        holding += np.bincount(np.unique(own * size + ids) % size, minlength=size)
        sentences += rows.num_rows
    found = np.flatnonzero(counts)
    names = [*(tokens[number] for number in found), None]
    columns = [np.append(counts[found], sentences), np.append(holding[found], 0)]
    yield pa.RecordBatch.from_arrays(
        [pa.array(names, pa.string()), *map(pa.array, columns)], names=COUNT_COLUMNS
    )


def _flat(rows: pa.RecordBatch) -> tuple[Any, Any]:
    """Return the ids of a batch end to end, and where each sentence begins and the last ends."""
    lists = rows.column("token_ids")
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return lists.flatten().to_numpy(zero_copy_only=False), offsets_of(lengths.astype(np.int64))


def _stored(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
    ) as writer:
        writer.write_batch(rows)
    return bytes(sink.getvalue())


def _batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the stored batches."""
    for batch in batches:
        for stored in batch.column(0):
            with pa.ipc.open_stream(stored.as_buffer()) as reader:
                yield from reader
