"""A lease on what a run writes: one owner at a time, and a dead owner's lease is taken over."""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from pipelines.errors import ConcurrentRunError
from pipelines.storage.hadoop import Files

LEASE_SECONDS = 120.0  # seconds; term of a lease
LOG = logging.getLogger("vectormill")
_LOOK_SECONDS = 0.5  # seconds between two reads of another host's lease


@contextmanager
def lease(files: Files, uri: str, *, seconds: float = LEASE_SECONDS) -> Iterator[None]:
    """Hold the lease of a table or folder while the block runs, renewed every third of its term.

    Args:
        files: The session's files.
        uri: The table or folder; the lease is a hidden file beside it.
        seconds: Term of the lease. An owner on another host counts as dead if it does not renew
            the lease within its term.

    Raises:
        ConcurrentRunError: A living process owns the lease.
    """
    parent, _, name = uri.rstrip("/").rpartition("/")
    place = f"{parent or '.'}/.{name}.lease"
    _acquire(files, place, uri, seconds)
    stop = threading.Event()
    renewer = threading.Thread(target=_renew, args=(files, place, seconds, stop), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        files.delete(place)


def _acquire(files: Files, place: str, uri: str, seconds: float) -> None:
    if files.create(place, _terms(seconds)):
        return
    owner = _read(files, place)
    if _is_alive(owner, files, place):
        raise ConcurrentRunError(
            f"{uri}: process {owner['process']} on {owner['host']} is at work on it; "
            f"wait for it to end (its lease is {place})"
        )
    files.delete(place)
    if not files.create(place, _terms(seconds)):
        raise ConcurrentRunError(f"{uri}: another run has just taken it; run again when it is done")


def _terms(seconds: float) -> str:
    owner = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started": psutil.Process().create_time(),
        "expires": time.time() + seconds,
    }
    return json.dumps(owner)


def _read(files: Files, place: str) -> dict[str, Any]:
    """Return the owner that a lease names; empty where there is no lease."""
    return dict(json.loads(files.read_text(place) or "{}")) if files.exists(place) else {}


def _is_alive(owner: dict[str, Any], files: Files, place: str) -> bool:
    """Tell whether an owner lives: by its process on this host, by renewals on another.

    On another host's lease it waits for a renewal, at most until the term ends: a cluster restarts
    a dead driver at once, mostly on another host.
    """
    if owner.get("expires", 0.0) < time.time():
        return False
    if owner["host"] != socket.gethostname():
        LOG.warning("%s: is its owner on %s alive? It renews its lease if so", place, owner["host"])
        while (now := _read(files, place)) == owner and owner["expires"] > time.time():
            time.sleep(_LOOK_SECONDS)
        return bool(now) and now != owner
    try:
        return bool(psutil.Process(owner["process"]).create_time() == owner["started"])
    except psutil.NoSuchProcess:
        return False


def _renew(files: Files, place: str, seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds / 3):
        files.replace_text(place, _terms(seconds))
