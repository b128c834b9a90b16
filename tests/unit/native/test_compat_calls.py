# SPDX-License-Identifier: MIT
"""The whole compatibility library on a model of the device: calls of several threads, and of signal handlers.

compat_calls.c has the scenarios. All of them run with checks of addresses and of undefined behaviour, so that
what is used after it was freed fails them, too.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .compat_programs import run_scenario as run


def may_leave_namespaces() -> bool:
    """Return whether this process may make network namespaces."""
    return not subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode


@pytest.mark.skipif(not may_leave_namespaces(), reason="takes the right to make network namespaces")
def test_a_queue_belongs_to_the_network_namespace_of_its_socket(calls: Path) -> None:
    assert run(calls, "namespaces") == [
        "nothing between: the socket's, stayed",
        "unshare after nfq_open: the socket's, stayed",
        "unshare after socket: the socket's, stayed",
        "socket of elsewhere: the socket's, stayed",
        "gone: 1",
    ]


def test_calls_that_wait_on_a_socket_get_the_packets_of_the_queue_that_it_becomes(calls: Path) -> None:
    assert run(calls, "flight") == ["done"]


@pytest.mark.parametrize("kind", ["options", "sends"])
def test_calls_on_their_way_to_a_socket_succeed_when_it_becomes_a_queue(calls: Path, kind: str) -> None:
    assert run(calls, f"flight_of_{kind}") == ["errors: 0"]


def test_duplicates_flags_and_time_limits_of_a_socket_stay(calls: Path) -> None:
    assert run(calls, "flight_of_duplicates") == [
        "through the copy: 0x300",
        "after the first is closed: 1",
        "gone: 1, 0",
        "O_NONBLOCK: -1, 1",
        "SO_RCVTIMEO: -1, 1",
    ]


def test_a_callback_reads_its_packet_after_it_ended_the_queue(calls: Path) -> None:
    assert run(calls, "ended_in_callback") == [
        "destroyed: 0",
        "closed: 0",
        "payload: 1000, 1",
        "verdict: 0",
        "handled: 0",
        "settled: 0:1:0:-1 ",
    ]


def test_a_callback_reads_its_packet_after_another_thread_ended_the_queue(calls: Path) -> None:
    def expected(verdict: list[str], settled: str) -> list[str]:
        return ["destroyed: 0", "gone: 1", "payload: 1500, 1", *verdict, "handled: 0", f"settled: {settled}"]

    # a closed handle refuses its verdict, as the original's socket does
    late, closed, early = ["verdict: 1"], ["verdict: 0"], [f"{number}:1:0:-1 " for number in (2, 3)]
    assert run(calls, "ended_under_callback") == [
        *expected(late, ""),
        *expected(closed, ""),
        *expected([], early[0]),
        *expected([], early[1]),
    ]


def test_a_callback_reads_its_packet_while_the_ring_is_exchanged(calls: Path) -> None:
    received = ["received: 1"] * 4
    assert run(calls, "exchanged_under_callback") == [*received, "payload: 1500, 1", "handled: 0"]


def test_a_thread_that_ends_in_a_callback_leaves_its_verdict(calls: Path) -> None:
    assert run(calls, "thread_ends_in_callback") == ["settled: 0:1:0:-1 1:1:0:-1 2:1:0:-1 "]


def test_a_signal_handler_ends_a_queue_that_several_threads_are_at_work_on(calls: Path) -> None:
    assert run(calls, "signals") == ["gone: 1"]


def test_a_signal_handler_closes_what_its_thread_sleeps_on(calls: Path) -> None:
    assert run(calls, "signals_in_recv") == ["gone: 1"]


def test_calls_with_parts_and_with_several_messages(calls: Path) -> None:
    assert run(calls, "parts") == [
        "writev: 1",
        "recvmmsg: 2, 36, 144",
        "readv: 144",
        "read: 144",
        "sendmmsg: 2, 1, 1",
        "settled: 0:1:0:-1 1:0:0:-1 ",
        "write: 1, 1",
        "sendmmsg: 1, 1",
        "closefrom: 1",
    ]


def test_messages_with_too_little_in_them(calls: Path) -> None:
    assert run(calls, "messages") == [
        "no attribute: -1",
        "no header: -1",
        "header of 0 bytes: -1",
        "header of 4 bytes: -1",
        "header of 6 bytes: -1",
        "header of 7 bytes: uid 0/77, payload -1, whole 0; 0",
        "no uid: uid 0/77, payload 100, whole 1; 0",
        "uid of 3 bytes: uid 0/77, payload 100, whole 1; 0",
        "uid of 4 bytes: uid 1/0, payload 100, whole 1; 0",
        "payload of 60000 bytes: uid 1/0, payload 100, whole 1; 0",
        "range lowered: uid 1/0, payload 100, whole 1; 0",
    ]


def test_messages_beyond_64_kib_and_short_ones_behind_them(calls: Path) -> None:
    empty = "uid 0/77, payload -1, whole 0; 0"
    assert run(calls, "shapes") == [f"long: {empty}", "short: -1"] * 30


def test_time_limits_of_weeks(calls: Path) -> None:
    assert run(calls, "time_limits") == ["short: -1, 1", "weeks: 1", "none: 1"]


def flags(line: str) -> list[str]:
    """Return verdict and flags of each packet; 128: with a payload."""
    return [":".join(word.split(":")[1:3]) for word in line.split()]


def test_a_payload_that_is_given_back_as_it_was_changes_nothing(calls: Path) -> None:
    """As it was, also in a copy; changed in place, also copied; put back; changed copy; shorter; none."""
    plain, gso, long, unexpected = run(calls, "payloads")
    same, changed, dropped = "1:0", "1:128", "0:0"
    ways = [same, same, changed, changed, same, changed, changed, same]
    assert flags(plain) == flags(long) == ways
    assert flags(gso) == [dropped if way == changed else way for way in ways]
    assert flags(unexpected) == [changed, *ways[1:]]
    assert plain.split()[2].endswith(":200")
    assert plain.split()[3].endswith(":200")
    (messages,) = run(calls, "payloads_of_messages")
    assert flags(messages) == [same, changed, same, dropped]


def test_packets_of_a_user_namespace_are_not_changed(calls: Path) -> None:
    """What a program writes into a packet is in its own message; a changed verdict drops the packet."""
    assert run(calls, "readonly") == ["settled: 0:1:0:-1 1:1:0:-1 2:0:0:-1 "]
