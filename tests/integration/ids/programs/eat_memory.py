# SPDX-License-Identifier: MIT
"""Take all memory there is, until the process of the given pid is gone: ``eat_memory.py PID``.

Runs in the target. The kernel has to kill somebody; this one it must not, and that one it takes first.
This one's own files stay in memory, and what it takes it takes in single calls: else all would be read
from disk again and again, for a minute, before the kernel finds that there is no more. Between two bites
it rests, so that who was killed can go before there is nothing left again and another has to.
"""

import ctypes
import mmap
import os
import sys
import time

_STEP = 1 << 20
_REST = 0.02  # seconds
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
_MCL_CURRENT = 1
_NEVER, _FIRST = "-1000", "1000"


def _weigh(pid: str, value: str) -> None:
    with open(f"/proc/{pid}/oom_score_adj", "w") as file:  # noqa: PTH123 start-up time
        file.write(value)


def main(pid: str) -> None:
    """Eat, bite by bite."""
    if ctypes.CDLL(None).mlockall(_MCL_CURRENT):
        raise OSError("mlockall")
    _weigh("self", _NEVER)
    _weigh(pid, _FIRST)
    eaten = []
    while os.access(f"/proc/{pid}/exe", os.F_OK):  # not of a zombie
        eaten.append(mmap.mmap(-1, _STEP, flags=_FLAGS))
        time.sleep(_REST)
    print(f"{len(eaten) * _STEP >> 20} MB")


if __name__ == "__main__":
    main(sys.argv[1])
