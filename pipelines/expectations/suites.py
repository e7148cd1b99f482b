"""Suites of expectations: row rules from a table's contract, bounds from the gate's settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas import Check, Column, Table


def class_name(expectation: str) -> str:
    """Return the name of Great Expectations' class: `ExpectColumn` and the check's words."""
    return "ExpectColumn" + "".join(word.capitalize() for word in expectation.split("_"))


def table_expectations(table: Table) -> list[Any]:
    """Return the expectations of a contract: no nulls, each column's checks, a unique key."""
    from great_expectations import expectations as gxe

    suite = [build(check, column) for column in table.columns for check in _checks(column)]
    if len(table.key) == 1:
        return [*suite, gxe.ExpectColumnValuesToBeUnique(column=table.key[0])]
    return [*suite, gxe.ExpectCompoundColumnsToBeUnique(column_list=list(table.key))]


def _checks(column: Column) -> Iterator[Check]:
    if not column.nullable:
        yield Check("values_to_not_be_null")
    yield from column.checks


def build(check: Check, column: Column) -> Any:
    """Return one check of one column as an expectation."""
    from great_expectations import expectations as gxe

    return getattr(gxe, class_name(check.expectation))(column=column.name, **check.arguments)


def bound_expectations(bounds: Mapping[str, tuple[float | None, float | None]]) -> list[Any]:
    """Return two expectations per measure: it is not null, and it is within its bounds.

    Args:
        bounds: Smallest and largest allowed value by measure; None means no bound.
    """
    from great_expectations import expectations as gxe

    suite: list[Any] = []
    for measure, (low, high) in bounds.items():
        suite.append(gxe.ExpectColumnValuesToNotBeNull(column=measure))
        suite.append(
            gxe.ExpectColumnValuesToBeBetween(column=measure, min_value=low, max_value=high)
        )
    return suite
