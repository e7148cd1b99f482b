"""Calls by a pool of threads, with a bounded number of results held at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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
