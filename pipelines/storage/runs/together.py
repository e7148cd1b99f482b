"""Tables that one run of a job commits together, and readers' refusal of a mixture of runs.

No storage commits two tables at once. Each commit says which tables belong together and the number
of their generation, which grows by one from run to run.
"""

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from pipelines.errors import InputError
from pipelines.storage.commits import last_commit
from pipelines.storage.hadoop import Files
from pipelines.storage.places import Place
from pipelines.storage.staging import Staged

_TOGETHER = "together"  # key of a commit's metadata


class StagedTables:
    """The tables that a run has staged, in the order of their commits."""

    def __init__(self, files: Files, job: str) -> None:
        self._files, self._job = files, job
        self._staged: dict[str, tuple[Staged, Place]] = {}
        self._ahead: list[str] = []

    def add(self, name: str, staged: Staged, place: Place, *, may_be_ahead: bool) -> None:
        """Add a table; one that may be ahead of the others only ever gets rows added."""
        self._staged[name] = (staged, place)
        if may_be_ahead:
            self._ahead.append(name)

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Make all that is staged the tables, one after the other.

        While this goes on, a hidden file beside the first table says what was there before.
        """
        before = {name: last_commit(self._files, at) for name, (_, at) in self._staged.items()}
        intent = self._write_intent(before, metadata)
        shared = {"generation": _generation(before) + 1, "tables": list(self._staged)}
        shared["ahead"] = list(self._ahead)
        count = len(self._staged)
        try:
            for name in list(self._staged):
                own = {_TOGETHER: {**shared, "table": name}} if count > 1 else {}
                self._staged[name][0].commit({**metadata, **own})
                del self._staged[name]
        finally:
            # nothing is mixed if all tables are committed, or none
            if intent and len(self._staged) in {0, count}:
                self._files.delete(intent)

    def _write_intent(
        self, before: Mapping[str, dict[str, Any] | None], metadata: Mapping[str, Any]
    ) -> str | None:
        folder = next((at.folder for _, at in self._staged.values() if at.folder), None)
        if folder is None or len(before) == 1:
            return None
        place = f"{folder.rpartition('/')[0]}/.{self._job}.intent.json"
        versions = {name: known and known["version"] for name, known in before.items()}
        text = json.dumps({"run_id": metadata["run_id"], "versions_before": versions}, indent=1)
        self._files.replace_text(place, text)
        return place

    def discard(self) -> None:
        """Delete what was staged and is not committed."""
        while self._staged:
            _, (staged, _) = self._staged.popitem()
            staged.discard()


def _generation(before: Mapping[str, dict[str, Any] | None]) -> int:
    known = [commit["metadata"] for commit in before.values() if commit]
    return max((one.get(_TOGETHER, {}).get("generation", 0) for one in known), default=0)


def refuse_mixture(inputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse inputs that belong together and come from different runs of their job.

    Args:
        inputs: Metadata of the last commits by name of the input. Tables without are not refused.

    Raises:
        InputError: Both inputs, both runs, and the job to run again.
    """
    for (name, one), (other_name, other) in combinations(sorted(inputs.items()), 2):
        if _is_mixture(one, other):
            raise InputError(
                f"inputs.{name} is of run {one['run_id']} of {one['job']}, inputs.{other_name} of "
                f"run {other['run_id']}: their rows do not belong together, as a run ended between "
                f"its commits or is still at work; run {one['job']} again"
            )


def _is_mixture(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two commits should be of one run and are not; the same work twice is one."""
    mine, theirs = one.get(_TOGETHER), other.get(_TOGETHER)
    if not mine or not theirs or one["job"] != other["job"]:
        return False
    if one["run_id"] == other["run_id"] or one["fingerprint"] == other["fingerprint"]:
        return False
    is_ahead, are_ahead = mine["table"] in mine["ahead"], theirs["table"] in theirs["ahead"]
    if is_ahead == are_ahead:
        return not is_ahead
    leading, following = (mine, theirs) if is_ahead else (theirs, mine)
    return bool(leading["generation"] < following["generation"])
