"""`clean_corpus` of the vectormill of PYTHONPATH: `_clean_job.py INPUT OUTPUT_FOLDER`.

Of the other benchmarks it imports what needs no vectormill. It prints seconds of the second run in
one session.
"""

import json
import sys
import time

from _processor import processor_seconds

from jobs.clean_corpus import CONFIG, run

try:
    from pipelines.cluster.session import open_session
except ImportError:  # of before
    from pipelines.session import open_session  # type: ignore[no-redef]


def main() -> None:
    """Clean twice in one session, and print the seconds of the second time."""
    source, folder = sys.argv[1:]
    spark = open_session("cleaning", master="local[2]")
    row = {}
    for number in range(2):
        outputs = {"documents": f"{folder}/{number}/documents"}
        config = CONFIG.model_validate({"inputs": {"corpus": source}, "outputs": outputs})
        spent, started = processor_seconds(), time.perf_counter()
        result = run(spark, config)
        row = {
            "wall": time.perf_counter() - started,
            "cpu": processor_seconds() - spent,
            "rows": {k: v for k, v in result.rows_out.items() if k != "run_counts"},
        }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
