"""The gates of a job's result: what they let pass, and what their messages say."""

import pytest

from pipelines.errors import GateError
from pipelines.results import JobResult


def result(kept, rejected, files=0):
    return JobResult(
        rows_in={"events": kept + rejected},
        rows_out={"events": kept, "rejected_events": rejected, "rejected_files": files},
        rejected={"valid_time": rejected, "has_user": 1} if rejected else {},
    )


def test_an_output_of_which_nothing_is_left_is_refused_unless_that_is_wanted():
    result(1, 9).require_rows("events", allow_empty=False)
    result(0, 9).require_rows("events", allow_empty=True)
    said = (
        r"all 9 records were rejected, most often for 'valid_time' \(rows by reason: valid_time 9, "
        r"has_user 1\); see columns; nothing was written, .* allow_empty: true"
    )
    with pytest.raises(GateError, match=said):
        result(0, 9).require_rows("events", allow_empty=False, hint="columns")
    with pytest.raises(GateError, match="the input has no records: nothing to write to 'events'"):
        result(0, 0).require_rows("events", allow_empty=False)
    with pytest.raises(GateError, match="no records, and 2 of its files cannot be read"):
        result(0, 0, files=2).require_rows("events", allow_empty=False)


def test_more_rejected_rows_than_allowed_are_refused():
    result(5, 5).require_share("rejected_events", at_most=0.5)
    with pytest.raises(
        GateError, match=r"5 of 10 records were rejected, .* share 0\.4; most often"
    ):
        result(5, 5).require_share("rejected_events", at_most=0.4)
