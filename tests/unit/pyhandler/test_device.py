# SPDX-License-Identifier: MIT
"""Opening, mapping and closing, on a file in memory where the module would be."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import fastqueue.device
import pytest
from fastqueue import Queue, QueueError, RingOptions, abi

PAGE = 4096
REQUEST = RingOptions(5, frames=64, frame_size=64, timeout_ms=20, gso=True)


class FakeModule:
    """Answers ioctls as the module does; areas lie one after the other in a file."""

    def __init__(self) -> None:
        self.memory = os.memfd_create("ring")
        os.ftruncate(self.memory, 1 << 20)
        self.path = f"/proc/self/fd/{self.memory}"
        self.calls: list[tuple[int, bytes]] = []
        self.error = 0

    def ioctl(self, fd: int, number: int, data: bytes | bytearray = b"") -> int:
        self.calls.append((number, bytes(data)))
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        if number in (abi.IOC_ALLOC, abi.IOC_RESIZE):
            assert isinstance(data, bytearray)
            frames, frame_size = abi.RING.unpack(data)[3:5]
            sizes = [
                -(-size // PAGE) * PAGE for size in (64 + 20 * frames, 64 + 96 * frames, frames * frame_size)
            ]
            places = [0, sizes[0], sizes[0], sizes[1], sizes[0] + sizes[1], sizes[2]]
            data[-48:] = abi.RING.pack(*(0,) * 10, *places)[-48:]
        if number == abi.IOC_STATS:
            assert isinstance(data, bytearray)
            data[:] = abi.STATS.pack(*range(16))
        return 0


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModule]:
    module = FakeModule()
    monkeypatch.setattr(fastqueue.device, "ioctl", module.ioctl)
    before = descriptors()
    yield module
    assert descriptors() == before
    os.close(module.memory)


def test_a_ring_is_asked_for_mapped_and_unmapped(module: FakeModule) -> None:
    with Queue(REQUEST, path=module.path) as queue:
        number, data = module.calls[0]
        assert number == abi.IOC_ALLOC
        expected = (abi.ABI_VERSION, 112, 5, 64, 64, 0, abi.DROP, 0, 20, abi.F_GSO)
        assert abi.RING.unpack(data)[:10] == expected
        meta_at = PAGE
        os.pwrite(module.memory, (1).to_bytes(4, "little"), meta_at)  # FA
        os.pwrite(module.memory, (5).to_bytes(4, "little"), meta_at + 64 + 4)  # captured
        os.pwrite(module.memory, b"bytes", PAGE + 2 * PAGE)
        (frame,) = queue.wait(0)
        assert bytes(frame.payload) == b"bytes"
        frame.accept()
        queue.done()
        assert os.pread(module.memory, 4, 64) == b"\x06\0\0\0"
        assert os.pread(module.memory, 4, 0) == b"\x01\0\0\0"
    with pytest.raises(QueueError, match="closed"):
        queue.fileno()


def test_control(module: FakeModule) -> None:
    with Queue(REQUEST, path=module.path) as queue:
        queue.kick()
        queue.set(default_action="accept")
        assert queue.stats() == tuple(range(16))
    assert [number for number, _ in module.calls[1:]] == [abi.IOC_KICK, abi.IOC_SET, abi.IOC_STATS]


def test_resizing_maps_the_new_ring(module: FakeModule) -> None:
    with Queue(REQUEST, path=module.path) as queue:
        queue.resize(frames=256, frame_size=128)
        assert queue.request == REQUEST._replace(frames=256, frame_size=128)
        assert not queue.wait(0)
        module.error = errno.EBUSY
        with pytest.raises(QueueError, match="more packets are out"):
            queue.resize(frames=8)
        module.error = 0
        assert queue.request.frames == 256
        assert not queue.wait(0)  # the ring in use is mapped again


def test_a_held_payload_keeps_its_mapping_and_is_told(module: FakeModule) -> None:
    queue = Queue(REQUEST, path=module.path)
    os.pwrite(module.memory, (1).to_bytes(4, "little"), PAGE)
    os.pwrite(module.memory, (5).to_bytes(4, "little"), PAGE + 64 + 4)
    (frame,) = queue.wait(0)
    held = frame.payload
    with pytest.raises(QueueError, match="let go of all payloads"):
        queue.resize(frames=8)
    with pytest.warns(ResourceWarning, match="still held"):
        queue.close()
    assert bytes(held) == bytes(5)
    with pytest.raises(ValueError, match="released"):
        frame.accept()
    del held


def mapped() -> int:
    """Return how many mappings of the ring this process has."""
    return Path("/proc/self/maps").read_text().count("memfd:ring")


def in_child(work: Callable[[], bool]) -> bool:
    """Return what ``work()`` returns in a child of fork()."""
    pid = os.fork()
    if not pid:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if work() else 1
        os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("end", ["collected", "closed"])
def test_a_child_unmaps_nothing_at_its_parents_addresses(module: FakeModule, end: str) -> None:
    """The module's mappings are not inherited; here they are, which shows who unmaps them."""
    queues = [Queue(REQUEST, path=module.path) for _ in range(2)]
    areas = [area for queue in queues for area in queue._device._maps]  # type: ignore[attr-defined]

    def work() -> bool:
        if end == "closed":
            for queue in queues:
                queue.close()
        queues.clear()
        areas.clear()
        gc.collect()
        return mapped() == 6

    assert in_child(work)
    assert mapped() == 6
    areas.clear()
    for queue in queues:
        queue.close()
    assert mapped() == 0


def test_a_child_that_uses_its_parents_ring_is_told(module: FakeModule) -> None:
    with Queue(REQUEST, path=module.path) as queue:

        def work() -> bool:
            queue.kick()  # the descriptor is there
            with pytest.raises(ValueError, match="released"):
                queue.wait(0)
            with Queue(REQUEST, path=module.path) as own:
                return len(own.wait(0)) == 0

        assert in_child(work)
        assert not queue.wait(0)


def test_closing_twice_is_nothing(module: FakeModule) -> None:
    queue = Queue(REQUEST, path=module.path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        queue.close()
        queue.close()


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.EBUSY, "queue 5 has a handler already; stop that one or take another number"),
        (errno.EPERM, "not allowed to use queue 5; run as root, or with CAP_NET_ADMIN; in a user namespace "),
        (
            errno.EPROTO,
            "another version of the ABI; install module and fastqueue package of the same",
        ),
        (errno.EINVAL, "the kernel refused the parameters of queue 5"),
        (errno.ENOMEM, "no memory for the ring of queue 5; take fewer frames or a smaller frame size"),
        (errno.EIO, "queue 5: Input/output error; look at the kernel's log: dmesg"),
    ],
)
def test_refusals_say_what_to_do(module: FakeModule, number: int, what: str) -> None:
    module.error = number
    with pytest.raises(QueueError) as caught:
        Queue(REQUEST, path=module.path)
    assert what in str(caught.value)
    assert caught.value.errno == number
    assert "\n" not in str(caught.value)


def test_without_module_and_with_another_file() -> None:
    with pytest.raises(QueueError, match=r"the module is not loaded; load it: modprobe fastqueue"):
        Queue(0, path="/dev/no-such-device")
    with pytest.raises(QueueError, match="not a Fast Queue device"):
        Queue(0, path="/dev/null")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"queue": 65536}, "queue is 65536; take 0 to 65535"),
        ({"frames": 100}, "frames is 100; take a power of two"),
        ({"frames": 4}, "frames is 4; take 8 to 65536"),
        ({"frame_size": 100}, "frame size is 100; take a multiple of 64"),
        ({"copy_range": 65}, "copy range is 65; take 0 to 64"),
        ({"period_us": 49}, "period is 49; take 50 to 1000000"),
        ({"default_action": "reject"}, "default action is 'reject'; take accept or drop"),
    ],
)
def test_parameters_are_checked_before_the_device_is_opened(changes: dict[str, int], message: str) -> None:
    with pytest.raises(QueueError) as caught:
        Queue(REQUEST._replace(**changes), path="/dev/no-such-device")  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert caught.value.errno == errno.EINVAL
