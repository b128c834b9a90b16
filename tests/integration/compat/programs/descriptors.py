# SPDX-License-Identifier: MIT
"""The descriptor as callers use it: like a socket, for they were written for one."""

import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import threading
import time

import library as nfq
from lane import Flow, enter, to_queue
from run import Record


def _begin() -> tuple[nfq.Handle, nfq.Queue, Flow]:
    enter(to_queue())
    handle = nfq.Handle()
    return handle, handle.queue(), Flow()


def _poll(fd: int) -> list[int]:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return [events for _, events in poll.poll(0)]


def case_poll(record: Record) -> None:
    handle, queue, flow = _begin()
    record("nothing", _poll(handle.fd))
    flow.send(3)
    for step in range(3):
        record(f"packet {step}", _poll(handle.fd))
        record(f"handled {step}", handle.handle(handle.recv()))
    record("all taken", _poll(handle.fd))
    record("verdicts", [queue.verdict(number, nfq.ACCEPT) for number in (1, 2, 3)])
    record("settled", _poll(handle.fd))
    queue.verdict(99, nfq.ACCEPT)
    record("an error waits", _poll(handle.fd))
    record("error", handle.pump())
    record("after the error", _poll(handle.fd))


def case_select(record: Record) -> None:
    handle, _queue, flow = _begin()
    record("nothing", bool(select.select([handle.fd], [], [], 0)[0]))
    flow.send(1)
    record("packet", bool(select.select([handle.fd], [], [], 5)[0]))
    handle.pump()
    record("taken", bool(select.select([handle.fd], [], [], 0)[0]))


def case_epoll(record: Record) -> None:
    handle, _queue, flow = _begin()
    level, edge = select.epoll(), select.epoll()
    level.register(handle.fd, select.EPOLLIN)
    edge.register(handle.fd, select.EPOLLIN | select.EPOLLET)
    record("nothing", [len(each.poll(0)) for each in (level, edge)])
    flow.send(2)
    record("packets", [len(each.poll(1)) for each in (level, edge)])
    record("still", [len(each.poll(0)) for each in (level, edge)])
    handle.handle(handle.recv())
    record("one left", len(level.poll(0)))
    handle.pump()
    record("none left", [len(each.poll(0)) for each in (level, edge)])
    flow.send(1)
    record("one more", [len(each.poll(1)) for each in (level, edge)])


def case_poll_loop(record: Record) -> None:
    handle, queue, flow = _begin()
    poll = select.poll()
    poll.register(handle.fd, select.POLLIN)
    queue.on_packet = lambda queue, number, nfad: min(0, queue.verdict(number, nfq.ACCEPT)[0])
    arrived: list[int] = []
    for _ in range(50):
        flow.send(3)
        for _ in range(3):
            poll.poll(1000)
            handle.handle(handle.recv(0))
        poll.poll(0)
        arrived += flow.arrived(0)
    record("arrived when poll() returns", arrived)


def case_would_block(record: Record) -> None:
    handle, _queue, flow = _begin()
    record("MSG_DONTWAIT", [handle.recv(), handle.error()])
    flags = fcntl.fcntl(handle.fd, fcntl.F_GETFL)
    record("access", flags & os.O_ACCMODE)
    record("set", fcntl.fcntl(handle.fd, fcntl.F_SETFL, flags | os.O_NONBLOCK))
    record("O_NONBLOCK", [handle.recv(0), handle.error()])
    flow.send(1)
    record("there", handle.handle(handle.recv(0)))
    record("os.read", _try(lambda: os.read(handle.fd, 100)))


def _try(call: object) -> object:
    try:
        return call()  # type: ignore[operator]
    except OSError as error:
        return errno.errorcode.get(error.errno or 0)


def case_time_limit(record: Record) -> None:
    handle, _queue, flow = _begin()
    limit = struct.pack("ll", 0, 150000)
    libc = nfq.LIBC
    record("set", libc.setsockopt(handle.fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit, len(limit)))
    back, size = ctypes.create_string_buffer(16), ctypes.c_uint32(16)
    record("get", libc.getsockopt(handle.fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, back, ctypes.byref(size)))
    record("value", struct.unpack_from("ll", back)[0])
    began = time.monotonic()
    record("nothing", [handle.recv(0), handle.error()])
    record("waited", 0.1 < time.monotonic() - began < 5)
    flow.send(1)
    record("there", handle.handle(handle.recv(0)))
    record("off", libc.setsockopt(handle.fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(8), 8))


def case_options(record: Record) -> None:
    handle, _queue, _flow = _begin()
    libc = nfq.LIBC
    one = (1).to_bytes(4, "little")
    record("NO_ENOBUFS", libc.setsockopt(handle.fd, 270, 5, one, 4))
    record("unknown", [libc.setsockopt(handle.fd, 270, 999, one, 4), handle.error()])
    value, size = ctypes.c_int(0), ctypes.c_uint32(4)
    for name in ("SO_TYPE", "SO_DOMAIN", "SO_PROTOCOL", "SO_ERROR"):
        libc.getsockopt(
            handle.fd, socket.SOL_SOCKET, getattr(socket, name), ctypes.byref(value), ctypes.byref(size)
        )
        record(name, value.value)
    address, size = ctypes.create_string_buffer(12), ctypes.c_uint32(12)
    record("getsockname", libc.getsockname(handle.fd, address, ctypes.byref(size)))
    record("family", [int.from_bytes(address.raw[:2], "little"), size.value])
    nfnlh = ctypes.c_void_p(nfq.NFQ.nfq_nfnlh(handle.pointer))
    record("nfnl_fd", nfq.nfnl("nfnl_fd")(nfnlh) == handle.fd)
    record("nfnl_rcvbufsiz", nfq.nfnl("nfnl_rcvbufsiz")(nfnlh, 1500000))
    record("nfnl_portid", nfq.nfnl("nfnl_portid")(nfnlh) == int.from_bytes(address.raw[4:8], "little"))


def case_recvfrom(record: Record) -> None:
    handle, _queue, flow = _begin()
    flow.send(2)
    address, size = ctypes.create_string_buffer(28), ctypes.c_uint32(28)
    libc = nfq.LIBC
    length = libc.recvfrom(handle.fd, handle.buffer, 70000, 0, address, ctypes.byref(size))
    record("recvfrom", [length, size.value, address.raw[: size.value].hex(), handle.handle(length)])
    record("read", handle.handle(libc.read(handle.fd, handle.buffer, 70000)))


def case_python_socket(record: Record) -> None:
    handle, queue, flow = _begin()
    with socket.fromfd(handle.fd, socket.AF_UNIX, socket.SOCK_STREAM) as copy:
        copy.settimeout(0.2)
        record("nothing", _try(lambda: copy.recv(100)))
        flow.send(3)
        for _ in range(3):
            data = copy.recv(65536)
            ctypes.memmove(handle.buffer, data, len(data))
            record("handled", [len(data), handle.handle(len(data))])
        record("parts", _parts(copy, flow))
    flow.send(1)
    record("the first descriptor goes on", handle.pump())
    record("ids", [number for number, _ in queue.packets])


def _parts(copy: socket.socket, flow: Flow) -> object:
    flow.filler = bytes(200)
    flow.send(1)
    head, body = bytearray(20), bytearray(1000)
    length, ancillary, flags, address = copy.recvmsg_into([head, body])
    return [length, len(ancillary), flags, bytes(head).hex(), str(address)]


def case_duplicates(record: Record) -> None:
    handle, _queue, flow = _begin()
    copy = os.dup(handle.fd)
    flow.send(1)
    record("closed", handle.close())
    record("through the copy", len(os.read(copy, 1000)))
    flow.send(1)
    record("bound still", len(os.read(copy, 1000)))
    os.close(copy)
    record("arrived", flow.arrived())
    other = nfq.Handle()
    record("free", bool(other.queue().pointer))


def case_numbers_used_again(record: Record) -> None:
    handle, _queue, _flow = _begin()
    fd = handle.fd
    left, right = socket.socketpair()
    handle.close()
    os.dup2(left.fileno(), fd)
    right.send(b"plain")
    record("another file", os.read(fd, 100).decode())


def case_interrupted(record: Record) -> None:
    handle, _queue, flow = _begin()
    for restart in (False, True):
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, not restart)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        threading.Timer(0.4, flow.send).start()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        length = handle.recv(0)
        record(f"restart {restart}", [length, handle.error() if length < 0 else handle.handle(length)])
        time.sleep(0.5)
        handle.pump()


def case_two_queues(record: Record) -> None:
    enter(to_queue(1), to_queue(2, 7010))
    handle = nfq.Handle()
    first, second = handle.queue(1), handle.queue(2)
    flow, other = Flow(), Flow(7010)
    flow.send(3)
    other.send(2)
    record("messages", sorted(handle.pump()))
    record("ids", [[number for number, _ in queue.packets] for queue in (first, second)])
    record("verdicts", [queue.verdict(number, nfq.ACCEPT) for queue in (first, second) for number in (1, 2)])
    record("arrived", [flow.arrived(), other.arrived()])


def case_many_queues(record: Record) -> None:
    enter(*(to_queue(number, 7000 + 2 * number) for number in range(24)))
    handle = nfq.Handle()
    queues = [handle.queue(number) for number in range(24)]
    flows = [Flow(7000 + 2 * number) for number in range(24)]
    for queue in queues:
        queue.on_packet = lambda queue, number, nfad: min(0, queue.verdict(number, nfq.ACCEPT)[0])
    for flow in flows:
        flow.send(4)
        for _ in range(4):
            handle.handle(handle.recv(0))
    record("none left", _poll(handle.fd))
    record("arrived", [flow.arrived(0.05) for flow in flows])
