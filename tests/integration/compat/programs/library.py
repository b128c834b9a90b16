# SPDX-License-Identifier: MIT
"""libnetfilter_queue by ctypes: whichever library of that name this process has got."""

import ctypes
import errno
import os
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    byref,
    c_char_p,
    c_int,
    c_long,
    c_size_t,
    c_ssize_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
    string_at,
)
from typing import Any

from lane import settled

NFQ = ctypes.CDLL("libnetfilter_queue.so.1", use_errno=True)
#: As the program's own calls would be resolved: what is preloaded comes first.
LIBC = ctypes.CDLL(None, use_errno=True)
_NFNL = ctypes.CDLL("libnfnetlink.so.0", use_errno=True)

CALLBACK = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_void_p)

DROP, ACCEPT, STOLEN, QUEUE, REPEAT, STOP = range(6)
COPY_NONE, COPY_META, COPY_PACKET = range(3)
FAIL_OPEN, CONNTRACK, GSO, UID_GID, SECCTX = (1 << bit for bit in range(5))
MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT = 2, 0x20, 0x40


def _declare(result: object, **functions: tuple[Any, ...]) -> None:
    for name, arguments in functions.items():
        function = getattr(NFQ, name)
        function.restype, function.argtypes = result, arguments


_declare(c_void_p, nfq_open=(), nfq_nfnlh=(c_void_p,), nfq_open_nfnl=(c_void_p,))
_declare(c_void_p, nfq_create_queue=(c_void_p, c_uint16, CALLBACK, c_void_p))
_declare(c_void_p, nfq_get_msg_packet_hdr=(c_void_p,), nfq_get_packet_hw=(c_void_p,))
_declare(c_void_p, nfq_nlmsg_put=(c_void_p, c_int, c_uint32))
_declare(c_int, nfq_fd=(c_void_p,), nfq_close=(c_void_p,), nfq_destroy_queue=(c_void_p,))
_declare(c_int, nfq_bind_pf=(c_void_p, c_uint16), nfq_unbind_pf=(c_void_p, c_uint16))
_declare(c_int, nfq_handle_packet=(c_void_p, c_void_p, c_int), nfq_set_mode=(c_void_p, c_uint8, c_uint32))
_declare(c_int, nfq_set_queue_maxlen=(c_void_p, c_uint32))
_declare(c_int, nfq_set_queue_flags=(c_void_p, c_uint32, c_uint32))
_declare(c_int, nfq_set_verdict=(c_void_p, c_uint32, c_uint32, c_uint32, c_char_p))
_declare(c_int, nfq_set_verdict2=(c_void_p, c_uint32, c_uint32, c_uint32, c_uint32, c_char_p))
_declare(c_int, nfq_set_verdict_mark=(c_void_p, c_uint32, c_uint32, c_uint32, c_uint32, c_char_p))
_declare(c_int, nfq_set_verdict_batch=(c_void_p, c_uint32, c_uint32))
_declare(c_int, nfq_set_verdict_batch2=(c_void_p, c_uint32, c_uint32, c_uint32))
_declare(c_int, nfq_get_timestamp=(c_void_p, c_void_p), nfq_get_payload=(c_void_p, POINTER(c_void_p)))
_declare(c_int, nfq_get_uid=(c_void_p, POINTER(c_uint32)), nfq_get_gid=(c_void_p, POINTER(c_uint32)))
_declare(c_int, nfq_get_secctx=(c_void_p, POINTER(c_void_p)))
_declare(c_int, nfq_snprintf_xml=(c_char_p, c_size_t, c_void_p, c_int))
_declare(None, nfq_nlmsg_cfg_put_cmd=(c_void_p, c_uint16, c_uint8))
_declare(None, nfq_nlmsg_cfg_put_params=(c_void_p, c_uint8, c_int))
_declare(None, nfq_nlmsg_cfg_put_qmaxlen=(c_void_p, c_uint32))
_declare(
    None, nfq_nlmsg_verdict_put=(c_void_p, c_int, c_int), nfq_nlmsg_verdict_put_mark=(c_void_p, c_uint32)
)
_declare(None, nfq_nlmsg_verdict_put_pkt=(c_void_p, c_char_p, c_uint32))
NUMBERS = ("nfmark", "indev", "physindev", "outdev", "physoutdev", "skbinfo")
for _name in NUMBERS:
    _declare(c_uint32, **{f"nfq_get_{_name}": (c_void_p,)})
LIBC.recv.restype, LIBC.recv.argtypes = c_ssize_t, (c_int, c_void_p, c_size_t, c_int)
_resolved = {name: getattr(LIBC, name, None) for name in ("nfnl_fd", "nfnl_rcvbufsiz", "nfnl_portid")}


def nfnl(name: str) -> Callable[..., int]:
    """Return a function of libnfnetlink, as a program that is linked with both would get it."""
    function: Callable[..., int] = _resolved[name] or getattr(_NFNL, name)
    function.restype = c_uint32  # type: ignore[attr-defined]
    return function


def called(result: int | None) -> list[Any]:
    """Return a call's result, with the error's name where it failed."""
    failed = result is None or result < 0
    return [result, errno.errorcode.get(ctypes.get_errno(), "") if failed else ""]


def facts(nfad: int) -> dict[str, Any]:
    """Return all that a callback can learn about a packet, but for times."""
    found: dict[str, Any] = {name: getattr(NFQ, f"nfq_get_{name}")(nfad) for name in NUMBERS}
    header = NFQ.nfq_get_msg_packet_hdr(nfad)
    found["header"] = string_at(header, 7).hex() if header else None
    hardware = NFQ.nfq_get_packet_hw(nfad)
    found["hardware"] = string_at(hardware, 12).hex() if hardware else None
    payload = c_void_p()
    length = NFQ.nfq_get_payload(nfad, byref(payload))
    found["payload"] = [length, settled(string_at(payload, length)).hex() if length > 0 else ""]
    for name in ("uid", "gid"):
        value = c_uint32(0)
        found[name] = [getattr(NFQ, f"nfq_get_{name}")(nfad, byref(value)), value.value]
    found["secctx"] = NFQ.nfq_get_secctx(nfad, byref(c_void_p()))
    found["timestamp"] = NFQ.nfq_get_timestamp(nfad, (c_long * 2)())
    return found


def xml(nfad: int, flags: int, size: int = 65536) -> list[Any]:
    """Return what nfq_snprintf_xml() says and writes."""
    text = ctypes.create_string_buffer(size)
    return [NFQ.nfq_snprintf_xml(text, size, nfad, flags), text.value.decode()]


class Queue:
    """A queue of a handle; ``packets`` has (id, facts) of those that came."""

    def __init__(self, handle: "Handle", number: int) -> None:
        self.number = number
        self.packets: list[tuple[int, dict[str, Any]]] = []
        self.on_packet: Callable[[Queue, int, int], int] | None = None
        self._callback = CALLBACK(self._called)  # kept: C has a pointer to it
        self.pointer = NFQ.nfq_create_queue(handle.pointer, number, self._callback, None)
        self.error = errno.errorcode.get(ctypes.get_errno(), "") if not self.pointer else ""

    def _called(self, _queue: int, _message: int, nfad: int, _data: int) -> int:
        header = NFQ.nfq_get_msg_packet_hdr(nfad)
        number = int.from_bytes(string_at(header, 4), "big")
        if self.on_packet is not None:
            return self.on_packet(self, number, nfad)
        self.packets.append((number, facts(nfad)))
        return 0

    def mode(self, mode: int = COPY_PACKET, copy_range: int = 0xFFFF) -> list[Any]:
        return called(NFQ.nfq_set_mode(self.pointer, mode, copy_range))

    def maxlen(self, packets: int) -> list[Any]:
        return called(NFQ.nfq_set_queue_maxlen(self.pointer, packets))

    def flags(self, mask: int, flags: int) -> list[Any]:
        return called(NFQ.nfq_set_queue_flags(self.pointer, mask, flags))

    def verdict(self, number: int, verdict: int, payload: bytes = b"") -> list[Any]:
        return called(NFQ.nfq_set_verdict(self.pointer, number, verdict, len(payload), payload or None))

    def verdict2(self, number: int, verdict: int, mark: int, payload: bytes = b"") -> list[Any]:
        return called(
            NFQ.nfq_set_verdict2(self.pointer, number, verdict, mark, len(payload), payload or None)
        )

    def batch(self, number: int, verdict: int) -> list[Any]:
        return called(NFQ.nfq_set_verdict_batch(self.pointer, number, verdict))

    def batch2(self, number: int, verdict: int, mark: int) -> list[Any]:
        return called(NFQ.nfq_set_verdict_batch2(self.pointer, number, verdict, mark))

    def destroy(self) -> list[Any]:
        return called(NFQ.nfq_destroy_queue(self.pointer))


class Handle:
    """A handle, and a buffer to receive into."""

    def __init__(self, size: int = 70000) -> None:
        self.pointer = NFQ.nfq_open()
        self.fd = NFQ.nfq_fd(self.pointer)
        self.buffer = ctypes.create_string_buffer(size)

    def queue(self, number: int = 0, mode: int | None = COPY_PACKET) -> Queue:
        queue = Queue(self, number)
        if mode is not None:
            queue.mode(mode)
        return queue

    def received(self, length: int) -> bytes:
        """Return the beginning of the buffer."""
        return self.buffer.raw[: max(0, length)]

    def recv(self, flags: int = MSG_DONTWAIT, size: int | None = None) -> int:
        """Return the length of what came, or -1."""
        return int(LIBC.recv(self.fd, self.buffer, len(self.buffer) if size is None else size, flags))

    def handle(self, length: int) -> int:
        return int(NFQ.nfq_handle_packet(self.pointer, self.buffer, length))

    def pump(self) -> list[list[int]]:
        """Handle all that is there; return lengths and results."""
        found = []
        while (length := self.recv()) >= 0:
            found.append([length, self.handle(length)])
        return found

    def error(self) -> str:
        return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))

    def close(self) -> list[Any]:
        return called(NFQ.nfq_close(self.pointer))


def isolated(case: Callable[[], Any]) -> bytes:
    """Run it in a child and return what it wrote; the child's end is not our concern."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        os.write(write, str(case()).encode())
        os._exit(0)
    os.close(write)
    found = b""
    while data := os.read(read, 65536):
        found += data
    os.close(read)
    os.waitpid(pid, 0)
    return found
