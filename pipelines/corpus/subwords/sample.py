"""A sample of documents that is the same whatever their order and partitions."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from pipelines.corpus.encoding import DOCUMENTS_AT_ONCE
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.kernels.xxhash64 import hashes_of_texts
from pipelines.storage.task_files.columns import Columns

_PARTS = 8  # of the sample; a document gives one at most
_HASHES = 1 << 64


def sample_texts(documents: Columns, *, size: int, seed: int) -> list[str]:
    """Return texts of about `size` bytes in all, chosen and ordered by a hash of their ids.

    A document is in the sample where its hash is below a threshold, which is `size` divided by the
    bytes of all documents. Of a document an eighth of `size` counts at most, and its beginning is
    taken: so the tasks send the driver about `size` bytes, with a standard deviation of a third of
    it at most; the driver keeps texts in the order of their hashes until they have `size` bytes.

    Args:
        documents: `doc_id, text`.
        size: Bytes of UTF-8.
        seed: Seed of the hash.
    """
    most = max(1, size // _PARTS)
    of_all = documents.select("text").map_in_arrow(
        partial(_sizes, most=most), "size bigint", rows=DOCUMENTS_AT_ONCE
    )
    total = int(of_all.agg(F.sum("size")).collect()[0][0] or 0)
    if total == 0:
        return []
    threshold = min(_HASHES - 1, _HASHES * size // total)
    choose = partial(_chosen, threshold=threshold, most=most, seed=seed)
    schema = "hash bigint, doc_id string, text string"
    found = documents.map_in_arrow(choose, schema, rows=DOCUMENTS_AT_ONCE).toArrow()
    in_order = found.sort_by([("hash", "ascending"), ("doc_id", "ascending")])["text"]
    ends = np.cumsum(pc.binary_length(in_order).to_numpy())
    return list(in_order.slice(0, int(np.searchsorted(ends, size)) + 1).to_pylist())


def _sizes(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.RecordBatch]:
    total = 0
    for batch in batches:
        sizes = np.diff(Texts.of(batch.column("text")).offsets)
        total += int(np.minimum(sizes, most).sum())
    yield pa.RecordBatch.from_pydict({"size": pa.array([total], pa.int64())})


def _chosen(
    batches: Iterable[pa.RecordBatch], threshold: int, most: int, seed: int
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        ids = Texts.of(batch.column("doc_id"))
        hashes: Any = hashes_of_texts(ids.data, ids.offsets, np.uint64(seed))
        chosen = batch.filter(pa.array(hashes <= np.uint64(threshold)))
        texts = [_beginning(text or "", most) for text in chosen.column("text").to_pylist()]
        own = {
            "hash": pa.array(hashes[hashes <= np.uint64(threshold)].view(np.int64)),
            "doc_id": chosen.column("doc_id"),
            "text": pa.array(texts, pa.string()),
        }
        yield pa.RecordBatch.from_pydict(own)


def _beginning(text: str, most: int) -> str:
    """Return as much of a text as has so many bytes in UTF-8."""
    if len(text) * 4 <= most:
        return text
    return text.encode()[:most].decode(errors="ignore")
