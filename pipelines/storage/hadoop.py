"""Files on any Hadoop file system, through the session's own JVM and credentials."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from pipelines.errors import InputError
from pipelines.storage.java import java_class

_RENAME = "org.apache.hadoop.fs.Options$Rename"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LOCAL = re.compile(r"file:(///?(?!/)|/(?!/)|//localhost/)")


@dataclass(frozen=True)
class FileInfo:
    """One file: URI, path relative to the listed folder, bytes, modification time in ms."""

    uri: str
    relative: str
    size: int
    modified: int


class Files:
    """File operations of one session; every path may be a local path or a Hadoop URI."""

    def __init__(self, spark: SparkSession) -> None:
        context: Any = spark.sparkContext
        self._jvm: Any = context._jvm
        self._conf: Any = context._jsc.hadoopConfiguration()

    @cached_property
    def _is_local(self) -> bool:
        """Tell whether a path without a scheme is one of this machine."""
        return str(self._conf.get("fs.defaultFS", "file:///")).startswith("file:")

    @cached_property
    def _path(self) -> Any:
        """Return Hadoop's class Path, cached: its name is a question to the JVM."""
        return java_class(self._jvm, "org.apache.hadoop.fs.Path")

    def _open(self, uri: str) -> tuple[Any, Any]:
        path = self._path(uri)
        try:
            filesystem = path.getFileSystem(self._conf)
        except Py4JJavaError as error:
            reason = error.java_exception.getMessage()
            raise InputError(f"{uri}: no file system for this URI: {reason}") from error
        return filesystem, filesystem.makeQualified(path)

    def _local(self, uri: str) -> Path | None:
        """Return the path of a local file, else None; Python handles it without the JVM."""
        scheme = _SCHEME.match(uri)
        if scheme is None:
            return Path(uri) if self._is_local else None
        local = _LOCAL.match(uri)
        return Path("/" + uri[local.end() :]) if local else None

    def qualified(self, uri: str) -> str:
        """Return the absolute URI with its scheme."""
        return str(self._open(uri)[1].toString())

    def exists(self, uri: str) -> bool:
        """Tell whether a file or folder is there."""
        local = self._local(uri)
        if local is not None:
            return local.exists()
        filesystem, path = self._open(uri)
        return bool(filesystem.exists(path))

    def is_folder(self, uri: str) -> bool:
        """Tell whether a folder is there."""
        local = self._local(uri)
        if local is not None:
            return local.is_dir()
        filesystem, path = self._open(uri)
        return bool(filesystem.exists(path)) and bool(filesystem.getFileStatus(path).isDirectory())

    def names(self, uri: str) -> list[str]:
        """Return the names of a folder's entries, sorted."""
        filesystem, path = self._open(uri)
        return sorted(str(s.getPath().getName()) for s in filesystem.listStatus(path))

    def walk(self, uri: str) -> list[FileInfo]:
        """Return the files at or below a place, sorted; hidden ones (`.x`, `_x`) are left out."""
        local = self._local(uri)
        if local is not None and local.is_dir():
            return sorted(_walk_local(local.absolute()), key=lambda info: info.relative)
        filesystem, path = self._open(uri)
        status = filesystem.getFileStatus(path)
        base = str(path.toString()).rstrip("/")
        if not status.isDirectory():
            return [
                FileInfo(
                    base, base.rpartition("/")[2], status.getLen(), status.getModificationTime()
                )
            ]
        infos, listing = [], filesystem.listFiles(path, True)
        while listing.hasNext():
            status = listing.next()
            full = str(status.getPath().toString())
            relative = full[len(base) + 1 :]
            if not any(part.startswith((".", "_")) for part in relative.split("/")):
                infos.append(
                    FileInfo(full, relative, status.getLen(), status.getModificationTime())
                )
        return sorted(infos, key=lambda info: info.relative)

    def read_text(self, uri: str) -> str:
        """Return a small UTF-8 file's text."""
        local = self._local(uri)
        if local is not None:
            return local.read_text(encoding="utf-8")
        filesystem, path = self._open(uri)
        stream = filesystem.open(path)
        try:
            data = java_class(self._jvm, "org.apache.commons.io.IOUtils").toByteArray(stream)
            return bytes(data).decode("utf-8")
        finally:
            stream.close()

    def create(self, uri: str, text: str) -> bool:
        """Create a small file; return False where it exists. Atomic where the store is."""
        local = self._local(uri)
        if local is not None:
            return _create_local(local, text)
        filesystem, path = self._open(uri)
        try:
            stream = filesystem.create(path, False)
        except Py4JJavaError as error:
            if "AlreadyExists" in error.java_exception.getClass().getName():
                return False
            raise
        stream.write(bytearray(text.encode("utf-8")))
        stream.close()
        return True

    def replace_text(self, uri: str, text: str) -> None:
        """Write a small file and move it into place, so that no reader sees half of it."""
        parent, _, name = uri.rpartition("/")
        temporary = f"{parent or '.'}/.{name}.{uuid.uuid4().hex}"
        self.create(temporary, text)
        local = self._local(temporary)
        if local is not None:
            local.replace(str(self._local(uri)))
            return
        filesystem, source = self._open(temporary)
        context = java_class(self._jvm, "org.apache.hadoop.fs.FileContext").getFileContext(
            source.toUri(), self._conf
        )
        overwrite = java_class(self._jvm, "java.lang.reflect.Array").newInstance(
            java_class(self._jvm, "java.lang.Class").forName(_RENAME), 1
        )
        overwrite[0] = java_class(self._jvm, _RENAME).OVERWRITE
        context.rename(source, filesystem.makeQualified(self._open(uri)[1]), overwrite)

    def move(self, source: str, target: str) -> None:
        """Move a file or folder to a path that does not exist yet."""
        here, there = self._local(source), self._local(target)
        if here is not None and there is not None:
            is_moved = not there.exists()
            if is_moved:
                there.parent.mkdir(parents=True, exist_ok=True)
                here.rename(there)
        else:
            filesystem, path = self._open(source)
            filesystem.mkdirs(self._open(target)[1].getParent())
            is_moved = filesystem.rename(path, self._open(target)[1])
        if not is_moved:
            raise InputError(f"cannot move {source} to {target}: is something there already?")

    def delete(self, uri: str) -> None:
        """Delete a file, or a folder with all its files, if it exists."""
        local = self._local(uri)
        if local is None:
            filesystem, path = self._open(uri)
            filesystem.delete(path, True)
        elif local.is_dir() and not local.is_symlink():
            shutil.rmtree(local)
        else:
            local.unlink(missing_ok=True)
            local.with_name(f".{local.name}.crc").unlink(missing_ok=True)  # of Hadoop's writers


def _walk_local(folder: Path) -> Iterator[FileInfo]:
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for file in (Path(place, name) for name in names if not name.startswith((".", "_"))):
            try:
                status = file.stat()
            except FileNotFoundError:  # a link to nothing, or gone since it was listed
                continue
            except OSError as error:
                _refuse(error)
            milliseconds, relative = status.st_mtime_ns // 1_000_000, file.relative_to(folder)
            yield FileInfo(f"file:{file}", relative.as_posix(), status.st_size, milliseconds)


def _refuse(error: OSError) -> NoReturn:
    """Refuse a folder that cannot be read: its files would be left out silently."""
    raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _create_local(path: Path, text: str) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
