"""The formats of raw files: each module reads one, and all have one shape.

A format is a module (or any object) with

- `ENDINGS`: endings of its files' names, as `(".csv", ".tsv")`, without compression;
- `split(split, request) -> list[Split]`: cuts a whole file for several tasks; it may read the
  file, and runs in a task. A compressed file that cannot be cut is returned as it is.
- `columns(split, request) -> list[str]`: the columns that the file's beginning shows, for `peek`
  and for the error where a column that was asked for does not exist;
- `read(split, request) -> Iterator[pa.RecordBatch]`: batches with `_position` (int64) and the
  columns of `request.paths` that the records have, by these names and of any type, nested ones as
  structs or by their dotted path. A record that is refused has `_problem` (a rule of
  `names.PROBLEMS`) and `_record` (its raw text); what was changed is named in `_notes`. These three
  columns may be missing.

Other packages add formats by the entry point group `vectormill.formats`.
"""
