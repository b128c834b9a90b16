# SPDX-License-Identifier: MIT
"""Content-addressed cache: what was made from the same inputs is made once.

An entry is a folder ``<cache>/<kind>/<key>``, made in a folder beside it and renamed
when complete, so that it is there as a whole or not at all. A manifest in it lists its
files with their sizes: an entry that lost some (a full disk, an interrupted ``rm``) is
made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from devkit.host import file_lock, private_dir
from devkit.host.errors import KitError
from devkit.host.paths import cache_dir
from devkit.host.progress import say

MANIFEST = ".manifest.json"
DAY = 86400.0


def directory() -> Path:
    """Return the cache's directory, which is made where it is missing and is this user's alone.

    KitError FQ-CACHE where it cannot be made, belongs to somebody else or can be written to by others: its
    entries are trusted, and a stranger's would be too.
    """
    path = cache_dir()
    try:
        os.close(private_dir.make(path, tighten=True))
    except PermissionError as error:
        remedy = f"remove it (rm -r {path}) or point XDG_CACHE_HOME at a directory of your own"
        raise KitError("FQ-CACHE", f"the cache is not private: {path} {error.strerror}", remedy) from error
    except OSError as error:
        remedy = "point XDG_CACHE_HOME at a directory of yours that can be written"
        raise KitError("FQ-CACHE", f"the cache cannot be used: {error}", remedy) from error
    return path


def digest(*parts: str | bytes) -> str:
    """Key made of ``parts``, each with its length so that moved borders change it; 20 hex digits."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(f"{len(data)}:".encode())
        state.update(data)
    return state.hexdigest()[:20]


def digest_file(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(*roots: Path) -> str:
    """Key of the files below ``roots`` (or of the files themselves): names, modes, contents.

    Python's byte code is left out. A root that does not exist counts as an empty one.
    """
    parts: list[str | bytes] = []
    for root in roots:
        for path in [root] if root.is_file() else tree_files(root):
            name = path.name if path == root else str(path.relative_to(root))
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            parts += [name, str(path.lstat().st_mode & 0o170111), content]
        parts.append("end of a tree")
    return digest(*parts)


def tree_files(root: Path, *, byte_code: bool = False) -> Iterator[Path]:
    """Files and links below ``root`` in a fixed order; Python's byte code only with ``byte_code``."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files + [f for f in folders if Path(folder, f).is_symlink()]):
            path = Path(folder, name)
            if byte_code or path.suffix != ".pyc":
                yield path


def entry(
    kind: str, key: str | Callable[[], str], make: Callable[[Path], None], *, fresh: bool = False
) -> Path:
    """Folder of the entry ``kind``/``key``, made by ``make(folder)`` if it is not there whole.

    A callable ``key`` is asked again after ``make``: where somebody edited the inputs meanwhile,
    what was made is thrown away and made again. ``fresh`` makes it again in any case. Two processes
    that want the same entry make it once: the second waits. Whatever ``make`` raises is passed on
    and leaves no entry.
    """
    while True:
        place = directory() / kind / (key if isinstance(key, str) else key())
        if _ensure(place, make, key, fresh):
            os.utime(place)
            return place
        say(f"{kind}: files were changed while they were being built: building again")


def existing(kind: str, key: str) -> Path | None:
    """Return the directory of the entry ``kind``/``key`` if it is there whole; mark it as used."""
    place = directory() / kind / key
    if not is_whole(place):
        return None
    os.utime(place)
    return place


def _ensure(place: Path, make: Callable[[Path], None], key: str | Callable[[], str], fresh: bool) -> bool:
    """Have ``place`` whole; False where what it is made from changed under way."""
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise KitError(
            "FQ-CACHE",
            f"the cache cannot be used: {error}",
            "point XDG_CACHE_HOME at a folder of yours that can be written",
        ) from error
    if not fresh and is_whole(place):
        return True
    before = _stamp(place)
    with _lock(place):
        made_meanwhile = _stamp(place) != before if fresh else True
        if made_meanwhile and is_whole(place):
            return True
        return _make(place, make, key)


def _make(place: Path, make: Callable[[Path], None], key: str | Callable[[], str]) -> bool:
    work = place.with_name(f".{place.name}.work")
    remove_tree(work)
    work.mkdir()
    try:
        make(work)
        if not isinstance(key, str) and key() != place.name:
            return False
        (work / MANIFEST).write_text(json.dumps(_sizes(work)))
        remove_tree(place)
        work.rename(place)
        return True
    finally:
        remove_tree(work)


def is_whole(place: Path) -> bool:
    """Whether an entry is complete: each file of its manifest there, with its size."""
    try:
        manifest: dict[str, int] = json.loads((place / MANIFEST).read_text())
        return all((place / name).lstat().st_size == size for name, size in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sizes(root: Path) -> dict[str, int]:
    every = (Path(folder, name) for folder, _, files in os.walk(root) for name in files)
    return {str(path.relative_to(root)): path.lstat().st_size for path in every}


def _stamp(place: Path) -> int:
    try:
        return (place / MANIFEST).stat().st_ino
    except OSError:
        return 0


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    """Hold the right to make or remove ``place``; it ends with the process at the latest."""
    file = _open_locked(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if file is None:
        say(f"Another build is making {place.parent.name}/{place.name}: waiting for it.")
        file = _open_locked(place, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if file is not None:
            file.close()


def _lock_file(place: Path) -> Path:
    return place.with_name(f".{place.name}.lock")


def _open_locked(place: Path, operation: int) -> IO[bytes] | None:
    """Locked lock file of ``place``; None where another process holds it (with LOCK_NB)."""
    path = _lock_file(place)
    while True:
        file = os.fdopen(file_lock.open_file(path), "r+b")
        try:
            fcntl.flock(file, operation)
            # prune() may have removed the file between open and lock.
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except BlockingIOError:
            file.close()
            return None
        except FileNotFoundError:
            pass
        file.close()


def prune(kind: str, keep: int, older_than: float = DAY) -> list[Path]:
    """Remove the entries of ``kind`` that nobody used for ``older_than`` seconds.

    The ``keep`` latest stay in any case, and what is just being made; what builders that
    died left behind goes too. Returns the entries that went.
    """
    folder = directory() / kind
    places = [path for path in folder.glob("[!.]*") if path.is_dir()]
    places.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    limit = time.time() - older_than
    gone = [path for path in places[keep:] if path.stat().st_mtime < limit and _remove(path, path)]
    for work in folder.glob(".*.work"):
        _remove(work, work.with_name(work.name[1 : -len(".work")]))
    return gone


def _remove(path: Path, place: Path) -> bool:
    """Remove ``path``, of the entry ``place``, unless somebody is making that entry."""
    file = _open_locked(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if file is None:
        return False
    with file:
        remove_tree(path)
        if not place.exists():
            _lock_file(place).unlink(missing_ok=True)
    return True


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it, also where directories lack write permission.

    Files that another process removes at the same time are no error.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for _, _, _, descriptor in os.fwalk(path):
        os.fchmod(descriptor, 0o700)
    shutil.rmtree(path, onerror=_unless_gone)


def _unless_gone(
    _call: object, _path: str, failure: tuple[type[BaseException], BaseException, object]
) -> None:
    """Raise what rmtree came across, unless it is that a file was gone already."""
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]


def total_size(paths: Iterable[Path]) -> int:
    """Bytes of all files below ``paths``."""
    return sum(size for path in paths for size in _sizes(path).values())
