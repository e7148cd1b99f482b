"""Raw files through Spark to a sink by vectormill, new or of before: `... new|old FOLDER KIND`.

It imports nothing of the other benchmarks but the sink, for `pipelines` is that of PYTHONPATH.
"""

import json
import statistics
import sys
import time
from typing import Any

from _spark_sink import rows_of, session, sink
from pyspark.sql import DataFrame, SparkSession


def new(spark: SparkSession, folder: str, what: str) -> DataFrame:
    """Read by today's code: the fields of events, or texts."""
    from pipelines.corpus.cleaning import document_fields
    from pipelines.corpus.config import CleaningSettings
    from pipelines.interactions.config import EventColumns, EventSettings
    from pipelines.interactions.parsing import event_fields
    from pipelines.sources.records import read_records

    if what == "events":
        asked = EventSettings(columns=EventColumns(event_id=None))
        return read_records(spark, folder, event_fields(asked), asked).frame
    settings = CleaningSettings(documents_per="line")
    return read_records(spark, folder, document_fields(settings), settings).frame


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
    """Read four times in one session, and print the median seconds of the last three."""
    name, folder, what = sys.argv[1:]
    spark = session("local[2]")
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        frame = {"new": new, "old": old}[name](spark, folder, what)
        sink(frame)
        seconds.append(time.perf_counter() - started)
    columns = ("user", "item") if what == "events" else ("text",)
    rows, size = rows_of(frame, columns)
    print(json.dumps({"wall": statistics.median(seconds[1:]), "rows": rows, "bytes": size}))


if __name__ == "__main__":
    main()
