"""What a table is, declared once: its grain, key, columns, units and checks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType


@dataclass(frozen=True)
class Check:
    """One rule on the values of a column, named as Great Expectations names it.

    Args:
        expectation: A Great Expectations core expectation without the `expect_column_` prefix.
        arguments: Its keyword arguments, JSON values only.
    """

    expectation: str
    arguments: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """Return the rule as the reference page shows it."""
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.expectation}({arguments})"


def between(low: float | None = None, high: float | None = None) -> Check:
    """Require `low <= value <= high`; a bound that is None is open."""
    bounds = {"min_value": low, "max_value": high}
    return Check("values_to_be_between", {name: b for name, b in bounds.items() if b is not None})


def one_of(*values: str) -> Check:
    """Require one of the listed values."""
    return Check("values_to_be_in_set", {"value_set": list(values)})


def not_blank() -> Check:
    """Require at least one character that is not white space."""
    return Check("values_to_match_regex", {"regex": r"(?s).*\S.*"})


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: Its name.
        type: Its type.
        description: What it is.
        nullable: Whether it may be null.
        unit: What its numbers count, where they count something.
        added: Whether stored tables may be from before the column was, and are read without it.
        checks: Rules on its values.
    """

    name: str
    type: DataType
    description: str
    nullable: bool = False
    unit: str | None = None
    added: bool = False
    checks: tuple[Check, ...] = ()

    def field(self) -> StructField:
        """Return the Spark field, its description as the column comment."""
        comment = self.description if self.unit is None else f"{self.description} [{self.unit}]"
        return StructField(self.name, self.type, self.nullable, {"comment": comment})


@dataclass(frozen=True)
class Table:
    """The contract of one table.

    Args:
        name: Plural noun at the grain.
        grain: What one row is, in words.
        key: Columns that together are unique.
        columns: In their order on storage.
        partitioning: Columns that cut the table into parts which one run owns and replaces.
        has_own_columns: Whether a user's own columns may follow the contract's.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioning: tuple[str, ...] = ()
    has_own_columns: bool = False

    def with_own(self, names: Sequence[str]) -> "Table":
        """Return the contract of a table that also has a user's own columns, as text."""
        own = (Column(name, StringType(), "Column of the input", nullable=True) for name in names)
        return replace(self, columns=(*self.columns, *own))

    def schema(self) -> StructType:
        """Return the Spark schema with comments and nullability."""
        return StructType([column.field() for column in self.columns])

    @property
    def column_names(self) -> list[str]:
        """Names of the columns in their order on storage."""
        return [column.name for column in self.columns]

    def differences(self, actual: StructType, *, is_stored: bool = False) -> Iterator[str]:
        """Yield each difference of names and types between a schema and this contract.

        Nullability is checked by each write instead, as storage formats do not keep it.

        Args:
            actual: The schema.
            is_stored: Whether it is of a stored table, which may lack columns that were added.
        """
        types = {f.name: f.dataType for f in actual.fields}
        for column in self.columns:
            if column.name not in types:
                if is_stored and column.added:
                    continue
                yield f"column {column.name!r} is missing"
            elif not same_type(types[column.name], column.type):
                theirs = types[column.name].simpleString()
                yield f"column {column.name!r} is {theirs}, not {column.type.simpleString()}"
        for name in () if self.has_own_columns else types:
            if name not in self.column_names:
                yield f"column {name!r} is not in the contract"


def same_type(left: DataType, right: DataType) -> bool:
    """Tell whether two types are equal but for the nullability of what they contain."""
    if isinstance(left, ArrayType) and isinstance(right, ArrayType):
        return same_type(left.elementType, right.elementType)
    if isinstance(left, StructType) and isinstance(right, StructType):
        return left.names == right.names and all(
            same_type(a.dataType, b.dataType)
            for a, b in zip(left.fields, right.fields, strict=True)
        )
    return left == right


def is_catalog_name(uri: str) -> bool:
    """Tell whether a table is named as `catalog.schema.table`."""
    return bool(re.fullmatch(r"\w+\.\w+\.\w+", uri))
