# SPDX-License-Identifier: MIT
"""The kernel's ABI in Python: numbers and structures of ``linux/fastqueue.h``.

``tests/unit/pyhandler/test_abi.py`` compares every value here with the C header.
Structures are packed with ``=``: host byte order, standard sizes; the header
has no implicit padding, so that this is its layout.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

ABI_VERSION: Final = 2
DEVICE: Final = "/dev/fastqueue"
PROC_FILE: Final = "/proc/net/fastqueue"

MIN_FRAMES: Final = 8
MAX_FRAMES: Final = 65536
MIN_FRAME_SIZE: Final = 64
MAX_FRAME_SIZE: Final = 65536
MIN_PERIOD_US: Final = 50
MAX_PERIOD_US: Final = 1000000
MAX_QUEUE: Final = 65535

# The word of a frame: lap << 8 | flags | verdict << 2 | state.
STATE_MASK: Final = 0x00000003
AVAILABLE: Final = 0
OCCUPIED: Final = 1
PROCESSED: Final = 2

VERDICT_SHIFT: Final = 2
VERDICT_MASK: Final = 0x0000001C
DROP: Final = 0
ACCEPT: Final = 1
QUEUE: Final = 3
REPEAT: Final = 4

WITH_MARK: Final = 0x00000020
WITH_PRIORITY: Final = 0x00000040
WITH_PAYLOAD: Final = 0x00000080

LAP_SHIFT: Final = 8
LAP_MASK: Final = 0xFFFFFF00

# What a handler answers, without the lap: the usual words, put together once.
ANSWER_DROP: Final = PROCESSED | DROP << VERDICT_SHIFT
ANSWER_ACCEPT: Final = PROCESSED | ACCEPT << VERDICT_SHIFT
ANSWER_QUEUE: Final = PROCESSED | QUEUE << VERDICT_SHIFT
ANSWER_REPEAT: Final = PROCESSED | REPEAT << VERDICT_SHIFT

# Pointers FA, FO and FP are free-running counts of 32 bits.
COUNT_MASK: Final = 0xFFFFFFFF

# Answer area: control, words, answers.
CONTROL_SIZE: Final = 64
CONTROL_FO: Final = 0  # 32-bit index
WORDS_OFFSET: Final = 64
ANSWER: Final = Struct("=3I2H")  # mark, priority, len, queue, flags

# Flags of an answer with WITH_PAYLOAD: what the kernel adds to the changed packet.
A_LENGTHS: Final = 0x0001
A_CHECKSUMS: Final = 0x0002
A_ALL: Final = 0x0003

# Meta area: status, meta.
STATUS_SIZE: Final = 64
STATUS_FA: Final = 0  # 32-bit indices
STATUS_FP: Final = 1
META_OFFSET: Final = 64
META_CAP_LEN: Final = 1  # 32-bit index in a meta entry
META: Final = Struct("=3I 2s 2B 6I H 2s 2H Q 3I 2H 8s 16x")

M_TRUNCATED: Final = 0x01
M_CSUM_NOT_READY: Final = 0x02
M_GSO: Final = 0x04
M_VLAN: Final = 0x08
M_UID: Final = 0x10
M_CSUM_VALID: Final = 0x20

F_TIMER_ONLY: Final = 0x01
F_UNORDERED: Final = 0x02
F_GSO: Final = 0x04
F_WRITABLE: Final = 0x08
F_TIMESTAMP: Final = 0x10
F_UID: Final = 0x20
F_ALL: Final = 0x3F
F_LIVE: Final = F_GSO | F_TIMESTAMP | F_UID

RING: Final = Struct("=10I 24x 6Q")
SETTINGS: Final = Struct("=7I 4x")
STATS: Final = Struct("=16Q")

SET_DEFAULT_ACTION: Final = 0x01
SET_PERIOD: Final = 0x02
SET_TIMEOUT: Final = 0x04
SET_COPY_RANGE: Final = 0x08
SET_LIMIT: Final = 0x10
SET_FLAGS: Final = 0x20
SET_ALL: Final = 0x3F

IOC_MAGIC: Final = 0xFA
_IOC_WRITE = 1
_IOC_READ = 2


def _ioc(direction: int, number: int, size: int) -> int:
    """Return an ioctl number as ``asm-generic/ioctl.h`` composes it (x86, ARM, RISC-V)."""
    return direction << 30 | size << 16 | IOC_MAGIC << 8 | number


IOC_ALLOC: Final = _ioc(_IOC_READ | _IOC_WRITE, 1, RING.size)
IOC_KICK: Final = _ioc(0, 2, 0)
IOC_SET: Final = _ioc(_IOC_WRITE, 3, SETTINGS.size)
IOC_STATS: Final = _ioc(_IOC_READ, 4, STATS.size)
IOC_RESIZE: Final = _ioc(_IOC_READ | _IOC_WRITE, 5, RING.size)
IOC_WAIT: Final = _ioc(0, 6, 0)
