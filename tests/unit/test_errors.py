"""What a user is told of a Spark failure, and the code the job ends with."""

import pytest

from pipelines.errors import (
    ConcurrentRunError,
    ConfigError,
    DependencyError,
    GateError,
    InputError,
    VectormillError,
    from_spark,
)
from pipelines.results import JobResult


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (VectormillError, 1),
        (ConfigError, 2),
        (InputError, 3),
        (GateError, 4),
        (ConcurrentRunError, 5),
        (DependencyError, 6),
    ],
)
def test_exit_codes_are_promised(kind: type[VectormillError], code: int) -> None:
    assert kind("x").exit_code == code


def test_an_error_raised_in_a_worker_is_known_by_its_text() -> None:
    text = (
        "An exception was thrown from the Python worker:\n  File x, line 3\n"
        "pipelines.errors.InputError: file:/a/b.gz: cannot be read to its end\n\nJVM stacktrace:"
    )
    known = from_spark(RuntimeError(text))
    assert isinstance(known, InputError)
    assert str(known) == "file:/a/b.gz: cannot be read to its end"


def test_a_broken_data_file_is_named() -> None:
    text = "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///a/b.parquet. S"
    known = from_spark(RuntimeError(text))
    assert isinstance(known, InputError)
    assert str(known).startswith("file:///a/b.parquet: the file cannot be read")


def test_a_null_that_a_contract_forbids_is_told() -> None:
    told = "documents: column 'text' is null, its contract says never"
    text = f"[USER_RAISED_EXCEPTION] {told} SQLSTATE: P0001\nJVM stacktrace:"
    known = from_spark(RuntimeError(text))
    assert isinstance(known, InputError)
    assert str(known) == "documents: column 'text' is null, its contract says never"


@pytest.mark.parametrize("text", ["", "boom", "pipelines.errors.NoSuchError: x"])
def test_what_is_not_known_stays_unknown(text: str) -> None:
    assert from_spark(RuntimeError(text)) is None


def test_a_lost_row_ends_the_job() -> None:
    result = JobResult(rows_in={"corpus": 5}, rows_out={"kept": 3, "other": 1})
    with pytest.raises(VectormillError, match="5 in, 3 kept \\+ 1 other out"):
        result.require_balance("kept", "other")
    result.rows_out["other"] = 2
    result.require_balance("kept", "other")


def test_the_share_of_rejected_rows_is_an_alarm_with_its_main_reason() -> None:
    result = JobResult(rows_in={"corpus": 10}, rows_out={"bad": 3}, rejected={"word_count": 3})
    result.require_share("bad", at_most=0.3)
    with pytest.raises(GateError, match=r"3 of 10 records .* 0\.2; most often for 'word_count'"):
        result.require_share("bad", at_most=0.2)
