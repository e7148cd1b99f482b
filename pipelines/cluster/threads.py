"""Calls by a pool of threads, with a bounded number of results held at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession

_T = TypeVar("_T")


def in_turn(
    pool: ThreadPoolExecutor, calls: Iterable[Callable[[], _T]], threads: int
) -> Iterator[_T]:
    """Yield what each call returns, in order; at most two results per thread are held at a time.

    `ThreadPoolExecutor.map` would make all results, however slowly they are consumed.
    """
    waiting = deque[Future[_T]]()
    for call in calls:
        waiting.append(pool.submit(call))
        if len(waiting) > 2 * threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def at_once(spark: SparkSession, *calls: Callable[[], _T]) -> list[_T]:
    """Return what the calls return, in their order; each runs in a thread of its own.

    For queries of small tables, which wait for Spark's planning more than they compute. Spark
    names their jobs as it names those of the calling thread.
    """
    with ThreadPoolExecutor(max(1, len(calls))) as pool:
        futures = [pool.submit(inheritable_thread_target(spark)(call)) for call in calls]
        return [future.result() for future in futures]
