# SPDX-License-Identifier: MIT
"""The message-building half of the library, over a netlink socket of the program's own."""

import ctypes
import os
import socket
import struct
import threading
import time
from typing import Any

import library as nfq
from lane import Flow, enter, leave, to_queue
from run import Record

_NETFILTER = 12
_PACKET, _VERDICT, _CONFIG, _BATCH = range(4)
_REQUEST, _ACK = 1, 4
_BIND, _UNBIND = 1, 2


class Netlink:
    """A socket, and messages that nfq_nlmsg_*() builds."""

    def __init__(self, fd: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER, fd)
        if fd is None:
            self.socket.bind((0, 0))
        # not settimeout(), with which Python polls before each call
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))

    def message(self, kind: int, queue: int, *puts: tuple[Any, ...], ack: bool = False) -> bytes:
        """Return a message with what ``puts`` (function, arguments) add."""
        buffer = ctypes.create_string_buffer(9000)
        pointer = nfq.NFQ.nfq_nlmsg_put(buffer, kind, queue)
        for name, *arguments in puts:
            getattr(nfq.NFQ, f"nfq_nlmsg_{name}")(pointer, *arguments)
        length, kind, flags = struct.unpack_from("=IHH", buffer)
        struct.pack_into("=H", buffer, 6, flags | (_ACK if ack else 0))
        return buffer.raw[:length]

    def ask(self, kind: int, queue: int, *puts: tuple[Any, ...]) -> list[Any]:
        """Send a message that is to be acknowledged; return the length and error of the answer."""
        self.socket.send(self.message(kind, queue, *puts, ack=True))
        data = self.socket.recv(9000)
        return [len(data), *struct.unpack_from("=HH", data, 4), struct.unpack_from("=i", data, 16)[0]]

    def setup(self, queue: int = 0, mode: int = nfq.COPY_PACKET, size: int = 0xFFFF) -> None:
        """Bind a queue."""
        self.ask(_CONFIG, queue, ("cfg_put_cmd", socket.AF_INET, _BIND))
        self.ask(_CONFIG, queue, ("cfg_put_params", mode, size))

    def verdict(self, queue: int, number: int, verdict: int, *more: tuple[Any, ...]) -> None:
        """Send a verdict."""
        self.socket.send(self.message(_VERDICT, queue, ("verdict_put", number, verdict), *more))

    def all(self) -> list[bytes]:
        """Return the messages that are there."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(70000, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return found


def case_configuration(record: Record) -> None:
    enter()
    netlink = Netlink()
    bind = ("cfg_put_cmd", socket.AF_INET, _BIND)
    record("mode of none", netlink.ask(_CONFIG, 3, ("cfg_put_params", 2, 100)))
    record("bind", netlink.ask(_CONFIG, 3, bind))
    record("again", netlink.ask(_CONFIG, 3, bind))
    record("mode", netlink.ask(_CONFIG, 3, ("cfg_put_params", 2, 100)))
    record("length", netlink.ask(_CONFIG, 3, ("cfg_put_qmaxlen", 100)))
    record("both", netlink.ask(_CONFIG, 4, bind, ("cfg_put_params", 2, 0xFFFF), ("cfg_put_qmaxlen", 10)))
    record("unknown command", netlink.ask(_CONFIG, 3, ("cfg_put_cmd", 0, 9)))
    record("pf bind", netlink.ask(_CONFIG, 0, ("cfg_put_cmd", socket.AF_INET, 3)))
    record("unbind", netlink.ask(_CONFIG, 3, ("cfg_put_cmd", 0, _UNBIND)))
    record("unbind again", netlink.ask(_CONFIG, 3, ("cfg_put_cmd", 0, _UNBIND)))


def case_queue_of_another_socket(record: Record) -> None:
    enter()
    owner = Netlink()
    owner.setup(3)
    record("mode", Netlink().ask(_CONFIG, 3, ("cfg_put_params", 2, 100)))


def case_messages(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.setup()
    flow = Flow(filler=50)
    flow.sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 99)
    flow.send(2)
    for data in netlink.all():
        attributes = {}
        at = 20
        while at + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            attributes[kind] = data[at + 4 : at + length].hex()
            at += (length + 3) & ~3
        # the bytes but for the IP identification and its checksum, which chance decides
        record(
            "message",
            [
                len(data),
                data[:20].hex(),
                sorted((kind, attributes[kind]) for kind in attributes if kind != 10),
            ],
        )
        payload = attributes[10]
        record("payload", [payload[:8], payload[12:20], payload[24:]])
    netlink.verdict(0, 1, nfq.ACCEPT)
    netlink.verdict(0, 2, nfq.DROP)
    record("answers", netlink.all())
    record("arrived", flow.arrived())


def case_verdicts(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.setup()
    flow = Flow()
    flow.send(6)
    payload = netlink.all()[0][-32:]
    netlink.verdict(0, 1, nfq.ACCEPT, ("verdict_put_mark", 7))
    changed = bytearray(payload)
    changed[26:28] = b"\0\0"
    changed[-4:] = (77).to_bytes(4, "big")
    netlink.verdict(0, 2, nfq.ACCEPT, ("verdict_put_pkt", bytes(changed), len(changed)))
    netlink.socket.send(netlink.message(_BATCH, 0, ("verdict_put", 4, nfq.DROP)))
    record("acknowledged", netlink.ask(_VERDICT, 0, ("verdict_put", 5, nfq.ACCEPT)))
    record("unknown", netlink.ask(_VERDICT, 0, ("verdict_put", 50, nfq.ACCEPT)))
    record("no header", netlink.ask(_VERDICT, 0))
    record("no queue", netlink.ask(_VERDICT, 1, ("verdict_put", 1, nfq.ACCEPT)))
    record("arrived", flow.arrived())


def case_several_messages_at_once(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.setup()
    flow = Flow()
    flow.send(3)
    netlink.all()
    words = [netlink.message(_VERDICT, 0, ("verdict_put", number, nfq.ACCEPT)) for number in (1, 2, 3)]
    record("sent", netlink.socket.send(b"".join(words)) == sum(map(len, words)))
    record("arrived", flow.arrived())


def case_parse(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.setup()
    Flow().send(1)
    data = ctypes.create_string_buffer(netlink.all()[0])
    attributes = (ctypes.c_void_p * 32)()
    record("parsed", nfq.NFQ.nfq_nlmsg_parse(data, attributes))
    record("found", [number for number, pointer in enumerate(attributes) if pointer])


def case_conntrack_beside_it(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.setup()
    flow = Flow()
    flow.send(1)
    # IPCTNL_MSG_CT_GET of a zone's statistics: another subsystem on the same socket
    netlink.socket.send(struct.pack("=IHHII4x", 20, 1 << 8 | 5, _REQUEST | _ACK, 5, 0))
    kinds = []
    for _ in range(2):
        data = netlink.socket.recv(70000)
        kinds.append(struct.unpack_from("=H", data, 4)[0])
    netlink.verdict(0, 1, nfq.ACCEPT)
    record("arrived", flow.arrived())
    record("both came", len(kinds))


def _serve(record: Record, netlink: Netlink, flow: Flow) -> None:
    """Bind a queue, and accept what a flow sends."""
    netlink.setup()
    flow.send(3)
    record("messages", [len(data) for data in netlink.all()])
    for number in (1, 2, 3):
        netlink.verdict(0, number, nfq.ACCEPT)
    record("arrived", flow.arrived())


def case_unshare_before_bind(record: Record) -> None:
    """The queue is the one of the socket's network namespace, which the process has left."""
    enter(to_queue())
    netlink, flow = Netlink(), Flow()
    leave()
    _serve(record, netlink, flow)


def case_socket_of_another_namespace(record: Record) -> None:
    """A process elsewhere opens the socket and passes it."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if not pid:
        enter(to_queue())
        flow, opened = Flow(), Netlink()
        socket.send_fds(theirs, [b"x"], [opened.socket.fileno()])
        theirs.recv(1)
        flow.send(3)
        theirs.send(b"sent")
        theirs.send(str(flow.arrived(1.0)).encode())
        os._exit(0)
    enter()
    _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
    netlink = Netlink(fd)
    netlink.setup()
    ours.send(b"x")
    ours.recv(4)
    record("messages", [len(data) for data in netlink.all()])
    for number in (1, 2, 3):
        netlink.verdict(0, number, nfq.ACCEPT)
    record("arrived", ours.recv(100).decode())
    os.waitpid(pid, 0)


def case_readers_are_there_first(record: Record) -> None:
    """Threads sleep on the socket, or are about to, when another thread binds the queue."""
    enter(to_queue())
    flow, found = Flow(), []

    def read(netlink: Netlink) -> None:
        data = netlink.socket.recv(4096)
        found.append([len(data), *struct.unpack_from("=H", data, 4)])

    for turn in range(40):
        netlink = Netlink()
        threads = [threading.Thread(target=read, args=(netlink,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.05 if turn % 4 == 0 else turn / 20000)
        netlink.socket.send(
            netlink.message(
                _CONFIG,
                0,
                ("cfg_put_cmd", socket.AF_INET, _BIND),
                ("cfg_put_params", nfq.COPY_PACKET, 0xFFFF),
            )
        )
        flow.send(2)
        for thread in threads:
            thread.join(20)
        record(f"ended {turn}", [thread.is_alive() for thread in threads])
        netlink.socket.close()
    record("found", found)


def case_time_limit_before_bind(record: Record) -> None:
    enter(to_queue())
    netlink = Netlink()
    netlink.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    netlink.setup()
    try:
        record("came", len(netlink.socket.recv(4096)))
    except BlockingIOError:
        record("limit", True)


def case_duplicate_before_bind(record: Record) -> None:
    enter(to_queue())
    netlink, flow = Netlink(), Flow()
    copy = netlink.socket.dup()
    copy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
    netlink.setup()
    flow.send(2)
    record("messages", [len(copy.recv(4096)), len(netlink.socket.recv(4096))])
    netlink.socket.close()
    flow.send(1)
    record("the copy goes on", len(copy.recv(4096)))


class _Part(ctypes.Structure):
    _fields_ = (("start", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("parts", ctypes.POINTER(_Part)),
        ("number", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("length", ctypes.c_uint),
    )


def _send_all(fd: int, *messages: bytes) -> list[Any]:
    """Call sendmmsg(); return its result and the lengths."""
    parts = [_Part(data, len(data)) for data in messages]
    found = (_Message * len(messages))(*(_Message(None, 0, ctypes.pointer(part), 1) for part in parts))
    return [nfq.LIBC.sendmmsg(fd, found, len(messages), 0), [each.length for each in found]]


def case_other_calls(record: Record) -> None:
    """write(), writev(), sendmmsg(), read() and readv() in place of send() and recv()."""
    enter(to_queue())
    flow = Flow()
    for turn in range(3):
        netlink = Netlink()
        fd = netlink.socket.fileno()
        bind = netlink.message(_CONFIG, 0, ("cfg_put_cmd", socket.AF_INET, _BIND), ack=True)
        mode = netlink.message(_CONFIG, 0, ("cfg_put_params", nfq.COPY_PACKET, 0xFFFF), ack=True)
        if turn == 0:
            record("write", [os.write(fd, bind) == len(bind), os.write(fd, mode) == len(mode)])
        elif turn == 1:
            record("writev", os.writev(fd, [bind[:20], bind[20:]]) == len(bind))
            record("writev again", os.writev(fd, [mode]) == len(mode))
        else:
            record("sendmmsg", _send_all(fd, bind, mode) == [2, [len(bind), len(mode)]])
        record("acknowledged", [len(os.read(fd, 4096)), len(os.read(fd, 4096))])
        flow.send(3)
        head, body = bytearray(20), bytearray(1000)
        record("readv", [os.readv(fd, [head, body]), bytes(head[4:6]).hex()])
        record("others", [len(os.read(fd, 4096)) for _ in range(2)])
        words = [netlink.message(_VERDICT, 0, ("verdict_put", number, nfq.ACCEPT)) for number in (1, 3)]
        record("verdicts", _send_all(fd, *words)[0])
        record("arrived", flow.arrived())
        netlink.socket.close()


def case_pktbuff(record: Record) -> None:
    packet = (
        bytes.fromhex("45000024000040004011000000000000")
        + bytes(4)
        + bytes.fromhex("1b591b5800100000")
        + b"datadata"
    )
    library = nfq.NFQ
    library.pktb_alloc.restype = library.pktb_data.restype = library.nfq_ip_get_hdr.restype = ctypes.c_void_p
    library.nfq_udp_get_hdr.restype = ctypes.c_void_p
    buffer = ctypes.c_void_p(library.pktb_alloc(socket.AF_INET, packet, len(packet), 100))
    header = ctypes.c_void_p(library.nfq_ip_get_hdr(buffer))
    record("transport", library.nfq_ip_set_transport_header(buffer, header))
    udp = ctypes.c_void_p(library.nfq_udp_get_hdr(buffer))
    record("payload length", library.nfq_udp_get_payload_len(udp, buffer))
    record("mangle", library.nfq_udp_mangle_ipv4(buffer, 0, 4, b"longer", 6))
    record("mangled", bool(library.pktb_mangled(buffer) & 1))
    record("bytes", ctypes.string_at(library.pktb_data(buffer), library.pktb_len(buffer)).hex())
    text = ctypes.create_string_buffer(500)
    record("text", [library.nfq_ip_snprintf(text, 500, header), text.value.decode()])
    library.pktb_free(buffer)
