"""The only builder of a SparkSession: local, on a cluster, or one that is already running."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
from py4j.java_gateway import JavaClass
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from pipelines.cluster import class_archive, delta_jars
from pipelines.errors import ConfigError, DependencyError
from pipelines.settings import conf_folder
from pipelines.storage.java import java_class

_JAVA_HOMES = (
    "/usr/lib/jvm",
    "/Library/Java/JavaVirtualMachines",
    "/opt/homebrew/opt",
    "/opt/java",
)
_JAVA_MAJORS = (17, 21)  # Java versions that Spark 4 supports
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_GIB = 1 << 30  # bytes


def open_session(
    app: str,
    *,
    master: str | None = None,
    settings: Mapping[str, str] | None = None,
    log_folder: Path | None = None,
) -> SparkSession:
    """Return the running session, or start one; `settings` outrank vectormill's defaults.

    Args:
        app: Name shown by the cluster manager.
        master: Spark master; None takes what spark-submit set, else all local cores.
        settings: Spark configuration, which outranks `conf/spark/spark-defaults.conf`.
        log_folder: Where Spark's own log and event log go when this call starts the JVM.

    Raises:
        ConfigError: Spark Connect was asked for.
        DependencyError: Java or Delta's jars are missing.
    """
    if "SPARK_REMOTE" in os.environ or str(master).startswith("sc://"):
        raise ConfigError(
            "Spark Connect sessions are not supported; unset SPARK_REMOTE and --master"
        )
    running = SparkSession.getActiveSession()
    if running is not None:
        return _checked(running)
    requested = dict(settings or {})
    if master:
        requested["spark.master"] = master
    is_submitted = "PYSPARK_GATEWAY_PORT" in os.environ or SparkContext._gateway is not None
    conf = SparkConf() if is_submitted else SparkConf(loadDefaults=False)
    conf.setAll(list(requested.items())).setIfMissing("spark.app.name", f"vectormill {app}")
    conf.setIfMissing("spark.master", "local[*]")
    if is_submitted:
        _set_defaults(conf, log_folder)
        return _checked(SparkSession.builder.config(conf=conf).getOrCreate())
    with nullcontext() if _has_jars(conf) else delta_jars.resolved_once():
        return _started(conf, log_folder)


def _started(conf: SparkConf, log_folder: Path | None) -> SparkSession:
    _set_defaults(conf, log_folder)
    _prepare_environment(str(conf.get("spark.master")))
    options = class_archive.java_options(os.environ["JAVA_HOME"], conf.get(_JAVA_OPTIONS, "") or "")
    if options:
        conf.set(_JAVA_OPTIONS, options)
    with _errors_to(log_folder):
        try:
            spark = SparkSession.builder.config(conf=conf).getOrCreate()
        except PySparkRuntimeError as error:
            if error.getCondition() != "JAVA_GATEWAY_EXITED":
                raise
            where = f"see {log_folder / 'spark.log'}" if log_folder else "its message is above"
            raise DependencyError(
                f"Java did not start Spark; {where}. Has it enough memory "
                "(--conf spark.driver.memory=1g), and is bash on the PATH?"
            ) from error
    delta_jars.remember(spark)
    return _checked(spark)


def _set_defaults(conf: SparkConf, log_folder: Path | None) -> None:
    for key, value in _defaults(conf, log_folder):
        conf.setIfMissing(key, value)


def _has_jars(conf: SparkConf) -> bool:
    return bool(conf.contains("spark.jars") or conf.contains("spark.jars.packages"))


def _defaults(conf: SparkConf, log_folder: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the defaults, those of local mode first: the first value of a key counts."""
    if str(conf.get("spark.master")).startswith("local"):
        yield from _local_defaults(conf)
    if not _has_jars(conf):
        jars = delta_jars.remembered()
        yield ("spark.jars", jars) if jars else ("spark.jars.packages", delta_jars.coordinates())
    if log_folder is not None:
        events = log_folder / "spark-events"
        events.mkdir(parents=True, exist_ok=True)
        yield "spark.eventLog.dir", events.resolve().as_uri()
    elif not conf.contains("spark.eventLog.dir"):
        # Spark does not start where the folder of event logs is missing
        yield "spark.eventLog.enabled", "false"
    text = conf_folder().joinpath("spark", "spark-defaults.conf").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            key, value = line.split(maxsplit=1)
            yield key, value.strip()


def _local_defaults(conf: SparkConf) -> Iterator[tuple[str, str]]:
    """Yield settings for small tables on one machine: few partitions, half the free memory."""
    cores = os.cpu_count() or 1
    memory = max(1, min(16, psutil.virtual_memory().available // _GIB // 2))
    if not str(conf.get("spark.master")).startswith("local-cluster"):
        yield "spark.driver.memory", f"{memory}g"
    yield "spark.driver.host", "127.0.0.1"
    yield "spark.driver.bindAddress", "127.0.0.1"
    yield "spark.sql.shuffle.partitions", str(2 * cores)
    yield "spark.databricks.delta.snapshotPartitions", "1"
    yield "spark.sql.files.minPartitionNum", str(cores)
    yield "spark.ui.enabled", "false"
    yield "spark.ui.showConsoleProgress", "false"
    yield "spark.sql.debug.maxToStringFields", "200"
    yield "spark.shuffle.compress", "true"


def find_java() -> str | None:
    """Return the home of a Java 17 or 21: JAVA_HOME, else PATH, else the usual places."""
    homes = [os.environ.get("JAVA_HOME"), _home_on_path()]
    for base in _JAVA_HOMES:
        homes.extend(str(p) for p in sorted(Path(base).glob("*")))
        homes.extend(str(p) for p in sorted(Path(base).glob("*/Contents/Home")))
    return next((h for h in homes if h and _java_major(h) in _JAVA_MAJORS), None)


def _home_on_path() -> str | None:
    java = shutil.which("java")
    return str(Path(java).resolve().parent.parent) if java else None


def _java_major(home: str) -> int | None:
    java = Path(home) / "bin" / "java"
    if not java.is_file():
        return None
    answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match.group(1)) if match else None


def _prepare_environment(master: str) -> None:
    java = find_java()
    if java is None:
        raise DependencyError(
            "no Java 17 or 21 found; install one (Debian: apt-get install "
            "openjdk-17-jre-headless) or set JAVA_HOME"
        )
    os.environ["JAVA_HOME"] = java
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


@contextmanager
def _errors_to(log_folder: Path | None) -> Iterator[None]:
    """Redirect the standard error of the JVM, and of the workers it starts, to a log file."""
    if log_folder is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    log = os.open(log_folder / "spark.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _checked(spark: SparkSession) -> SparkSession:
    """Refuse a session without Delta, naming the option that brings it."""
    if spark.conf.get("spark.sql.catalog.spark_catalog", "") == "":
        raise DependencyError(
            "this Spark session was started without Delta's catalog; start it with "
            "--properties-file conf/spark/spark-defaults.conf"
        )
    log = java_class(spark._jvm, "org.apache.spark.sql.delta.DeltaLog")
    if not isinstance(log, JavaClass):
        raise DependencyError(
            "Delta's jars are not on Spark's class path; add --packages "
            f"{delta_jars.coordinates()} (offline: --jars with the files)"
        )
    return spark


def shortages(spark: SparkSession, folder: Path) -> Iterator[str]:
    """Yield a warning for each resource that is scarce, naming the setting to change.

    Args:
        spark: The session; only local ones are checked.
        folder: Where local outputs go.
    """
    if not str(spark.sparkContext.master).startswith("local"):
        return
    memory = psutil.virtual_memory()
    if memory.available < 2 * _GIB:
        yield (
            f"only {memory.available / _GIB:.1f} GiB of memory are free; close other programs "
            "or lower spark.driver.memory (--conf spark.driver.memory=1g)"
        )
    scratch = Path(spark.conf.get("spark.local.dir", "") or os.environ.get("TMPDIR", "/tmp"))  # noqa: S108
    for place, setting in ((scratch, "spark.local.dir (--conf)"), (folder, "outputs (--set)")):
        existing = next(p for p in (place, *place.resolve().parents) if p.exists())
        free = shutil.disk_usage(existing).free
        if free < 5 * _GIB:
            yield f"only {free / _GIB:.1f} GiB are free under {existing}; move {setting} elsewhere"
