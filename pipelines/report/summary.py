"""The report's first paragraph."""

from collections.abc import Iterator

from pipelines.report.facts import Facts, JobCounts, TableRow


def summarise(facts: Facts) -> str:
    """Return a few sentences about what was cleaned, trained, checked and published."""
    return " ".join(_sentences(facts)) or "The tables that were given hold no rows."


def _sentences(facts: Facts) -> Iterator[str]:
    for counts in facts.counts or []:
        if counts.job.startswith("clean_"):
            yield _cleaned(counts)
    if facts.frequencies:
        tokens, occurrences = facts.frequencies.tokens, facts.frequencies.occurrences
        yield f"The vocabulary has {tokens:,} tokens with {occurrences:,} occurrences."
    for space in facts.spaces or []:
        yield _space(space)
    if not facts.spaces:
        for histogram in facts.histograms or []:
            yield f"Space {histogram.space_id} has {histogram.rows:,} {histogram.entity} vectors."
    if facts.metrics:
        yield _checked(facts.metrics)


def _cleaned(counts: JobCounts) -> str:
    rows_in = sum(counts.rows_in.values())
    kept = {name: rows for name, rows in counts.rows_out.items() if rows}
    parts = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in kept.items())
    return f"From {rows_in:,} records {counts.job} made {parts or 'nothing'}."


def _space(space: TableRow) -> str:
    where = f", in {space['published_to']}" if space["published_to"] else ""
    return (
        f"The {space['state']} space {space['space_id']} has {space['row_count']:,} vectors "
        f"of {space['dimension']:,} dimensions{where}."
    )


def _checked(metrics: list[TableRow]) -> str:
    checks = [row for row in metrics if row["status"] != "measured"]
    passed = sum(row["status"] == "passed" for row in checks)
    if not checks:
        return "No check is on record."
    if passed == len(checks):
        return f"All {passed:,} checks passed."
    return f"{len(checks) - passed:,} of {len(checks):,} checks did not pass."
