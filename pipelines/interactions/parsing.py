"""Raw records to the fields of events, and what to say where a field is nowhere to be found."""

import difflib

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.interactions.config import EventColumns

FIELDS = tuple(EventColumns.model_fields)
_REQUIRED = ("user", "item", "time")
_SAMPLE_RECORDS = 1000
_SHOWN_FIELDS = 30


def require_records(kind: str) -> None:
    """Refuse plain text, which has no fields.

    Raises:
        InputError: The input's files are text.
    """
    if kind == "text":
        raise InputError(
            "inputs.events: text files have no fields; give jsonl, csv or parquet, or say which "
            "of them the files are with file_format"
        )


def parse_events(records: DataFrame, columns: EventColumns) -> DataFrame:
    """Take the fields of events out of raw records, as text; a record is never dropped.

    Args:
        records: Frame of `source, position, record, problem`, the record a JSON object.
        columns: Names of the fields.

    Returns:
        One row per record: its columns, `is_object`, and each name of `columns` as text or null.
    """
    # inside brackets a second object or rubbish after the first is an error, not ignored
    parsed = F.from_json(F.concat(F.lit("["), "record", F.lit("]")), "array<map<string,string>>")
    only = F.when(F.size("_parsed") == 1, F.try_element_at("_parsed", F.lit(1)))
    names = columns.model_dump()
    fields = {
        field: F.try_element_at("_fields", F.lit(name)) if name else F.lit(None).cast("string")
        for field, name in names.items()
    }
    return (
        records.withColumn("_parsed", F.when(_ends_an_object(), parsed))
        .withColumn("_fields", only)
        .withColumns({"is_object": F.col("_fields").isNotNull(), **fields})
        .drop("_parsed", "_fields")
    )


def _ends_an_object() -> Column:
    return F.rtrim("record", F.lit(" \t\r\n")).endswith("}")


def count_fields(parsed: DataFrame) -> dict[str, int]:
    """Count the `records`, those that are `objects`, and those that have each field."""
    counts = [F.count(field).alias(field) for field in FIELDS]
    objects = F.count_if("is_object").alias("objects")
    counted = parsed.agg(F.count(F.lit(1)).alias("records"), objects, *counts)
    return {name: int(count) for name, count in counted.collect()[0].asDict().items()}


def require_fields(parsed: DataFrame, columns: EventColumns, counts: dict[str, int]) -> None:
    """Refuse records none of which has a field that the configuration names.

    An optional field may be missing where its name is the default one.

    Raises:
        InputError: The key of the mapping, and the fields that the records do have.
    """
    if counts["records"] == 0:
        return
    if counts["objects"] == 0:
        raise InputError(
            f"inputs.events: none of {counts['records']:,} records is a JSON object on a line of "
            "its own; check file_format, and write a JSON array as one object per line"
        )
    for field in FIELDS:
        name = getattr(columns, field)
        is_expected = field in _REQUIRED or name != EventColumns.model_fields[field].default
        if name is not None and is_expected and counts[field] == 0:
            raise InputError(_no_field(field, name, _field_names(parsed)))


def _no_field(field: str, name: str, found: list[str]) -> str:
    near = difflib.get_close_matches(name.lower(), [other.lower() for other in found], n=1)
    guess = next((other for other in found if near and other.lower() == near[0]), None)
    shown = ", ".join(found[:_SHOWN_FIELDS]) or "no field with a value"
    hint = f"did you mean {guess!r}? " if guess else ""
    return (
        f"inputs.events: no record has a field {name!r} (columns.{field}); the records have: "
        f"{shown}. {hint}Name the right one with --set columns.{field}={guess or '…'}"
    )


def _field_names(parsed: DataFrame) -> list[str]:
    """Return the fields of the first records, in the order they are met."""
    fields = F.map_keys(F.from_json("record", "map<string,string>"))
    rows = parsed.where("is_object").select(fields).limit(_SAMPLE_RECORDS).collect()  # a sample
    return list(dict.fromkeys(name for row in rows for name in row[0]))
