# SPDX-License-Identifier: MIT
"""Run-time folders of the labs: one a lab, private to the user, gone with the lab.

<runtime>/<lab>/control.sock   the supervisor; a lab lives as long as it answers
<runtime>/<lab>/*.sock         the target's command channel, console, serial port, QMP
<runtime>/<lab>/*.lock         who uses them

Each use looks whether <runtime> is still this user's alone, and whether a process of this user answers.
out/logs/labs/<lab>/*.log      what they said, kept when the lab is gone

With a run-time folder of one's own (FASTQUEUE_RUNTIME) the logs go beside labs, to a folder named after it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.host import file_lock, paths, private_dir
from devkit.host.errors import KitError
from devkit.lab import protocol

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_LONGEST_SOCKET = 107
_KEPT_LOGS = 20
_DIGITS = 8
_PATIENCE = 120.0  # s: to start or end a lab takes a few
_OURS = (".sock", ".lock")


def check_name(name: str) -> str:
    """Return ``name`` if a lab may have it, else raise KitError FQ-LAB."""
    if not _NAME.fullmatch(name):
        remedy = "use lower-case letters, digits and dashes, 31 at most"
        raise KitError("FQ-LAB", f"{name!r} cannot be the name of a lab", remedy)
    return name


def top() -> Path:
    """Return the directory of all labs, whether or not it exists; FQ-RUNTIME if it is not ours alone."""
    found = paths.runtime_dir()
    try:
        private_dir.check(found)
    except OSError as error:
        raise _unusable(found, error) from error
    return found


def _unusable(place: Path, error: OSError) -> KitError:
    remedy = "remove it, or set FASTQUEUE_RUNTIME to a short path in a directory of your own"
    return KitError("FQ-RUNTIME", f"{place} cannot be used: it {error.strerror}", remedy)


def path(name: str) -> Path:
    """Run-time folder of a lab, whether or not it exists; KitError FQ-RUNTIME as ``top``."""
    return top() / check_name(name)


def control(name: str) -> Path:
    """Control socket of a lab."""
    return path(name) / "control.sock"


def all_logs() -> Path:
    """Folder of the logs of all labs; those of two run-time folders never meet, whatever their names are.

    What lies there and does not live in this run-time folder is old, and ``sweep`` may remove it.
    """
    if not os.environ.get("FASTQUEUE_RUNTIME"):
        return paths.LOGS / "labs"
    place = paths.runtime_dir()
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()
    return paths.LOGS / f"{place.name}-{digest[:_DIGITS]}"


def logs(name: str) -> Path:
    """Folder of a lab's logs."""
    return all_logs() / name


def alive(name: str) -> bool:
    """Whether the supervisor of a lab answers; KitError FQ-PEER where it is another user's."""
    try:
        protocol.connect(control(name)).close()
    except OSError:
        return False
    return True


def names() -> list[str]:
    """Names of all run-time folders, of live and of dead labs, sorted."""
    place = top()
    found = (entry.name for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else ()
    return sorted(name for name in found if _NAME.fullmatch(name))


@contextmanager
def locked() -> Iterator[None]:
    """Hold the lock under which folders are made and removed; waits for it.

    KitError FQ-RUNTIME if the directory of all labs is not this user's alone, FQ-BUSY if the lock stays held.
    """
    place = paths.runtime_dir()
    try:
        os.close(private_dir.make(place))
        what = "another process starts or ends a lab and does not come to its end"
        busy = KitError("FQ-BUSY", what, f"fuser -v {place / '.lock'} shows it; end it, run this again")
        descriptor = file_lock.hold(
            place / ".lock", busy, _PATIENCE, "Another process starts or ends a lab: waiting."
        )
    except OSError as error:
        raise _unusable(place, error) from error
    try:
        yield
    finally:
        os.close(descriptor)


def check_free(name: str) -> None:
    """Raise KitError FQ-BUSY where a lab of that name lives."""
    if alive(name):
        remedy = f"./inv down --lab {name}, or use another name (--lab)"
        raise KitError("FQ-BUSY", f"a lab named {name} is running", remedy)


def create(name: str) -> Path:
    """Make the empty folder of a new lab (under the lock); FQ-BUSY where the lab lives."""
    folder = path(name)
    if len(os.fsencode(folder / "control.sock")) > _LONGEST_SOCKET:
        remedy = "set FASTQUEUE_RUNTIME to a shorter path"
        raise KitError("FQ-RUNTIME", f"{folder} is too long for a socket", remedy)
    if folder.exists():
        check_free(name)
        remove(folder)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        remedy = "set FASTQUEUE_RUNTIME to a folder that nothing else uses"
        raise KitError("FQ-RUNTIME", f"{folder} cannot be made: {error.strerror}", remedy) from error
    return folder


def remove(folder: Path) -> None:
    """Remove a lab's run-time folder, unless it holds what no lab puts there."""
    private_dir.remove(folder, _OURS)


def create_logs(name: str) -> Path:
    """Make the empty folder of a new lab's logs; FQ-RUNTIME where that is not possible."""
    folder = logs(name)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        remedy = "make the folder out/ of the project your own"
        raise KitError("FQ-RUNTIME", f"{folder} cannot be made: {error.strerror}", remedy) from error
    return folder


def sweep() -> None:
    """Remove the folders of dead labs (under the lock), and all but the latest logs."""
    for name in names():
        if not alive(name):
            remove(path(name))
    kept = all_logs()
    found = sorted(kept.iterdir(), key=lambda entry: entry.stat().st_mtime) if kept.is_dir() else []
    for entry in found[:-_KEPT_LOGS]:
        if not alive(entry.name):
            shutil.rmtree(entry, ignore_errors=True)
