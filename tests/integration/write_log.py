# SPDX-License-Identifier: MIT
"""What a target wrote to its disk, write by write, and what a power cut after each could have left.

The log is QEMU's (blklogwrites), in the format of Linux's dm-log-writes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.image import disk_image, partition_layout

_MAGIC = 0x6A736677736872
_FLUSH, _FUA, _DISCARD = 1, 2, 4


@dataclass(frozen=True)
class Entry:
    """A write (offset and data) or, without data, only a flush; ``flush``: what came before is kept."""

    offset: int
    data: bytes
    flush: bool
    kept: bool


def entries(log: Path) -> Iterator[Entry]:
    """Entries of a log, in the order in which the target made them."""
    with log.open("rb") as file:
        magic, version, count, sector = struct.unpack("<QQQI", file.read(28))
        assert (magic, version) == (_MAGIC, 1)
        file.seek(sector)
        for _ in range(count):
            head = file.read(sector)
            begin, sectors, flags, _ = struct.unpack_from("<QQQQ", head)
            assert not flags & _DISCARD
            data = file.read(sectors * sector) if sectors else b""
            yield Entry(begin * sector, data, bool(flags & _FLUSH), bool(flags & _FUA))


class Replay:
    """A disk on which writes are kept only by a flush; judges each state that a power cut could leave.

    ``sum`` and ``size`` are those of the one slot image in use: a slot is good if it holds just that.
    """

    def __init__(self, path: Path, sum: str, size: int) -> None:
        self._kept = bytearray(path.read_bytes())
        self._pending: list[Entry] = []
        self._sum, self._size = sum, size
        self._good = {slot: self._holds(slot) for slot in "ab"}
        self._at = self._kept.index(disk_image.environment()[:24], partition_layout.BOOT.begin)
        self._copy = self._kept.index(disk_image.environment()[:24], self._at + partition_layout.SECTOR)
        self.states = self.trials = 0
        self._seen: set[bytes] = set()

    def apply(self, entry: Entry) -> None:
        """Take in the next entry, and check what a cut right after it could leave."""
        if entry.flush:
            self.settle()
        if entry.data:
            self._pending.append(entry)
            self._touch(entry)
            if entry.kept:
                self._keep(entry)
        self._judge()

    def settle(self) -> None:
        """All that is pending is kept."""
        for entry in self._pending:
            self._keep(entry)
        self._pending = []
        self._good = {slot: good or self._holds(slot) for slot, good in self._good.items()}

    def content(self) -> bytes:
        """Return what is kept."""
        return bytes(self._kept)

    def boots(self) -> None:
        """Check what is kept: the next boot has a whole slot, whichever it takes."""
        slot, trial, tries = _variables(self._sector(self._at))
        assert self._good[slot]
        assert self._good[trial] if trial and tries else True

    def _keep(self, entry: Entry) -> None:
        self._kept[entry.offset : entry.offset + len(entry.data)] = entry.data

    def _touch(self, entry: Entry) -> None:
        # A slot that is being written is not good until all of it is kept: any part may be missing.
        for slot, part in (("a", partition_layout.SLOT_A), ("b", partition_layout.SLOT_B)):
            if part.begin < entry.offset + len(entry.data) and entry.offset < part.begin + part.size:
                self._good[slot] = False

    def _holds(self, slot: str) -> bool:
        begin = (partition_layout.SLOT_A if slot == "a" else partition_layout.SLOT_B).begin
        return hashlib.sha256(self._kept[begin : begin + self._size]).hexdigest() == self._sum

    def _sector(self, at: int) -> bytes:
        return bytes(self._kept[at : at + partition_layout.SECTOR])

    def _possible(self, at: int) -> list[bytes]:
        """What a sector may hold after a power cut: what is kept, or any of the pending writes."""
        found = [self._sector(at)]
        for entry in self._pending:
            begin = at - entry.offset
            if 0 <= begin < len(entry.data):
                found.append(entry.data[begin : begin + partition_layout.SECTOR])
        return found

    def _judge(self) -> None:
        """Whichever of the pending writes of grubenv is kept: all that it may boot must be good."""
        for sector in self._possible(self._copy):
            # It counts when the first one is lost, at any moment.
            slot, trial, _ = _variables(sector)
            assert self._good[slot], f"the copy names slot {slot}, which is not whole"
            assert not trial
        for sector in self._possible(self._at):
            slot, trial, tries = _variables(sector)
            assert self._good[slot], f"slot {slot} is committed and not whole"
            if trial and tries:
                assert self._good[trial], f"slot {trial} is on trial and not whole"
                self.trials += sector not in self._seen
                self._seen.add(sector)
        self.states += 1


def _variables(sector: bytes) -> tuple[str, str, int]:
    assert len(sector) == partition_layout.SECTOR
    assert sector.startswith(b"# GRUB Environment Block\n")
    lines = (line.split("=", 1) for line in sector.decode().splitlines() if "=" in line)
    facts = dict(lines)
    return facts["slot"], facts["trial"], int(facts["tries"])
