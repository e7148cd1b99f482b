"""Peak resident memory of a job run as users run it, of each process's part in it.

The data is written by the caller beforehand: the job has a process tree of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

import psutil
from _measuring import ROOT

_EXECUTOR = "CoarseGrainedExecutorBackend"


def peaks_of(job: str, settings: dict[str, object], scratch: Path) -> dict[str, float]:
    """Run a job's file by a process of its own, on two executors of one core and 1 GiB each.

    Returns:
        Seconds, and megabytes by role: the driver's Python and JVM, and the largest of the
        executors' JVMs and of the Python workers.

    Raises:
        RuntimeError: The job failed.
    """
    given = [f"--set={name}={value}" for name, value in settings.items()]
    conf = ["--conf=spark.driver.memory=1g", f"--conf=spark.local.dir={scratch / 'local'}"]
    command = [sys.executable, str(ROOT / "jobs" / f"{job}.py"), "--master=local-cluster[2,1,1024]"]
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
