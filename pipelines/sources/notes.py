"""What was changed in records that were kept, told to the user."""

from collections.abc import Mapping

from pipelines.sources.names import NOTES


def note_lines(counts: Mapping[str, int], meanings: Mapping[str, str] = NOTES) -> list[str]:
    """Return a line for each note that there is, as a job's summary shows it."""
    return [
        f"notes: {counts[name]:,} x {name}: {meaning}"
        for name, meaning in meanings.items()
        if counts.get(name)
    ]
