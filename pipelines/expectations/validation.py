"""Expectations run on Spark frames and on measures, and their outcomes."""

import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from pyspark.sql import DataFrame

from pipelines.errors import DependencyError
from pipelines.expectations.suites import bound_expectations, table_expectations
from schemas import Table

MeasureBounds = Mapping[str, tuple[float | None, float | None]]
"""Smallest and largest allowed value by measure; None means no bound."""

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""No examples of wrong values, which nobody reads: each rule would take a Spark job for them."""

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # no usage reports from batch jobs


@dataclass(frozen=True)
class Outcome:
    """The outcome of one expectation.

    Args:
        measure: Name of the measure, or of the column or columns.
        expectation: Great Expectations' name of the rule.
        status: `errored` if the expectation could not be evaluated: the data may be right.
        value: Number of rows that break the rule, or the value of the measure.
        detail: Bounds or other arguments of the rule, or the error.
    """

    measure: str
    expectation: str
    status: Literal["passed", "failed", "errored"]
    value: float | None
    detail: str


def validate(rows: DataFrame, table: Table) -> list[Outcome]:
    """Validate rows by the contract of their table: nulls, checks of columns, the key.

    Raises:
        DependencyError: Great Expectations cannot be imported.
    """
    load_great_expectations()
    return _run(rows, table_expectations(table))


def validate_measures(measures: Mapping[str, float | None], bounds: MeasureBounds) -> list[Outcome]:
    """Validate measures by bounds; a missing measure that has bounds does not pass.

    Raises:
        DependencyError: Great Expectations cannot be imported.
    """
    load_great_expectations()
    outcomes = _run(pd.DataFrame([dict(measures)]), bound_expectations(bounds))
    return [
        Outcome(o.measure, o.expectation, o.status, measures.get(o.measure), o.detail)
        for o in outcomes
    ]


def load_great_expectations() -> Any:
    """Import Great Expectations; it imports Spark Connect, which may end the process.

    Raises:
        DependencyError: The import tried to end the process with exit code 0, that of success.
    """
    try:
        return importlib.import_module("great_expectations")
    except SystemExit as error:
        raise DependencyError(
            "Great Expectations cannot be imported: PySpark's Connect part ended the process, as "
            "it does where __main__ is no file; run the job by its command or by spark-submit"
        ) from error


def _run(frame: DataFrame | pd.DataFrame, expectations: Iterable[Any]) -> list[Outcome]:
    gx = load_great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    sources = context.data_sources
    source: Any = (
        sources.add_pandas("measures")
        if isinstance(frame, pd.DataFrame)
        else sources.add_spark("rows", persist=False)
    )
    batch = source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    suite = context.suites.add(gx.ExpectationSuite("gate", expectations=list(expectations)))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="gate", data=batch, suite=suite)
    )
    result = definition.run(batch_parameters={"dataframe": frame}, result_format=_COUNTS_ONLY)
    return [_outcome(r) for r in result.results]


def _outcome(result: Any) -> Outcome:
    config = result.expectation_config
    arguments = {k: v for k, v in config.kwargs.items() if k not in {"batch_id", "column"}}
    columns = arguments.pop("column_list", None)
    measure = config.kwargs.get("column") or "+".join(columns or ["table"])
    limits = ", ".join(f"{name}={value}" for name, value in arguments.items())
    error = _error(result.exception_info)
    if error is not None:
        return Outcome(measure, config.type, "errored", None, error)
    broken = result.result.get("unexpected_count")
    status: Literal["passed", "failed"] = "passed" if result.success else "failed"
    return Outcome(measure, config.type, status, None if broken is None else float(broken), limits)


def _error(info: Any) -> str | None:
    """Return the error that an expectation raised, else None.

    Great Expectations reports it per metric, or once for the expectation.
    """
    if not info:
        return None
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [e for e in entries if isinstance(e, dict) and e.get("raised_exception")]
    return str(raised[0].get("exception_message")) if raised else None
