"""Raw files through Spark to a sink by vectormill: `... new|taken|old FOLDER KIND`.

`new` and `old`, which is of before, bring the rows into the JVM; `taken` is today's code with a
step of the reading tasks as the sink, as the jobs have one.

It imports nothing of the other benchmarks but the sink and the clock: `pipelines` is PYTHONPATH's.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from _processor import processor_seconds
from _spark_sink import rows_of, session, sink
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StructType

COUNTED = {"events": ("user", "item"), "documents": ("text",)}


@dataclass(frozen=True)
class Counting:
    """Counts rows, and bytes of columns, of each batch."""

    columns: tuple[str, ...]
    spark_schema = StructType().add("rows", LongType()).add("bytes", LongType())

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a row for each batch."""
        for batch in batches:
            sizes = [pc.sum(pc.binary_length(batch[name])).as_py() or 0 for name in self.columns]
            yield pa.record_batch({"rows": [len(batch)], "bytes": [sum(sizes)]})


def new(spark: SparkSession, folder: str, what: str) -> DataFrame:
    """Read by today's code: the fields of events, or texts."""
    return _read(spark, folder, what, None)


def taken(spark: SparkSession, folder: str, what: str) -> DataFrame:
    """Read by today's code, to a step of the reading tasks that counts."""
    return _read(spark, folder, what, Counting(COUNTED[what]))


def _read(spark: SparkSession, folder: str, what: str, step: Any) -> DataFrame:
    from pipelines.corpus.cleaning import document_fields
    from pipelines.corpus.config import CleaningSettings
    from pipelines.interactions.config import EventColumns, EventSettings
    from pipelines.interactions.parsing import event_fields
    from pipelines.sources.records import read_records

    if what == "events":
        asked = EventSettings(columns=EventColumns(event_id=None))
        return read_records(spark, folder, event_fields(asked), asked, step).frame
    settings = CleaningSettings(documents_per="line")
    return read_records(spark, folder, document_fields(settings), settings, step).frame


def old(spark: SparkSession, folder: str, what: str) -> DataFrame:
    """Read by the code of before, and parse as its jobs did."""
    from pipelines.corpus.cleaning import parse_documents
    from pipelines.interactions.config import EventColumns
    from pipelines.interactions.parsing import parse_events
    from pipelines.sources.records import read_records

    read: Any = read_records
    records, kind, _ = read(spark, folder, file_format=None, bad_files="fail")
    if what == "events":
        return parse_events(records, EventColumns(event_id=None))
    parse: Any = parse_documents
    return parse(records, is_text=kind == "text", text_column="text", id_column=None)


def main() -> None:
    """Read four times in one session, and print the median seconds of the last three.

    `cpu` are those of the driver, the JVM and the Python workers.
    """
    name, folder, what = sys.argv[1:]
    spark = session("local[2]")
    seconds, processors = [], []
    for _ in range(4):
        started, before = time.perf_counter(), processor_seconds()
        frame = {"new": new, "taken": taken, "old": old}[name](spark, folder, what)
        sink(frame)
        seconds.append(time.perf_counter() - started)
        processors.append(processor_seconds() - before)
    if name == "taken":
        rows, size = frame.groupBy().sum("rows", "bytes").collect()[0]
    else:
        rows, size = rows_of(frame, COUNTED[what])
    found = {"wall": statistics.median(seconds[1:]), "cpu": statistics.median(processors[1:])}
    print(json.dumps(found | {"rows": rows, "bytes": size}))


if __name__ == "__main__":
    main()
