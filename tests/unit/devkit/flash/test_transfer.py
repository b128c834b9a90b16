# SPDX-License-Identifier: MIT
"""Clear, write and compare, on a medium in memory that can fail."""

from __future__ import annotations

import errno
import hashlib
import random
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.flash import exit_status, transfer
from devkit.flash.transfer import CHUNK
from devkit.host.errors import KitError

SIZE = 3 * CHUNK + 1536
Spoiler = Callable[[int, int], None]


class Memory:
    """A medium of random content; ``writes`` has the offsets in order, at most ``most`` bytes go at once."""

    path = "/dev/memory"

    def __init__(self, size: int, most: int = CHUNK) -> None:
        self.size = size
        self.content = bytearray(random.Random(1).randbytes(size))
        self.writes: list[int] = []
        self.flushed = 0
        self.spoil_write: Spoiler = lambda offset, count: None
        self.spoil_read: Spoiler = lambda offset, count: None
        self._most = most

    def read(self, offset: int, view: memoryview) -> int:
        count = min(len(view), self._most, self.size - offset)
        self.spoil_read(offset, count)
        view[:count] = self.content[offset : offset + count]
        return count

    def write(self, offset: int, view: memoryview) -> int:
        count = min(len(view), self._most)
        self.spoil_write(offset, count)
        self.writes.append(offset)
        self.content[offset : offset + count] = view[:count]
        return count

    def flush(self) -> None:
        self.flushed = len(self.writes)


@pytest.fixture
def data() -> bytes:
    return random.Random(2).randbytes(SIZE)


@pytest.fixture
def file(tmp_path: Path, data: bytes) -> BufferedReader:
    (tmp_path / "disk.img").write_bytes(data)
    return (tmp_path / "disk.img").open("rb")


def write(file: BufferedReader, medium: Memory) -> int:
    """Write all of it and return what the progress was told."""
    told: list[int] = []
    transfer.write(file, medium, SIZE, told.append)
    return sum(told)


def verify(file: BufferedReader, medium: Memory, data: bytes) -> int:
    told: list[int] = []
    transfer.verify(file, medium, SIZE, hashlib.sha256(data).hexdigest(), told.append)
    return sum(told)


@pytest.mark.parametrize("most", [CHUNK, 65536])
def test_all_is_written_and_compared(file: BufferedReader, data: bytes, most: int) -> None:
    medium = Memory(8 * CHUNK, most)
    assert write(file, medium) == SIZE
    assert medium.content[:SIZE] == data
    assert medium.content[-CHUNK:] == bytes(CHUNK)
    assert medium.flushed == len(medium.writes)
    assert verify(file, medium, data) == SIZE


def test_the_front_is_cleared_first_and_written_last(file: BufferedReader) -> None:
    medium = Memory(8 * CHUNK)
    write(file, medium)
    assert medium.writes[0] == medium.writes[-1] == 0
    assert medium.writes.count(0) == 2


def test_what_failed_has_no_partition_table(file: BufferedReader) -> None:
    medium = Memory(8 * CHUNK)
    medium.spoil_write = failing_at(2 * CHUNK)
    with pytest.raises(KitError) as caught:
        write(file, medium)
    assert caught.value.status == exit_status.WRITE
    assert caught.value.what == f"writing to /dev/memory failed at or after byte {2 * CHUNK} of {SIZE}: gone"
    assert "/dev/memory is incomplete" in caught.value.remedy
    assert not any(medium.content[:CHUNK])


def failing_at(place: int) -> Spoiler:
    def spoil(offset: int, count: int) -> None:
        if offset <= place < offset + count:
            raise OSError(errno.ENODEV, "gone")

    return spoil


def test_an_error_of_the_last_flush_counts(file: BufferedReader, monkeypatch: pytest.MonkeyPatch) -> None:
    medium = Memory(8 * CHUNK)
    monkeypatch.setattr(medium, "flush", lambda: failing_at(0)(0, 1))
    with pytest.raises(KitError) as caught:
        write(file, medium)
    assert caught.value.code == "FQ-FLASH-WRITE"


@pytest.mark.parametrize("place", [0, 1, CHUNK - 1, CHUNK, SIZE - 1, 8 * CHUNK - CHUNK, 8 * CHUNK - 1])
def test_one_bit_that_differs_is_found(file: BufferedReader, data: bytes, place: int) -> None:
    medium = Memory(8 * CHUNK)
    write(file, medium)
    medium.content[place] ^= 1
    with pytest.raises(KitError, match=rf"byte {place} reads back otherwise") as caught:
        verify(file, medium, data)
    assert (caught.value.code, caught.value.status) == ("FQ-FLASH-VERIFY", exit_status.VERIFY)


def test_what_cannot_be_read_is_not_believed(file: BufferedReader, data: bytes) -> None:
    medium = Memory(8 * CHUNK)
    write(file, medium)
    medium.spoil_read = failing_at(CHUNK)
    with pytest.raises(KitError, match=f"back failed at byte {CHUNK}: gone"):
        verify(file, medium, data)


def test_a_medium_that_ends_early_is_not_believed(file: BufferedReader, data: bytes) -> None:
    medium = Memory(8 * CHUNK)
    write(file, medium)
    medium.size = 2 * CHUNK
    with pytest.raises(KitError, match="it ends there"):
        verify(file, medium, data)


def test_an_image_that_changed_meanwhile_is_not_believed(file: BufferedReader) -> None:
    medium = Memory(8 * CHUNK)
    write(file, medium)
    with pytest.raises(KitError, match="image file changed"):
        verify(file, medium, b"what was checked")


def test_an_image_that_became_shorter(file: BufferedReader, tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(CHUNK))
    with pytest.raises(KitError, match="became shorter"):
        write(file, Memory(8 * CHUNK))


@given(st.integers(1, 5000), st.integers(0, 5000))
def test_what_is_cleared(image_sectors: int, more_sectors: int) -> None:
    image, size = image_sectors * 512, (image_sectors + more_sectors) * 512
    front, *tail = transfer.cleared(size, image)
    assert front == (0, min(CHUNK, image))
    if not more_sectors:
        assert tail == []
    else:
        ((start, stop),) = tail
        # Never a byte of the image, always the backup of a GPT (33 sectors at the end), where there is room.
        assert image <= start <= max(image, size - 33 * 512)
        assert stop == size
