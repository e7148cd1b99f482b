"""An archive of Spark's classes on this machine: a JVM that maps it starts in half the time.

Class-data sharing of application classes: JEP 310 and, at the end of a run, JEP 350 (Java 13).
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

import pyspark

_DUMPING_SECONDS = 600  # an archive that is not finished after this many seconds never will be
_OTHERS = 2  # archives of other environments that are kept
_ROOM = 1 << 30  # bytes free that an archive of 200 MB asks for
_OWN_CHOICE = ("SharedArchive", "ArchiveClassesAtExit", "-Xshare")  # options of the user's own
# The JVM warns on standard output, which is the job's, of every class that it cannot archive.
_QUIET = "-Xlog:disable -Xlog:all=error:stderr"


def java_options(java_home: str, options: str = "") -> str:
    """Return a driver's Java options with those that use the archive, or make it at the JVM's end.

    The JVM itself compares an archive with its version and Spark's jars, and does without it where
    they differ. It writes the archive after the run's last word, some seconds long.

    Args:
        java_home: Home of the Java that will run.
        options: The options so far, which outrank: nothing is added to some that name an archive.
    """
    if any(name in options for name in _OWN_CHOICE):
        return options
    archive = _archive(java_home)
    if _is_complete(archive):
        with suppress(OSError):
            os.utime(archive)
        return f"-XX:SharedArchiveFile={archive} {_QUIET} {options}".strip()
    if _may_be_made(archive):
        _make_room(archive)
        return f"-XX:ArchiveClassesAtExit={archive} {_QUIET} {options}".strip()
    return options


def _archive(java_home: str) -> Path:
    """Return the place of the archive for a Java and a Spark."""
    jars = Path(pyspark.__file__).parent / "jars"
    about = f"{Path(java_home).resolve()}\0{_release(java_home)}\0{jars}\0{pyspark.__version__}"
    digest = hashlib.sha256(about.encode()).hexdigest()[:16]
    return cache_folder() / f"spark-{pyspark.__version__}-{digest}.jsa"


def _release(java_home: str) -> str:
    release = Path(java_home) / "release"
    return release.read_text(encoding="utf-8", errors="replace") if release.is_file() else ""


def _is_complete(archive: Path) -> bool:
    """Tell whether an archive was written to its end: the JVM writes the first bytes last."""
    try:
        with archive.open("rb") as file:
            return any(file.read(4))
    except OSError:
        return False


def _may_be_made(archive: Path) -> bool:
    """Tell whether an archive can be written, and no other JVM seems to be writing it."""
    if archive.exists() and time.time() - archive.stat().st_mtime < _DUMPING_SECONDS:
        return False
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        room = os.statvfs(archive.parent)
    except OSError:
        return False
    has_room = room.f_bavail * room.f_frsize > _ROOM
    # Java splits options at white space
    return (
        has_room and os.access(archive.parent, os.W_OK) and not any(map(str.isspace, str(archive)))
    )


def _make_room(archive: Path) -> None:
    """Remove the archives of other environments, but for those that were used last."""
    others = [path for path in archive.parent.glob("spark-*.jsa") if path != archive]
    with suppress(OSError):  # another process removes them too
        for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-_OTHERS]:
            path.unlink()


def cache_folder() -> Path:
    """Return the folder of what vectormill keeps on this machine between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vectormill"
