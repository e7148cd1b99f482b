"""Seconds of processor, for scripts that run the vectormill of PYTHONPATH."""

import psutil


def processor_seconds() -> float:
    """Return the seconds of processor of this process and of all that it started."""
    found = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            found += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:  # its parent has its seconds
            continue
    return found
