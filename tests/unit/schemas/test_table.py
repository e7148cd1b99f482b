"""The contract itself: schema, comments, and the differences it finds."""

import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from schemas.table import Check, Column, Table, between, not_blank, one_of, same_type

SCORED = ArrayType(StructType([StructField("key", StringType()), StructField("s", FloatType())]))
TABLE = Table(
    name="things",
    grain="one thing",
    key=("id",),
    columns=(
        Column("id", IntegerType(), "Id", checks=(between(0),)),
        Column("size", LongType(), "Size", nullable=True, unit="bytes"),
        Column("near", SCORED, "Neighbours"),
    ),
)


def test_the_schema_has_nullability_and_comments_with_units() -> None:
    schema = TABLE.schema()
    assert [(f.name, f.dataType, f.nullable) for f in schema.fields] == [
        ("id", IntegerType(), False),
        ("size", LongType(), True),
        ("near", SCORED, False),
    ]
    assert [f.metadata["comment"] for f in schema.fields] == ["Id", "Size [bytes]", "Neighbours"]
    assert TABLE.column_names == ["id", "size", "near"]


def _with(**types: DataType) -> StructType:
    own = {"id": IntegerType(), "size": LongType(), "near": SCORED, **types}
    return StructType([StructField(name, kind) for name, kind in own.items()])


def test_order_and_nullability_are_no_differences() -> None:
    assert not list(TABLE.differences(StructType(_with().fields[::-1])))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (_with(id=StringType()), ["column 'id' is string, not int"]),
        (_with(more=LongType()), ["column 'more' is not in the contract"]),
        (StructType(_with().fields[1:]), ["column 'id' is missing"]),
        (
            _with(near=ArrayType(StringType())),
            ["column 'near' is array<string>, not array<struct<key:string,s:float>>"],
        ),
        (StructType([]), [f"column '{name}' is missing" for name in ("id", "size", "near")]),
    ],
)
def test_each_difference_names_the_column_and_what_differs(
    actual: StructType, expected: list[str]
) -> None:
    assert list(TABLE.differences(actual)) == expected


def test_types_are_the_same_whatever_may_be_null_inside_them() -> None:
    strict = ArrayType(
        StructType([StructField("key", StringType(), False), StructField("s", FloatType(), False)]),
        False,
    )
    assert same_type(SCORED, strict)
    assert not same_type(ArrayType(FloatType()), ArrayType(DoubleType()))
    renamed = StructType([StructField("k", StringType()), StructField("s", FloatType())])
    assert not same_type(SCORED, ArrayType(renamed))
    assert not same_type(ArrayType(StringType()), StringType())


def test_checks_bear_the_names_of_expectations() -> None:
    assert between(0, 1) == Check("values_to_be_between", {"min_value": 0, "max_value": 1})
    assert between(high=2) == Check("values_to_be_between", {"max_value": 2})
    assert one_of("a", "b") == Check("values_to_be_in_set", {"value_set": ["a", "b"]})
    assert str(not_blank()) == r"values_to_match_regex(regex=(?s).*\S.*)"
