# SPDX-License-Identifier: MIT
"""Handlers of queue 0: over libnetfilter_queue, whichever library that is, and over the ring."""

import ctypes
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    byref,
    c_char_p,
    c_int,
    c_size_t,
    c_ssize_t,
    c_uint16,
    c_uint32,
    c_void_p,
)
from typing import Protocol

LIBRARY, RING = "library", "ring"
_ACCEPT, _COPY_PACKET, _DONTWAIT = 1, 2, 0x40
_LONGEST = 65535
_BUFFER = 70000


class Handler(Protocol):
    """What decides about packets."""

    def packets(self) -> list[tuple[int, bytes]]:
        """Return the packets that wait: a key for the answer, and all bytes of each."""

    def answer(self, key: int, contents: bytes | None) -> None:
        """Accept a packet, with other contents if given."""

    def settle(self) -> None:
        """Return when all that was answered has left."""

    def refused(self) -> int | None:
        """Return how many answers the kernel has refused since the last call, if it says so."""

    def close(self) -> None:
        """End the queue."""


class Library:
    """libnetfilter_queue by ctypes."""

    def __init__(self) -> None:
        self._functions = ctypes.CDLL("libnetfilter_queue.so.1", use_errno=True)
        self._libc = ctypes.CDLL(None, use_errno=True)  # recv() as a program's own calls are resolved
        self._declare()
        self._waiting: list[tuple[int, bytes]] = []
        self._buffer = ctypes.create_string_buffer(_BUFFER)
        self._callback = _CALLBACK(self._called)  # kept: C has a pointer to it
        self._handle = self._functions.nfq_open()
        self._queue = self._handle and self._functions.nfq_create_queue(self._handle, 0, self._callback, None)
        if not self._queue:
            raise OSError(ctypes.get_errno(), "nfq_create_queue")
        self._functions.nfq_set_mode(self._queue, _COPY_PACKET, _LONGEST)
        self._fd = self._functions.nfq_fd(self._handle)

    def _declare(self) -> None:
        declared = {
            "nfq_open": (c_void_p,),
            "nfq_create_queue": (c_void_p, c_void_p, c_uint16, _CALLBACK, c_void_p),
            "nfq_get_msg_packet_hdr": (c_void_p, c_void_p),
            "nfq_fd": (c_int, c_void_p),
            "nfq_set_mode": (c_int, c_void_p, ctypes.c_uint8, c_uint32),
            "nfq_handle_packet": (c_int, c_void_p, c_void_p, c_int),
            "nfq_get_payload": (c_int, c_void_p, POINTER(c_void_p)),
            "nfq_set_verdict": (c_int, c_void_p, c_uint32, c_uint32, c_uint32, c_char_p),
            "nfq_destroy_queue": (c_int, c_void_p),
            "nfq_close": (c_int, c_void_p),
        }
        for name, (result, *arguments) in declared.items():
            function = getattr(self._functions, name)
            function.restype, function.argtypes = result, arguments
        self._libc.recv.restype, self._libc.recv.argtypes = c_ssize_t, (c_int, c_void_p, c_size_t, c_int)

    def _called(self, _queue: int, _message: int, attributes: int, _data: int) -> int:
        header = self._functions.nfq_get_msg_packet_hdr(attributes)
        payload = c_void_p()
        length = self._functions.nfq_get_payload(attributes, byref(payload))
        contents = ctypes.string_at(payload, length) if length > 0 else b""
        self._waiting.append((int.from_bytes(ctypes.string_at(header, 4), "big"), contents))
        return 0

    def packets(self) -> list[tuple[int, bytes]]:
        """Read until nothing is left."""
        while (length := self._libc.recv(self._fd, self._buffer, _BUFFER, _DONTWAIT)) > 0:
            self._functions.nfq_handle_packet(self._handle, self._buffer, length)
        found, self._waiting = self._waiting, []
        return found

    def answer(self, key: int, contents: bytes | None) -> None:
        """Give the verdict; what the call returns is left: the packet's way shows what it did."""
        data = contents or b""
        self._functions.nfq_set_verdict(self._queue, key, _ACCEPT, len(data), data or None)

    def settle(self) -> None:
        """Do nothing: a verdict has been carried out when the call returns."""

    def refused(self) -> int | None:
        """Nobody says."""
        return None

    def close(self) -> None:
        """Destroy the queue."""
        self._functions.nfq_destroy_queue(self._queue)
        self._functions.nfq_close(self._handle)


class RingHandler:
    """The ring's words and answers, written by hand, without a flag that asks the kernel to complete them."""

    def __init__(self) -> None:
        import lane  # only where the module is loaded
        from fastqueue import abi
        from fastqueue.meta import Meta

        self._abi, self._meta = abi, Meta
        self._handler = lane.Handler(frames=64, frame_size=16384, writable=True)
        self._taken = self._refused = 0

    def packets(self) -> list[tuple[int, bytes]]:
        """Take what was published."""
        handler, found = self._handler, []
        while self._taken != handler.fa:
            slot = self._taken & handler.device.ring.mask
            length = self._meta.read(handler.device.ring.meta, slot).captured
            found.append((self._taken, bytes(handler.payload(self._taken)[:length])))
            self._taken += 1
        return found

    def answer(self, key: int, contents: bytes | None) -> None:
        """Store payload, answer and word."""
        handler, abi = self._handler, self._abi
        if contents is None:
            handler.put(key, abi.ANSWER_ACCEPT)
            return
        handler.payload(key)[: len(contents)] = contents
        handler.fields(key, length=len(contents))
        handler.put(key, abi.ANSWER_ACCEPT | abi.WITH_PAYLOAD)

    def settle(self) -> None:
        """Have the sender at work; an answer that it does not take is an error."""
        self._handler.settle()
        if self._handler.stats().invalid_words:
            raise AssertionError(f"an answer was not taken: {self._handler.stats()}")

    def refused(self) -> int | None:
        """Ask the counters."""
        total = getattr(self._handler.stats(), "refused", None)
        if total is None:
            return None
        found, self._refused = total - self._refused, total
        return int(found)

    def close(self) -> None:
        """Close the device."""
        self._handler.close()


_CALLBACK = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_void_p)


def open_handler(path: str) -> Handler:
    """Return the handler of a path, on the processor where the packets come."""
    os.sched_setaffinity(0, {0})
    return RingHandler() if path == RING else Library()
