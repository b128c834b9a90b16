# SPDX-License-Identifier: MIT
"""Another local user: code that runs in a child with a uid that nobody has."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

#: Debian's "nobody", in whose name nothing runs here.
UID = 65534

needs_root = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="only root can act as a second user; the other tests of this file cover the rest",
)


def run(action: Callable[[], object]) -> None:
    """Run ``action`` as the other user, in a child; AssertionError where it raises."""
    child = _fork(action)
    _, status = os.waitpid(child, 0)
    assert status == 0, "the other user's part failed, see above"


@contextmanager
def running(action: Callable[[Callable[[], None]], object]) -> Iterator[int]:
    """Run ``action`` as the other user until the body ends; it is given what to call once it is ready."""
    reader, writer = os.pipe()
    child = _fork(lambda: action(lambda: os.close(writer)), keep=writer)
    os.close(writer)
    try:
        os.read(reader, 1)
        yield child
    finally:
        os.close(reader)
        os.kill(child, 9)
        os.waitpid(child, 0)


def _fork(action: Callable[[], object], keep: int | None = None) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
        action()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
