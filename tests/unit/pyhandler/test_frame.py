# SPDX-License-Identifier: MIT
"""One packet: bytes in place, metadata, and verdicts with what goes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastqueue import FastQueueError, Frame, Queue, RingOptions, abi

from .fake_kernel import FakeKernel, Settled

Take = Callable[[bytes], Frame]


def changed(payload: bytes, completion: int = 0) -> Settled:
    """Return what the kernel has of packet 0, accepted with other contents."""
    return Settled(0, abi.ACCEPT, payload=payload, completion=completion)


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel(RingOptions(0, frames=8, frame_size=64, writable=True))


@pytest.fixture
def take(kernel: FakeKernel) -> Iterator[Take]:
    """Receive a packet and hand its frame out."""
    with Queue(kernel.request, backend=kernel) as queue:

        def one(packet: bytes) -> Frame:
            kernel.receive(packet, mark=7, priority=3, indev=2, outdev=4, hook=2)
            (frame,) = queue.wait(0)
            return frame

        yield one


def test_payload_is_the_ring_itself(kernel: FakeKernel, take: Take) -> None:
    frame = take(b"first")
    assert bytes(frame.payload) == b"first"
    kernel.payload[0:1] = b"F"
    assert bytes(frame.payload) == b"First"


def test_a_packet_longer_than_its_frame_is_captured_in_part(take: Take) -> None:
    frame = take(bytes(100))
    assert frame.length == 100
    assert len(frame.payload) == 64
    assert frame.meta.truncated


def test_meta_has_every_field_in_the_hosts_order(take: Take) -> None:
    meta = take(b"x" * 10).meta
    assert (meta.length, meta.captured, meta.protocol, meta.hook, meta.family) == (10, 10, 0x0800, 2, 2)
    assert (meta.indev, meta.outdev, meta.mark, meta.priority) == (2, 4, 7, 3)
    assert (meta.vlan_tci, meta.vlan_protocol, meta.gso_size, meta.gso_segments) == (5, 0x8100, 1448, 3)
    assert (meta.timestamp, meta.gso_type, meta.uid, meta.gid) == (1_700_000_000_000_000_000, 1, 1000, 1001)
    assert (meta.hardware_type, meta.hardware_address) == (1, b"\x02\0\0\0\0\x01")
    assert meta.checksum_ready
    assert not meta.gso


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (lambda frame: frame.accept(), Settled(0, abi.ACCEPT)),
        (lambda frame: frame.drop(), Settled(0, abi.DROP)),
        (lambda frame: frame.accept(mark=0), Settled(0, abi.ACCEPT, mark=0)),
        (lambda frame: frame.accept(priority=5), Settled(0, abi.ACCEPT, priority=5)),
        (lambda frame: frame.accept(mark=0xFFFFFFFF, priority=1), Settled(0, abi.ACCEPT, 0xFFFFFFFF, 1)),
        (lambda frame: frame.repeat(mark=9), Settled(0, abi.REPEAT, mark=9)),
        (lambda frame: frame.requeue(12), Settled(0, abi.QUEUE, queue=12)),
        (lambda frame: frame.accept(payload=b"changed"), changed(b"changed")),
        (lambda frame: frame.accept(payload=bytearray(b"other"), lengths=True), changed(b"other", 1)),
        (lambda frame: frame.accept(payload=b"changed", checksums=True), changed(b"changed", 2)),
        (lambda frame: frame.accept(payload=b"1", lengths=True, checksums=True), changed(b"1", 3)),
        (lambda frame: frame.accept(payload=frame.payload[:2]), changed(b"pa")),
        (lambda frame: frame.accept(payload=frame.payload[2:]), changed(b"cket")),
        (lambda frame: frame.accept(payload=memoryview(b"pack").cast("I")), changed(b"pack")),
        (lambda frame: frame.accept(mark=1, payload=b"new"), changed(b"new")._replace(mark=1)),
    ],
)
def test_verdicts(
    kernel: FakeKernel, take: Take, verdict: Callable[[Frame], None], expected: Settled
) -> None:
    verdict(take(b"packet"))
    kernel.send()
    assert kernel.settled == [expected]


def test_the_kernel_compares_contents_with_the_packet(kernel: FakeKernel, take: Take) -> None:
    """The frame does not tell whether they are new: it may have been edited in place before."""
    for same in (b"packet", bytearray(b"packet"), memoryview(b"packet")):
        take(b"packet").accept(payload=same, mark=5)
    frame = take(b"packet")
    frame.payload[0:1] = b"P"
    frame.accept(payload=bytes(frame.payload))
    kernel.send()
    assert kernel.settled == [
        *(changed(b"packet")._replace(name=name, mark=5) for name in range(3)),
        changed(b"Packet")._replace(name=3),
    ]


def test_contents_that_were_edited_in_place_are_sent(kernel: FakeKernel, take: Take) -> None:
    frame = take(b"packet")
    frame.payload[0:1] = b"P"
    frame.accept(payload=frame.payload, checksums=True)
    frame = take(b"packet")
    with memoryview(frame.payload) as view:
        view[5:6] = b"T"
        frame.accept(payload=view)
    kernel.send()
    assert kernel.settled == [changed(b"Packet", 2), changed(b"packeT")._replace(name=1)]


@pytest.mark.parametrize(("lengths", "checksums"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("mark", [None, 1])
def test_completion_is_for_changed_contents_only(
    kernel: FakeKernel, take: Take, *, mark: int | None, lengths: bool, checksums: bool
) -> None:
    frame, words = take(b"packet"), list(kernel.words)
    with pytest.raises(ValueError, match="pass payload too"):
        frame.accept(mark=mark, lengths=lengths, checksums=checksums)
    assert list(kernel.words) == words


def test_an_answer_says_nothing_of_the_one_before(kernel: FakeKernel, take: Take) -> None:
    """The fields of a slot hold what was stored there a lap ago."""
    for _ in range(kernel.request.frames):
        take(b"packet").accept(payload=b"changed", lengths=True, checksums=True)
        kernel.send()
    take(b"packet").accept(payload=b"changed")
    take(b"packet").requeue(7)
    kernel.send()
    assert kernel.settled[-2:] == [changed(b"changed")._replace(name=8), Settled(9, abi.QUEUE, queue=7)]
    *_, flags = abi.ANSWER.unpack_from(kernel.answers, abi.ANSWER.size)
    assert flags == 0


@pytest.mark.parametrize("payload", [b"", bytes(65)])
def test_contents_must_fit(take: Take, payload: bytes) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        take(b"packet").accept(payload=payload)


def test_a_truncated_packet_cannot_be_changed(take: Take) -> None:
    with pytest.raises(ValueError, match="in part"):
        take(bytes(65)).accept(payload=b"x")


def test_a_packet_of_many_segments_cannot_be_changed(kernel: FakeKernel) -> None:
    with Queue(kernel.request, backend=kernel) as queue:
        kernel.receive(b"packet", flags=abi.M_GSO)
        (frame,) = queue.wait(0)
        with pytest.raises(ValueError, match="many segments"):
            frame.accept(payload=b"x")
        frame.accept(payload=b"packet")  # as it came
        kernel.send()
    assert kernel.settled == [Settled(0, abi.ACCEPT)]


@pytest.mark.parametrize("number", [-1, abi.MAX_QUEUE + 1])
def test_a_queue_that_cannot_be(take: Take, number: int) -> None:
    with pytest.raises(ValueError, match=f"no queue {number}"):
        take(b"packet").requeue(number)


def test_contents_of_a_read_only_ring_stay() -> None:
    kernel = FakeKernel(RingOptions(0, frames=8, frame_size=64))
    with Queue(kernel.request, backend=kernel) as queue:
        kernel.receive(b"packet")
        (frame,) = queue.wait(0)
        with pytest.raises(FastQueueError, match="writable=True"):
            frame.accept(payload=b"x")
        with pytest.raises(TypeError, match="read-only"):
            frame.payload[0] = 1


def test_an_answer_that_comes_too_late_leaves_the_next_packet_alone(kernel: FakeKernel, take: Take) -> None:
    late = take(b"late")
    kernel.time_out(1)
    kernel.receive_many(8)  # the same slot again, in the next lap
    words = list(kernel.words)
    assert late.settled
    late.drop()
    late.accept(mark=1, payload=b"no")
    late.requeue(3)
    assert list(kernel.words) == words
