# SPDX-License-Identifier: MIT
"""Threads, forks, and handles beside each other in one process."""

import ctypes
import os
import threading
import time

import library as nfq
from lane import Flow, enter, to_queue
from run import Record


def _serve(handle: nfq.Handle, packets: int) -> None:
    for _ in range(packets):
        handle.handle(handle.recv(0))


def _accept(queue: nfq.Queue, number: int, nfad: int) -> int:
    queue.packets.append((number, {}))
    queue.verdict(number, nfq.ACCEPT)
    return 0


def case_a_thread_waits(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    queue.on_packet = _accept
    flow = Flow()
    thread = threading.Thread(target=_serve, args=(handle, 6))
    thread.start()
    for _ in range(6):
        time.sleep(0.05)
        flow.send(1)
    thread.join(20)
    record("ended", not thread.is_alive())
    record("arrived", flow.arrived())


def case_verdicts_of_another_thread(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    flow = Flow()
    thread = threading.Thread(target=_serve, args=(handle, 7), daemon=True)
    thread.start()
    flow.send(6)
    until = time.monotonic() + 10
    while len(queue.packets) < 6 and time.monotonic() < until:
        time.sleep(0.01)
    for number in (2, 1, 6, 5):
        record(f"verdict {number}", queue.verdict(number, nfq.ACCEPT))
        record(f"arrived {number}", flow.arrived(0.05))
    flow.send(1)
    thread.join(20)
    record("ended", not thread.is_alive())


def case_handles_and_threads(record: Record) -> None:
    enter(*(to_queue(number, 7000 + 2 * number) for number in range(4)))
    handles = [nfq.Handle() for _ in range(4)]
    queues = [handle.queue(number) for number, handle in enumerate(handles)]
    flows = [Flow(7000 + 2 * number) for number in range(4)]
    for queue in queues:
        queue.on_packet = _accept
    threads = [threading.Thread(target=_serve, args=(handle, 200)) for handle in handles]
    for thread in threads:
        thread.start()
    for _ in range(20):
        for flow in flows:
            flow.send(10)
        time.sleep(0.02)
    for thread in threads:
        thread.join(30)
    record("ended", [not thread.is_alive() for thread in threads])
    record("ids", [[number for number, _ in queue.packets] == list(range(1, 201)) for queue in queues])
    record("arrived", [len(flow.arrived()) for flow in flows])


def case_threads_on_one_handle(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    buffers = [ctypes.create_string_buffer(4096) for _ in range(3)]
    queue.on_packet = _accept
    flow = Flow()

    def serve(buffer: object) -> None:
        while (length := nfq.LIBC.recv(handle.fd, buffer, 4096, 0)) > 100:
            nfq.NFQ.nfq_handle_packet(handle.pointer, buffer, length)

    flow.filler = bytes(100)
    threads = [threading.Thread(target=serve, args=(buffer,), daemon=True) for buffer in buffers]
    for thread in threads:
        thread.start()
    for _ in range(30):
        flow.send(10)
        time.sleep(0.01)
    arrived = flow.arrived(1.0)
    record("each once", sorted(arrived) == list(range(300)))
    record("ids", sorted(number for number, _ in queue.packets) == list(range(1, 301)))


def case_daemon(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    queue.on_packet = _accept
    flow = Flow()
    flow.send(2)
    record("before", handle.pump())
    read, write = os.pipe()
    middle = os.fork()
    if not middle:
        if os.fork():
            os._exit(0)
        os.read(read, 1)
        _serve(handle, 4)
        os._exit(0)
    os.waitpid(middle, 0)
    flow.send(2)
    os.write(write, b"x")
    time.sleep(0.1)
    flow.send(2)
    record("arrived", flow.arrived(1.0))


def case_child_that_leaves_it_alone(record: Record) -> None:
    enter(to_queue())
    handle = nfq.Handle()
    queue = handle.queue()
    queue.on_packet = _accept
    flow = Flow(filler=3000)
    pid = os.fork()
    if not pid:
        time.sleep(0.5)
        os._exit(0)
    flow.send(3)
    record("meanwhile", handle.pump())
    os.waitpid(pid, 0)
    flow.send(3)
    record("after", handle.pump())
    record("arrived", flow.arrived())


class _Paused:
    """A handle whose first callback waits, in a thread of its own, until it may look at its packet again."""

    def __init__(self, *, verdict_first: bool) -> None:
        enter(to_queue())
        self.handle = nfq.Handle()
        self.queue, self.flow = self.handle.queue(), Flow(filler=1000)
        self.found: list[list[object]] = []
        self._verdict_first = verdict_first
        self._inside, self._go_on = threading.Event(), threading.Event()
        self.queue.on_packet = self._look
        self.flow.send(1)
        self._thread = threading.Thread(target=_serve, args=(self.handle, 1))
        self._thread.start()
        self._inside.wait(20)

    def _look(self, queue: nfq.Queue, number: int, nfad: int) -> int:
        payload = ctypes.c_void_p()
        length = nfq.NFQ.nfq_get_payload(nfad, ctypes.byref(payload))
        before = ctypes.string_at(payload, length)
        if self._verdict_first:
            queue.verdict(number, nfq.ACCEPT)
        if number == 1:
            self._inside.set()
            self._go_on.wait(20)
        self.found.append([number, length, ctypes.string_at(payload, length) == before])
        return 0

    def go_on(self) -> list[list[object]]:
        """Have the callback go on to its end; return what all callbacks found."""
        self._go_on.set()
        self._thread.join(20)
        return self.found


def case_destroyed_under_a_callback(record: Record) -> None:
    """Another thread ends the queue, or all; the callback reads its packet on."""
    for close in (False, True):
        paused = _Paused(verdict_first=False)
        record("destroyed", paused.queue.destroy())
        if close:
            record("closed", paused.handle.close())
        record("found", paused.go_on())
        record("arrived", paused.flow.arrived())
        paused.flow.sender.close()
        paused.flow.receiver.close()


def case_ring_exchanged_under_a_callback(record: Record) -> None:
    """Larger and larger packets come while a thread looks at a small one, and has answered it."""
    paused = _Paused(verdict_first=True)
    other = ctypes.create_string_buffer(70000)
    for size in (3000, 9000, 20000, 40000):
        paused.flow.filler = bytes(size)
        paused.flow.send(1)
        length = nfq.LIBC.recv(paused.handle.fd, other, len(other), 0)
        nfq.NFQ.nfq_handle_packet(paused.handle.pointer, other, length)
    record("found", paused.go_on())
    record("arrived", paused.flow.arrived())
