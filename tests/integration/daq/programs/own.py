# SPDX-License-Identifier: MIT
"""What daq_fastqueue offers beside daq_nfq, and what it refuses; a case fails where it is otherwise."""

import ctypes
import signal
import socket
import subprocess
import threading
import time

import daq
from daq import BLOCK, PASS, READ_FILE, REPLACE, WHITELIST, Source, complete_udp
from lane import Flow, chain, enter, to_queue
from run import Record

_PRE_ROUTING = 0x8
_MTU = 1500


def _started(*words: str, snaplen: int = 65535, timeout: int = 200) -> Source:
    source = Source("queue=4", *words, snaplen=snaplen, timeout=timeout)
    assert not source.status, source.error
    assert not source.call("start"), source.said()
    return source


def case_what_it_says(record: Record) -> None:
    enter()
    source = Source("queue=4", snaplen=1514)
    assert source.kind() == 0x1E
    assert source.capabilities() == [
        "block", "replace", "inject", "breakloop", "bpf", "device index", "inject raw",
    ]  # fmt: skip
    assert "whitelist" in Source("queue=4", "bypass_mark=1").capabilities()
    assert Source("queue=4", "proto=ip6").call("get_datalink_type") == 229


def case_wrong_words(record: Record) -> None:
    enter()
    for word in (
        "queue=x", "queue=65536", "queue=-1", "queue=", "proto=ipx", "frames=1e3", "frames=1000",
        "frames=4", "frames=0x10", "queue=0x4", "bypass_mark=0x100000000", "bypass_mark=0x", "bypass_mark=ff",
        "fail_open=yes", "gso=on",
    ):  # fmt: skip
        source = Source(word)
        assert source.status < 0, word
        assert source.error.startswith(f"fastqueue: bad value: {word}, expected ")
    assert "no such variable: que=4, expected queue, " in Source("que=4").error
    assert Source("queue=4", mode=READ_FILE).status < 0


def case_calls_out_of_order(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = Source("queue=4")
    assert source.acquire(1) < 0
    assert source.stats()["hw_packets_received"] == 0
    assert not source.call("start")
    assert source.call("start") < 0
    Flow().send(1)
    assert source.acquire(1) == 0
    assert len(source.seen) == 1
    assert not source.call("stop")
    assert source.acquire(1) < 0
    assert source.stats()["hw_packets_received"] == 1


def case_time_limit(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started(timeout=150)
    for count in (1, 0):
        began = time.monotonic()
        assert source.acquire(count) == 0
        assert time.monotonic() - began > 0.1
    flow = Flow()
    flow.send(3)
    assert source.acquire(0) == 0
    assert len(source.seen) == 3
    assert flow.arrived() == [0, 1, 2]


def case_broken_before(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started(timeout=0)
    Flow().send(1)
    source.call("breakloop")
    assert source.acquire(1) == 0
    assert not source.seen
    assert source.acquire(1) == 0
    assert len(source.seen) == 1


def case_broken_while_it_sleeps(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started(timeout=0)
    threading.Timer(0.3, lambda: source.call("breakloop")).start()
    assert source.acquire(0) == 0
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    assert source.acquire(0) == 0


def case_broken_many_times(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started(timeout=100)
    thread = threading.Thread(target=lambda: [source.call("breakloop") for _ in range(500)])
    thread.start()
    while thread.is_alive():
        assert source.acquire(0) == 0
    source.acquire(0)
    used = time.process_time()
    assert source.acquire(0) == 0  # sleeps until its time is over
    assert time.process_time() - used < 0.05
    Flow().send(1)
    assert source.acquire(1) == 0
    assert len(source.seen) == 1


def case_header(record: Record) -> None:
    enter(to_queue(4), hook="prerouting")
    chain(to_queue(5, 7010), hook="output", name="out")
    source, local = _started(), Source("queue=5")
    local.call("start")
    Flow(filler=100).send(1)
    source.acquire(1)
    header = source.seen[0][1]
    assert (header.caplen, header.pktlen) == (132, 132)
    assert (header.ingress_index, header.egress_index) == (1, -1)
    assert header.flags & _PRE_ROUTING
    assert abs(header.sec + header.usec / 1e6 - time.time()) < 60
    Flow(7010).send(1)
    local.acquire(1)
    header = local.seen[0][1]
    assert (header.ingress_index, header.egress_index) == (-1, 1)
    assert not header.flags & _PRE_ROUTING


def case_mark_of_cleared_flows(record: Record) -> None:
    enter(to_queue(4), hook="input")
    chain("meta mark 0x50 drop", hook="input", priority=1, name="after")
    source = _started("bypass_mark=0x50")
    flow = Flow()
    verdicts = [PASS, WHITELIST, daq.IGNORE, PASS]
    source.on_packet = lambda data, where: verdicts.pop(0)
    flow.send(4)
    source.acquire(4)
    assert flow.arrived() == [0, 3]


def case_cleared_flows_pass_by(record: Record) -> None:
    enter("ct mark 0x50 accept", to_queue(4), "meta mark 0x50 ct mark set meta mark", hook="input")
    chain("meta mark 0x50 ct mark set meta mark", hook="input", priority=1, name="after")
    source = _started("bypass_mark=0x50")
    source.on_packet = lambda data, where: WHITELIST
    flow = Flow()
    flow.send(1)
    source.acquire(1)
    assert flow.arrived() == [0]
    flow.send(5)
    assert flow.arrived() == [1, 2, 3, 4, 5]
    assert source.stats()["hw_packets_received"] == 1


def case_unknown_verdict(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started()
    for verdict in (7, -1, daq.RETRY):
        source.on_packet = lambda data, where, verdict=verdict: verdict  # type: ignore[misc]
        flow = Flow()
        flow.send(1)
        source.acquire(1)
        assert not flow.arrived(), verdict
        flow.sender.close()
        flow.receiver.close()


def case_full(record: Record) -> None:
    words: tuple[str, ...]
    for words, passed in (((), []), (("fail_open",), list(range(8, 20)))):
        enter(to_queue(4), hook="input")
        source = Source("queue=4", "frames=8", *words)
        assert not source.call("start"), source.said()
        flow = Flow()
        flow.send(20)
        assert flow.arrived() == passed
        assert source.stats()["hw_packets_dropped"] == (0 if passed else 12)
        source.acquire(8)
        assert flow.arrived() == list(range(8))
        source.call("shutdown")
        flow.sender.close()
        flow.receiver.close()


def case_stopped_when_it_fails_open(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = Source("queue=4", "fail_open")
    source.call("start")
    source.on_packet = lambda data, where: BLOCK
    flow = Flow()
    flow.send(5)
    source.acquire(2)
    source.call("stop")
    assert flow.arrived() == [2, 3, 4]
    assert source.stats()["hw_packets_received"] == 5


def case_cut_packets_are_not_replaced(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started(snaplen=1514)
    verdicts = [REPLACE, PASS]
    source.on_packet = lambda data, where: verdicts.pop(0)
    flow = Flow(filler=9000)
    flow.send(2)
    source.acquire(2)
    assert [(header.caplen, header.pktlen) for _, header in source.seen] == [(1514, 9032)] * 2
    assert [(len(data), data[3]) for data in flow.contents(0.1)] == [(9004, 1)]


def case_ipv6(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started("proto=ip6")

    def change(data: bytes, where: int) -> int:
        changed = bytearray(data)
        changed[52:59] = b"CHANGED"
        complete_udp(changed)
        ctypes.memmove(where, bytes(changed), len(changed))
        return REPLACE

    source.on_packet = change
    flow = Flow(family=socket.AF_INET6, filler=20)
    flow.send(2)
    source.acquire(2)
    assert [data[4:11] for data in flow.contents(0.1)] == [b"CHANGED"] * 2
    other = Flow(7010, socket.AF_INET6)
    packet = bytearray(source.seen[0][0])
    packet[42:44] = (7010).to_bytes(2, "big")
    complete_udp(packet)
    assert source.inject(bytes(packet)) == 0, source.said()
    assert bytes(packet[48:]) in other.contents(0.2)


def case_not_injected(record: Record) -> None:
    enter(to_queue(4), hook="input")
    source = _started()
    Flow().send(1)
    source.acquire(1)
    for data in (b"", b"\x45" + bytes(10), b"\x60" + bytes(30), b"\x10" + bytes(60)):
        assert source.inject(data) < 0
        assert source.said() == "inject: not an IP packet"
    assert source.stats()["packets_injected"] == 0


def case_two_sources(record: Record) -> None:
    enter(to_queue(4), to_queue(5, 7010), hook="input")
    first, second = _started(), Source("queue=5")
    second.call("start")
    second.on_packet = lambda data, where: BLOCK
    flow, other = Flow(), Flow(7010)
    flow.send(3)
    other.send(2)
    second.acquire(2)
    first.acquire(3)
    assert [flow.arrived(), other.arrived()] == [[0, 1, 2], []]


def _transfer(source: Source) -> int:
    """Send 200 kB by TCP to a server here; return the length of the largest packet that was seen."""
    server = socket.create_server(("127.0.0.1", 8000))
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            source.acquire(0)

    thread = threading.Thread(target=serve)
    thread.start()
    client = socket.create_connection(("127.0.0.1", 8000), timeout=20)
    there, _ = server.accept()
    sent = bytes(range(250)) * 800

    def send() -> None:
        client.sendall(sent)
        client.close()

    threading.Thread(target=send).start()
    got = b""
    while data := there.recv(65536):
        got += data
    done.set()
    thread.join()
    assert got == sent
    return int(max(header.pktlen for _, header in source.seen))


def case_gso(record: Record) -> None:
    for whole in (False, True):
        enter("tcp dport 8000 queue num 4", hook="output")
        subprocess.run(["ip", "link", "set", "lo", "mtu", str(_MTU)], check=True)
        source = Source("queue=4", *(["gso"] if whole else []), timeout=50)
        assert not source.call("start"), source.said()
        assert (_transfer(source) > _MTU) == whole
        source.call("shutdown")
