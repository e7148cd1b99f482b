"""Records of Spark's own frames: the columns that a job asked for, typed as those of raw files."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DataType, StructType

from pipelines.sources.columns import require_in
from pipelines.sources.config import SourceSettings
from pipelines.sources.request import Field, Request, top_level
from pipelines.sources.split import Split
from pipelines.sources.values.completing import completed


def frame_records(frame: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """Return the rows of any frame as records of the columns that are asked for.

    Returns:
        Frame of `Request.schema`; the position is the row's place in the frame as it is
        partitioned now.

    Raises:
        InputError: The frame lacks a required column.
    """
    request = Request(tuple(fields), SourceSettings())
    require_in("the frame", column_paths(frame.schema), fields)
    return complete_frame(
        frame, request, source=F.lit("frame"), position=F.monotonically_increasing_id()
    )


def complete_frame(
    frame: DataFrame, request: Request, *, source: Column, position: Column
) -> DataFrame:
    """Return a frame's rows with the columns of `request.schema`."""
    names = top_level(frame.columns, request.paths)
    given = frame.select(position.alias("position"), *map(_quoted, names), source.alias("_source"))
    place = Split("frame", "frame", 0)

    def complete(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            whole = completed(batch, place, request)
            yield whole.set_column(0, whole.schema.field(0), batch.column(len(names) + 1))

    return given.mapInArrow(complete, from_arrow_schema(request.schema))


def column_paths(schema: StructType) -> list[str]:
    """Return the columns of a schema, those inside structs by dotted paths, and the structs."""
    return [path for field in schema for path in _paths(field.name, field.dataType)]


def _paths(name: str, kind: DataType) -> list[str]:
    if not isinstance(kind, StructType):
        return [name]
    inner = [path for child in kind for path in _paths(f"{name}.{child.name}", child.dataType)]
    return [name, *inner]


def _quoted(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")
