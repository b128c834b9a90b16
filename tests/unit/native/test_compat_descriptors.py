# SPDX-License-Identifier: MIT
"""The compatibility library's descriptors: socket calls, and those that close and replace."""

from __future__ import annotations

from pathlib import Path

from .compat_programs import run_scenario as run


def test_only_calls_that_succeed_replace_a_descriptor(calls: Path) -> None:
    assert run(calls, "replaced") == [
        "dup2: -1, 1",
        "dup3: -1, 1",
        "dup3 with wrong flags: -1, 1",
        "replaced: 1, 0",
        "writable: 1",
    ]


def test_a_program_closes_all_descriptors_but_its_own(calls: Path) -> None:
    assert run(calls, "descriptors_of_the_library") == [
        "all closed but one: 0, 0",
        "ranges: 0, 0",
        "packet: 0",
        "replaced: -1, 1",
        "gone: 1",
    ]


def test_reads_of_nothing_take_no_packet(calls: Path) -> None:
    assert run(calls, "nothing") == ["read: 0, readv: 0, 0", "packet: 0"]


def test_a_request_in_parts_of_any_length(calls: Path) -> None:
    assert run(calls, "parts_of_nothing") == ["sendmsg: 1, 1", "writev: 1, 1"]


def test_messages_of_others_among_those_of_queues(calls: Path) -> None:
    """The kernel answers them, which a handle's descriptor is readable for."""
    assert run(calls, "messages_of_others") == [
        "nothing sent: 0",
        "sent: 1, 36",
        "among others: 1",
        "settled: 0:1:0:-1 1:1:0:-1 ",
        "answer: 36",
        "answer: 36",
        "answer: -1",
    ]


def test_an_acknowledgement_has_the_sockets_port_id(calls: Path) -> None:
    assert run(calls, "port_ids") == ["acknowledged: 36, 1"]


def test_an_empty_payload_drops_the_packet(calls: Path) -> None:
    """An attribute without bytes does; a verdict without the attribute changes nothing."""
    assert run(calls, "empty_payload") == ["settled: 0:0:0:-1 1:1:0:-1 "]


def test_the_time_limit_of_several_messages(calls: Path) -> None:
    assert run(calls, "time_limit_of_messages") == ["late: 1, 0", "wrong: -1, 1", "in time: 3, 1"]
