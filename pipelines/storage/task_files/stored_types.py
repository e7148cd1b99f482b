"""A contract's columns as the types of files that Python tasks write."""

from collections.abc import Collection

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType, TimestampNTZType, TimestampType

from schemas import Table

_MOMENT = pa.timestamp("us", tz="UTC")
_ROW_METADATA = "org.apache.spark.sql.parquet.row.metadata"  # Spark's own: columns and comments


def stored_schema(table: Table, without: Collection[str] = ()) -> pa.Schema:
    """Return the schema of a table's files, without the columns that are in their paths."""
    schema = StructType([field for field in table.schema() if field.name not in without])
    # versions of Spark differ in how they are told the zone of moments, which is UTC on storage
    moments = {field.name for field in schema if field.dataType == TimestampType()}
    fields = [
        StructField(f.name, TimestampNTZType(), f.nullable, f.metadata) if f.name in moments else f
        for f in schema
    ]
    stored = to_arrow_schema(StructType(fields))
    for place, name in enumerate(stored.names):
        if name in moments:
            stored = stored.set(place, stored.field(place).with_type(_MOMENT))
    return stored.with_metadata({_ROW_METADATA: schema.json()})


def string_paths(field: pa.Field, path: str) -> list[str]:
    """Return the Parquet paths of the string columns in a field, to be dictionary-encoded.

    Strings repeat. For numbers a dictionary saves no space and takes most of the time of a write.
    """
    if pa.types.is_struct(field.type):
        return [
            name for child in field.type for name in string_paths(child, f"{path}.{child.name}")
        ]
    if pa.types.is_list(field.type):
        return string_paths(field.type.value_field, f"{path}.list.element")
    is_text = pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)
    return [path] if is_text else []


def as_stored(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast a piece to the contract's types; dictionary-encoded strings stay so."""
    chosen = piece.select(schema.names)
    types = [
        _stored_type(field.type, actual.type)
        for field, actual in zip(schema, chosen.schema, strict=True)
    ]
    fields = [field.with_type(stored) for field, stored in zip(schema, types, strict=True)]
    return chosen.cast(pa.schema(fields, schema.metadata))


def _stored_type(wanted: pa.DataType, actual: pa.DataType) -> pa.DataType:
    """Return the contract's type, with the dictionaries of the actual one."""
    if pa.types.is_dictionary(actual):
        return actual
    if pa.types.is_list(wanted):
        return pa.list_(
            wanted.value_field.with_type(_stored_type(wanted.value_type, actual.value_type))
        )
    if pa.types.is_struct(wanted):
        pairs = [(field, actual.field(field.name).type) for field in wanted]
        return pa.struct([field.with_type(_stored_type(field.type, kind)) for field, kind in pairs])
    return wanted
