"""The formats of raw files: each module reads one, and all have one shape.

A format is a module (or any object) with

- `ENDINGS`: endings of its files' names, as `(".csv", ".tsv")`, without compression;
- `split(split, request) -> list[Split]`: cuts a whole file for several tasks; it may read the
  file, and runs in a task. A compressed file that cannot be cut is returned as it is.
- `columns(split, request) -> list[str]`: the columns that the file's beginning shows, for `peek`
  and for the error where a column that was asked for does not exist;
- `read(split, request) -> Iterator[pa.RecordBatch]`: batches whose first column is `position`
  (int64), followed by the columns of `request.paths` that the records have, by these names and of
  any type, nested ones as structs or by their dotted path. Then may come `problem`, a rule of
  `names.PROBLEMS`, and `record`, the raw text, of records that are refused, and `notes` of what was
  changed.

Other packages add formats by the entry point group `vectormill.formats`.
"""
