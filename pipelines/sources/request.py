"""What a job asks of raw files: which columns of the records, of what kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from pipelines.errors import ConfigError
from pipelines.sources.config import SourceSettings

Kind = Literal["text", "key", "number", "time"]

TYPED = {"time": ("micros", pa.int64()), "number": ("number", pa.float64())}
"""By the kind of a field: what is added to its name for its typed column, and of what type it is.
"""


@dataclass(frozen=True)
class Field:
    """One column that a job wants.

    Args:
        name: Name of the column in the batches.
        path: Name of the source's column; dots lead into nested ones (a name with dots itself comes
            before the nested one).
        kind: `text` and `key` are strings (keys by the rules of `typed.as_key`), `number` and
            `time` are text unless the source has them typed.
        setting: The setting that says the path, for errors.
        is_required: An input in which no record has it is refused.
        zone: Zone of a time that has none.
        is_standard: Whether a time may be read as ISO 8601 or a number since 1970.
    """

    name: str
    path: str
    kind: Kind = "text"
    setting: str = "columns"
    is_required: bool = False
    zone: str = "UTC"
    is_standard: bool = True


@dataclass(frozen=True)
class Request:
    """The columns that a job wants of each record, and how files are read."""

    fields: tuple[Field, ...]
    settings: SourceSettings

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Paths of the fields, each once."""
        return tuple(dict.fromkeys(field.path for field in self.fields))

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of the batches that a job gets.

        `source` and `position` say where a record is; then come the fields as strings; where the
        source has them typed, `<name>_micros` is a time in microseconds since 1970, UTC, and
        `<name>_number` a number. `record` is the raw record and `problem` the rule it broke where
        it was refused; `notes` names what was changed (`names.NOTES`), separated by blanks.
        """
        columns: list[tuple[str, pa.DataType]] = [("source", pa.string()), ("position", pa.int64())]
        for field in self.fields:
            columns.append((field.name, pa.string()))
            if field.kind in TYPED:
                suffix, kind = TYPED[field.kind]
                columns.append((f"{field.name}_{suffix}", kind))
        return pa.schema(
            [*columns, *((name, pa.string()) for name in ("record", "problem", "notes"))]
        )


def own_fields(settings: SourceSettings, contract: Sequence[str]) -> list[Field]:
    """Return the fields of `keep_columns`; a dot in a name becomes an underscore in the column.

    Args:
        settings: `keep_columns` is used.
        contract: Columns that the table has of itself.

    Raises:
        ConfigError: Two columns would have one name.
    """
    names = [path.replace(".", "_") for path in settings.keep_columns]
    taken = {*contract, "record", "problem", "notes", "position"}
    clash = next((name for n, name in enumerate(names) if name in {*taken, *names[:n]}), None)
    if clash is not None:
        raise ConfigError(f"keep_columns: the table has a column {clash!r} already")
    paths = zip(names, settings.keep_columns, strict=True)
    return [Field(name, path, setting="keep_columns", is_required=True) for name, path in paths]


def top_level(columns: Sequence[str], paths: Iterable[str]) -> list[str]:
    """Return the columns to read: each wanted one, or the struct that holds it."""
    heads = (path if path in columns else path.partition(".")[0] for path in paths)
    return list(dict.fromkeys(name for name in heads if name in columns))
