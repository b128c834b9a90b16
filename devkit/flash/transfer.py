# SPDX-License-Identifier: MIT
"""Clear, write, read back: the bytes of a flash, on anything that is a Medium."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BufferedReader

from devkit.flash.exit_status import VERIFY, WRITE
from devkit.flash.medium import Medium, aligned
from devkit.flash.transfer_progress import Advance
from devkit.host.errors import KitError

CHUNK = 1 << 20
#: Backups of a GPT, md's, ZFS's and BIOS RAIDs' superblocks lie in this last part of a disk (bytes).
TAIL = 1 << 20


def cleared(size: int, image: int) -> list[tuple[int, int]]:
    """Offsets and ends of what is overwritten with zeros on a medium of ``size`` bytes before the image.

    The front, so that what is incomplete does not look like a disk; the end, behind the image.
    """
    front = (0, min(CHUNK, image))
    tail = (max(image, (size - TAIL) // CHUNK * CHUNK), size)
    return [front, tail] if tail[0] < tail[1] else [front]


def write(file: BufferedReader, medium: Medium, size: int, advance: Advance) -> None:
    """Write ``size`` bytes of ``file`` to the medium, its first chunk last; KitError FQ-FLASH-WRITE.

    Without that chunk there is no boot code and no partition table: an incomplete target cannot be
    taken for one. What is not overwritten of the old content's table at the end is cleared.
    """
    offset = 0
    buffer = aligned(CHUNK)
    try:
        for offset, end in (span for area in cleared(medium.size, size) for span in _chunks(*area)):
            _put(medium, offset, memoryview(buffer)[: end - offset])
        for offset, end in [*_chunks(CHUNK, size), (0, min(CHUNK, size))]:
            view = memoryview(buffer)[: end - offset]
            file.seek(offset)
            if file.readinto(view) != len(view):
                raise KitError("FQ-FLASH-WRITE", "the image became shorter", "start again", status=WRITE)
            _put(medium, offset, view)
            advance(len(view))
        medium.flush()
    except OSError as error:
        what = f"writing to {medium.path} failed at or after byte {offset} of {size}: {error.strerror}"
        remedy = f"{medium.path} is incomplete: try another medium, reader or port"
        raise KitError("FQ-FLASH-WRITE", what, remedy, status=WRITE) from error


def verify(file: BufferedReader, medium: Medium, size: int, sha256: str, advance: Advance) -> None:
    """Read the medium and compare it with the image, the image's hash, and zeros where it was cleared.

    KitError FQ-FLASH-VERIFY names the first byte that differs or cannot be read.
    """
    digest = hashlib.sha256()
    buffer = aligned(CHUNK)
    for offset, end in _chunks(0, size):
        view = memoryview(buffer)[: end - offset]
        _get(medium, offset, view)
        file.seek(offset)
        wanted = file.read(len(view))
        if view != wanted:
            raise _differs(medium, offset + _first_difference(bytes(view), wanted))
        digest.update(view)
        advance(len(view))
    for start, stop in cleared(medium.size, size)[1:]:
        for offset, end in _chunks(start, stop):
            view = memoryview(buffer)[: end - offset]
            _get(medium, offset, view)
            if any(view):
                raise _differs(medium, offset + _first_difference(bytes(view), bytes(len(view))))
    if digest.hexdigest() != sha256:
        what = "the image file changed while it was written"
        raise KitError("FQ-FLASH-VERIFY", what, "let nobody write to it, and start again", status=VERIFY)


def _chunks(start: int, stop: int) -> Iterator[tuple[int, int]]:
    for offset in range(start, stop, CHUNK):
        yield offset, min(offset + CHUNK, stop)


def _put(medium: Medium, offset: int, view: memoryview) -> None:
    while view:
        count = medium.write(offset, view)
        view = view[count:]
        offset += count


def _get(medium: Medium, offset: int, view: memoryview) -> None:
    try:
        while view:
            count = medium.read(offset, view)
            if not count:
                raise OSError(0, "it ends there")
            view = view[count:]
            offset += count
    except OSError as error:
        what = f"reading {medium.path} back failed at byte {offset}: {error.strerror}"
        raise KitError(
            "FQ-FLASH-VERIFY", what, "try another medium, reader or port", status=VERIFY
        ) from error


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _differs(medium: Medium, offset: int) -> KitError:
    what = f"{medium.path}: byte {offset} reads back otherwise than it was written"
    remedy = "the medium is worn out or claims more room than it has, or the reader is at fault: take another"
    return KitError("FQ-FLASH-VERIFY", what, remedy, status=VERIFY)
