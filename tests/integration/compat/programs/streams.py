# SPDX-License-Identifier: MIT
"""TCP through a queue: GSO packets whole or in segments, as the flag says."""

import select
import socket
import subprocess
import threading
from collections.abc import Callable
from ctypes import byref, c_void_p, string_at

import library as nfq
from lane import enter
from run import Record

_PORT = 8000
_MTU = 1500
_GSO = 2  # NFQA_SKB_GSO
_BYTES = bytes(range(250)) * 1200

Verdict = Callable[[nfq.Queue, int, int], int]


def _transfer(handle: nfq.Handle) -> bool:
    """Send bytes by TCP to a server here while the handle's packets are served; return whether they came."""
    server = socket.create_server(("127.0.0.1", _PORT))
    done = threading.Event()

    def serve() -> None:
        poll = select.poll()
        poll.register(handle.fd, select.POLLIN)
        while not done.is_set():
            if poll.poll(50):
                handle.pump()

    thread = threading.Thread(target=serve)
    thread.start()
    client = socket.create_connection(("127.0.0.1", _PORT), timeout=20)
    there, _ = server.accept()
    sender = threading.Thread(target=lambda: client.sendall(_BYTES))
    sender.start()
    got = b""
    there.settimeout(20)
    while len(got) < len(_BYTES) and (data := there.recv(65536)):
        got += data
    sender.join()
    done.set()
    thread.join()
    for each in (client, there, server):
        each.close()
    return got == _BYTES


def _run(record: Record, flags: int, verdict: Verdict, mode: int = nfq.COPY_PACKET) -> None:
    enter(f"tcp dport {_PORT} queue num 0", hook="output")
    subprocess.run(["ip", "link", "set", "lo", "mtu", str(_MTU)], check=True)
    handle = nfq.Handle()
    queue = handle.queue(mode=mode)
    record("flags", queue.flags(nfq.GSO, flags))
    largest, whole = [0], [False]

    def look(queue: nfq.Queue, number: int, nfad: int) -> int:
        payload = c_void_p()
        largest[0] = max(largest[0], nfq.NFQ.nfq_get_payload(nfad, byref(payload)))
        whole[0] |= bool(nfq.NFQ.nfq_get_skbinfo(nfad) & _GSO)
        return verdict(queue, number, nfad)

    queue.on_packet = look
    record("came", _transfer(handle))
    record("larger than the MTU", largest[0] > _MTU)
    record("said to be whole", whole[0])
    record("close", handle.close())


def _accept(queue: nfq.Queue, number: int, nfad: int) -> int:
    queue.verdict(number, nfq.ACCEPT)
    return 0


def _accept_as_it_came(queue: nfq.Queue, number: int, nfad: int) -> int:
    payload = c_void_p()
    length = nfq.NFQ.nfq_get_payload(nfad, byref(payload))
    queue.verdict(number, nfq.ACCEPT, string_at(payload, length))
    return 0


def _accept_with_mark(queue: nfq.Queue, number: int, nfad: int) -> int:
    queue.verdict2(number, nfq.ACCEPT, 5)
    return 0


def case_segments(record: Record) -> None:
    _run(record, 0, _accept)


def case_whole(record: Record) -> None:
    _run(record, nfq.GSO, _accept)


def case_whole_with_a_mark(record: Record) -> None:
    _run(record, nfq.GSO, _accept_with_mark)


def case_whole_metadata(record: Record) -> None:
    _run(record, nfq.GSO, _accept, nfq.COPY_META)


def case_segments_with_their_payload(record: Record) -> None:
    _run(record, 0, _accept_as_it_came)
