"""What happens when a space passes or fails its gate: its state, the error, no publication."""

from typing import Any

from pipelines.errors import GateError
from pipelines.expectations.validation import Outcome
from pipelines.spaces.registry import Space


def state_after_gate(outcomes: list[tuple[str, Outcome]], state: str) -> str:
    """Return the state of a validated space; one that is published and passes stays published."""
    if any(outcome.status != "passed" for _, outcome in outcomes):
        return "failed"
    return state if state == "published" else "passed"


def require_passed(space_id: str, outcomes: list[tuple[str, Outcome]]) -> None:
    """Raise an error if an expectation failed or could not be evaluated.

    Raises:
        GateError: The message lists each such expectation with its measure and limit.
    """
    broken = [
        f"{entity}: {o.expectation} of {o.measure} {o.status}"
        + (f", measured {o.value:g}" if o.value is not None else "")
        + (f" ({o.detail})" if o.detail else "")
        for entity, o in outcomes
        if o.status != "passed"
    ]
    if broken:
        raise GateError(f"space {space_id} did not pass: " + "; ".join(broken))


def require_publishable(space: Space, stored: dict[str, Any]) -> None:
    """Refuse a space that did not pass its gate, or whose vectors changed since.

    Raises:
        GateError: The state is neither `passed` nor a later one, or the checksum differs.
    """
    if space.state not in ("passed", "publishing", "published", "superseded"):
        raise GateError(
            f"space {space.space_id} is {space.state!r}, not 'passed'; "
            "run validate_vectors and mend what it names; nothing was published"
        )
    if stored["checksum"] != space.checksum:
        raise GateError(
            f"the staged vectors of {space.space_id} are not those that were trained "
            f"(checksum {stored['checksum']}, registered {space.checksum}); train again; "
            "nothing was published"
        )
