# SPDX-License-Identifier: MIT
"""A log of bounded size: what a guest says for ever does not fill the disk.

``NAME`` grows to LIMIT bytes and then becomes ``NAME.0``, later ``NAME.1`` and so on; of those only the last
one stays. Positions count all bytes ever written: ``NAME`` begins at LIMIT times the number of those before.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

#: Bytes of a file; two of them are kept.
LIMIT = 8 << 20
_ATTEMPTS = 10


class Writer:
    """Writes a log from its beginning; what was there is removed."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        for _, old in _earlier(path):
            old.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        _draft(path).unlink(missing_ok=True)
        self.path = path
        self._limit = limit
        self._number = 0
        self._room = limit
        self._file = path.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        """Append ``data``; OSError as files have it, after which a later call may work again."""
        view = memoryview(data)
        while view:
            if not self._room:
                self._next()
            count = self._file.write(view[: self._room])
            self._room -= count
            view = view[count:]

    def _next(self) -> None:
        """Begin the next file. Nothing is changed if it cannot be made: then the next call tries again."""
        draft = _draft(self.path)
        draft.unlink(missing_ok=True)
        file = draft.open("xb", buffering=0)
        try:
            _rotate(self.path, _named(self.path, self._number), draft)
        except BaseException:
            file.close()
            draft.unlink(missing_ok=True)
            raise
        self._file.close()
        self._file, self._room = file, self._limit
        self._number += 1
        if self._number > 1:
            with contextlib.suppress(OSError):
                _named(self.path, self._number - 2).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rotate(path: Path, full: Path, draft: Path) -> None:
    path.rename(full)
    try:
        draft.rename(path)
    except BaseException:
        full.rename(path)
        raise


def read(path: Path, since: int = 0, limit: int = LIMIT) -> tuple[int, bytes]:
    """Return what is left of the log from the position ``since`` on, and where that begins."""
    for _ in range(_ATTEMPTS):
        before = _earlier(path)
        start, data = since, bytearray()
        for begin, part in [
            *((number * limit, old) for number, old in before[-1:]),
            (_begin(before, limit), path),
        ]:
            content = _content(part, max(0, since - begin))
            if content and not data:
                start = max(since, begin)
            data += content
        if _earlier(path) == before:
            break
    return start, bytes(data)


def size(path: Path, limit: int = LIMIT) -> int:
    """Return how many bytes were written ever."""
    for _ in range(_ATTEMPTS):
        before = _earlier(path)
        found = path.stat().st_size if path.exists() else 0
        if _earlier(path) == before:
            break
    return _begin(before, limit) + found


def _content(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""


def _begin(earlier: list[tuple[int, Path]], limit: int) -> int:
    return (earlier[-1][0] + 1) * limit if earlier else 0


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _named(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _earlier(path: Path) -> list[tuple[int, Path]]:
    """Full files before the present one, by number."""
    found = []
    for file in path.parent.glob(f"{path.name}.*"):
        number = file.name.removeprefix(f"{path.name}.")
        if number.isdecimal() and len(number) < 12:
            found.append((int(number), file))
    return sorted(found)
