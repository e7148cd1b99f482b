"""Which inputs are refused as a mixture of two runs of the job that writes them together."""

import pytest

from pipelines.errors import InputError
from pipelines.storage.runs.together import refuse_mixture


def commit(table, run, *, generation=1, ahead=("ids",), fingerprint=None, job="job"):
    together = {"table": table, "generation": generation, "tables": [], "ahead": list(ahead)}
    return {
        "job": job,
        "run_id": run,
        "fingerprint": fingerprint or f"of {run}",
        "together": together,
    }


@pytest.mark.parametrize(
    "pair",
    [
        (commit("rows", "a"), commit("words", "a")),
        (commit("rows", "a", fingerprint="f"), commit("words", "b", fingerprint="f")),
        (commit("rows", "a"), commit("words", "b", job="other")),
        (commit("rows", "a"), {}),
        (commit("rows", "a"), {"job": "job", "run_id": "b"}),
        (commit("rows", "a"), commit("ids", "b", generation=2)),
        (commit("ids", "b", generation=2), commit("keys", "a", ahead=("ids", "keys"))),
    ],
    ids=["one run", "same work", "two jobs", "foreign", "alone", "ids ahead", "ids alone"],
)
def test_what_belongs_together_is_read(pair):
    (one, other) = pair
    if other and "together" in other and other["together"]["table"] == "keys":
        one["together"]["ahead"] = ["ids", "keys"]
    refuse_mixture({"one": one, "other": other})


@pytest.mark.parametrize(
    "other",
    [commit("words", "b"), commit("words", "b", generation=2), commit("ids", "b", generation=0)],
)
def test_a_mixture_is_refused_by_its_runs_and_its_job(other):
    with pytest.raises(InputError, match=r"inputs\.one is of run a of job, .*run b.*run job again"):
        refuse_mixture({"one": commit("rows", "a"), "other": other})
