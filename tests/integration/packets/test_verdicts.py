# SPDX-License-Identifier: MIT
"""Accept and drop, by each handler, for every kind of packet, in both directions."""

import pytest
from checks import HANDLERS, assert_same, check_all_pass, check_verdicts, sizes
from handling import handling, queued
from wire import Wires, expected

from devkit.target.qemu import Target

pytestmark = pytest.mark.usefixtures("fastqueue")


@pytest.mark.parametrize("name", HANDLERS)
def test_accept_and_drop(target: Target, wires: Wires, name: str) -> None:
    words, rules = HANDLERS[name]
    with handling(target, *words, rules=rules) as handler, queued(target):
        check_verdicts(wires, handler, name)


def test_packets_leave_in_the_order_they_came_and_unchanged(target: Target, wires: Wires) -> None:
    """Several hundred of one flow at once, then every size of an Ethernet frame from 64 to 1518 bytes."""
    with handling(target, "null") as handler, queued(target):
        check_all_pass(wires, handler, wires.make.numbered(400))
        check_all_pass(wires, handler, wires.make.numbered(300, "tcp6", "server"))
        check_all_pass(wires, handler, sizes(wires.make, "udp4", range(46, 1501)))
        check_all_pass(wires, handler, sizes(wires.make, "tcp6", [*range(76, 1500, 16), 1500]))


def test_the_handler_sees_the_whole_packet(target: Target, wires: Wires) -> None:
    """The last bytes decide, at every place where a packet may end."""
    rules = "drop /the end$/ first 2000\ndefault accept\n"
    frames = [
        wires.make.frame(kind, contents=bytes(length) + ending)
        for length in range(0, 1400, 35)
        for kind in ("udp4", "tcp6")
        for ending in (b"the end", b"the bend")
    ]
    with handling(target, "payload", rules=rules) as handler, queued(target):
        wires.send(frames)
        handler.settled(len(frames))
        assert_same(wires.arrived(), expected(frames[1::2]))


def test_no_packet_keeps_the_handler_busy(target: Target, wires: Wires) -> None:
    """Contents on which a backtracking search would take longer than anybody waits."""
    rules = "drop /(a+)+b$/\ndrop /.*a.*b.*c.*d/\ndrop /(a|b){1,40}x.*y/i\naccept /end/\ndefault drop\n"
    slow = (b"a" * 1300 + b"!", b"ab" * 650, b"cab" * 400 + b"XAB")
    frames = [
        wires.make.frame(kind, contents=contents)
        for kind in ("udp4", "tcp6")
        for contents in (*slow, b"end", b"endabcd", b"aaaa", *slow)
    ]
    with handling(target, "payload", rules=rules) as handler, queued(target):
        wires.send(frames)
        handler.settled(len(frames))
        assert_same(wires.arrived(), expected([frames[3], frames[12]]))


def test_the_timer_alone_delivers_in_order_too(target: Target, wires: Wires) -> None:
    """The paper's mode: the handler's poll settles nothing."""
    with handling(target, "--timer-only", "null") as handler, queued(target):
        check_all_pass(wires, handler, wires.make.numbered(300))
        assert handler.counters().ticks > 0


def test_wrong_rules_touch_no_packet(target: Target, wires: Wires) -> None:
    target.put(b"accept proto tcp\ndrop proto carrots\n", "/run/wrong.rules")
    ended = target.run("python3 -m fastqueue run fivetuple /run/wrong.rules", check=False)
    assert ended.status == 2
    assert "/run/wrong.rules:2" in ended.output
    assert "carrots" in ended.output
    assert "Traceback" not in ended.output


def test_rules_on_more_bytes_than_frames_have_touch_no_packet(target: Target) -> None:
    target.put(b"drop /x/ first 4096\n", "/run/long.rules")
    ended = target.run("python3 -m fastqueue run --frame-size 2048 payload /run/long.rules", check=False)
    assert ended.status == 2
    assert (
        "/run/long.rules:1: found first 4096 with --frame-size 2048, expected --frame-size 4224"
        in ended.output
    )
