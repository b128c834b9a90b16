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

from devkit.paths import cache_dir
from devkit.progress import say

MANIFEST = ".manifest.json"
DAY = 86400.0


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
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            parts += [name, str(path.lstat().st_mode & 0o170111), content]
        parts.append("end of a tree")
    return digest(*parts)


def tree_files(root: Path) -> Iterator[Path]:
    """Files and links below ``root`` in a fixed order, byte code left out."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files + [f for f in folders if Path(folder, f).is_symlink()]):
            path = Path(folder, name)
            if "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path


def entry(kind: str, key: str, make: Callable[[Path], None], *, fresh: bool = False) -> Path:
    """Folder of the entry ``kind``/``key``, made by ``make(folder)`` if it is not there whole.

    ``fresh`` makes it again in any case. Two processes that want the same entry make it
    once: the second waits. Whatever ``make`` raises is passed on and leaves no entry.
    """
    place = cache_dir() / kind / key
    place.parent.mkdir(parents=True, exist_ok=True)
    if not fresh and is_whole(place):
        os.utime(place)
        return place
    before = _stamp(place)
    with _lock(place):
        made_meanwhile = fresh and _stamp(place) != before
        if (fresh and not made_meanwhile) or not is_whole(place):
            _make(place, make)
    return place


def _make(place: Path, make: Callable[[Path], None]) -> None:
    work = place.with_name(f".{place.name}.work")
    remove_tree(work)
    work.mkdir()
    try:
        make(work)
        (work / MANIFEST).write_text(json.dumps(_sizes(work)))
        remove_tree(place)
        work.rename(place)
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
    """Hold the right to make ``place``; it ends with the process at the latest."""
    with place.with_name(f".{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another build is making {place.parent.name}/{place.name}: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_locked(place: Path) -> bool:
    with place.with_name(f".{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def prune(kind: str, keep: int, older_than: float = DAY) -> list[Path]:
    """Remove the entries of ``kind`` that nobody used for ``older_than`` seconds.

    The ``keep`` latest stay in any case, and what is just being made. Returns what went.
    """
    folder = cache_dir() / kind
    places = [path for path in folder.glob("[!.]*") if path.is_dir()]
    places.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    limit = time.time() - older_than
    gone = [path for path in places[keep:] if path.stat().st_mtime < limit and not _is_locked(path)]
    for path in gone:
        remove_tree(path)
        path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
    for work in folder.glob(".*.work"):
        place = work.with_name(work.name[1 : -len(".work")])
        if not _is_locked(place):
            remove_tree(work)
    return gone


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, also where folders lack write permission."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o755)
    shutil.rmtree(path)


def link_or_copy(source: Path, destination: Path) -> None:
    """Put a file elsewhere without its blocks being copied where the file system can do that."""
    destination.unlink(missing_ok=True)
    try:
        destination.hardlink_to(source)
    except OSError:
        shutil.copy2(source, destination)


def total_size(paths: Iterable[Path]) -> int:
    """Bytes of all files below ``paths``."""
    return sum(size for path in paths for size in _sizes(path).values())
