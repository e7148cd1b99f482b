"""Peak resident memory of a job run as users run it, of each process's part in it.

The data is written by the caller beforehand: the job has a process tree of its own.
"""

import subprocess
import sys
import time

import psutil
from _measuring import ROOT

_EXECUTOR = "CoarseGrainedExecutorBackend"


def peaks_of(job: str, settings: dict[str, object], spark: dict[str, str], master: str) -> dict:
    """Run a job's file by a process of its own; return megabytes by role, and its seconds.

    Roles are the driver's Python and JVM, and the largest of the executors' JVMs and of the Python
    workers.

    Raises:
        RuntimeError: The job failed.
    """
    given = [f"--set={name}={value}" for name, value in settings.items()]
    conf = [f"--conf={name}={value}" for name, value in spark.items()]
    command = [sys.executable, str(ROOT / "jobs" / f"{job}.py"), f"--master={master}"]
    started, peaks = time.perf_counter(), dict[str, float]()
    child = subprocess.Popen([*command, *given, *conf], stdout=subprocess.DEVNULL, cwd=ROOT)
    while child.poll() is None:
        _look(psutil.Process(child.pid), peaks)
        time.sleep(0.2)
    if child.returncode:
        raise RuntimeError(f"{job} ended with {child.returncode}")
    return peaks | {"seconds": round(time.perf_counter() - started)}


def _look(driver: psutil.Process, peaks: dict[str, float]) -> None:
    try:
        processes = [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        try:
            role, size = _role(process, driver.pid), process.memory_info().rss >> 20
        except psutil.Error:
            continue
        peaks[role] = max(peaks.get(role, 0), size)


def _role(process: psutil.Process, driver: int) -> str:
    if process.pid == driver:
        return "driver python"
    if process.name() == "java":
        return "executor jvm" if _EXECUTOR in " ".join(process.cmdline()) else "driver jvm"
    return "python worker"
