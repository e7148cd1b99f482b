"""What a format yields, completed to the batches that a job asked for."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.names import BROKEN_FILE
from pipelines.sources.request import TYPED, Field, Request
from pipelines.sources.split import Split
from pipelines.sources.values.constants import repeated
from pipelines.sources.values.typed import Typed, typed


def completed(batch: pa.RecordBatch, split: Split, request: Request) -> pa.RecordBatch:
    """Return a batch of a format with the columns of `request.schema`.

    A row that a column refuses keeps the first problem, and its values as `record`.
    """
    columns = {"position": batch.column(0), "source": repeated(split.relative, len(batch))}
    found = {field: typed(_column(batch, field, split), field) for field in request.fields}
    for field, column in found.items():
        columns[field.name] = column.text
        if field.kind in TYPED:
            suffix, kind = TYPED[field.kind]
            value = repeated(None, len(batch), kind) if column.value is None else column.value
            columns[f"{field.name}_{suffix}"] = value
    given = {name: _given(batch, name, request.paths) for name in ("problem", "record", "notes")}
    columns["problem"] = _problems(given["problem"], found)
    columns["record"] = _records(batch, given["record"], columns["problem"])
    columns["notes"] = _notes(given["notes"], found)
    arrays = [columns[name].cast(kind) for name, kind in _types(request)]
    return pa.RecordBatch.from_arrays(arrays, schema=request.schema)


def broken(split: Split, request: Request, error: Exception) -> pa.RecordBatch:
    """Return the one record that stands for a file which broke off: its size and the error."""
    values = {
        "source": split.relative,
        "position": split.size,
        "record": str(error),
        "problem": BROKEN_FILE,
    }
    return pa.RecordBatch.from_pylist([values], schema=request.schema)


def _types(request: Request) -> Iterator[tuple[str, pa.DataType]]:
    return ((field.name, field.type) for field in request.schema)


def _column(batch: pa.RecordBatch, wanted: Field, split: Split) -> pa.Array:
    """Return the folders' value of a column, else the file's, by its name or its way."""
    path = wanted.path
    if path in split.partitions:
        return repeated(split.partitions[path], len(batch))
    names = batch.schema.names
    if path in names[1:]:
        return batch.column(names.index(path, 1))
    name, _, rest = path.partition(".")
    if rest and name in names and pa.types.is_struct(batch[name].type):
        return _nested(batch[name], rest)
    return repeated(None, len(batch))


def _nested(array: pa.Array, path: str) -> pa.Array:
    names = [field.name for field in array.type]
    if path in names:
        return pc.struct_field(array, path)
    name, _, rest = path.partition(".")
    if rest and name in names and pa.types.is_struct(array.type.field(name).type):
        return _nested(pc.struct_field(array, name), rest)
    return repeated(None, len(array))


def _given(batch: pa.RecordBatch, name: str, paths: tuple[str, ...]) -> pa.Array:
    """Return what a format says of its records; of two columns of a name, the last is its own."""
    places = [at for at, found in enumerate(batch.schema.names) if found == name]
    if len(places) > (name in paths):
        return batch.column(places[-1])
    return repeated(None, len(batch))


def _problems(problem: pa.Array, found: dict[Field, Typed]) -> pa.Array:
    for column in found.values():
        for name, rows in column.problems.items():
            problem = pc.coalesce(problem, pc.if_else(rows, name, None))
    return problem


def _notes(notes: pa.Array, found: dict[Field, Typed]) -> pa.Array:
    for column in found.values():
        for name, rows in column.notes.items():
            if pc.any(rows).as_py():
                more = pc.if_else(rows, name, None)
                both = pc.binary_join_element_wise(notes, more, " ")
                notes = pc.coalesce(both, notes, more)
    return notes


def _records(batch: pa.RecordBatch, record: pa.Array, problem: pa.Array) -> pa.Array:
    """Return the raw records of refused rows; those that a column refused are shown as a whole."""
    lacks = pc.and_(problem.is_valid(), record.is_null())
    if not pc.any(lacks).as_py():
        return record
    rows = pc.indices_nonzero(lacks).to_pylist()
    shown = {row: str(batch.slice(row, 1).to_pylist()[0]) for row in rows}
    return pc.coalesce(record, pa.array([shown.get(n) for n in range(len(batch))], pa.string()))
