# SPDX-License-Identifier: MIT
from pathlib import Path

from fastqueue.rules import read_payload_rules

from devkit.bench.ids import catalogue, laying, tcp_streams
from devkit.bench.ids.costs import KERNEL, LIBRARY, PROGRAM, handing, key, parts

MAPS = """\
08048000-08100000 r-xp 00000000 fe:00 12 /mnt/usr/bin/suricata
b7000000-b7001000 r--p 00000000 fe:00 13 /usr/lib/libnetfilter_queue.so.1.5.0
b7001000-b7004000 r-xp 00001000 fe:00 13 /usr/lib/libnetfilter_queue.so.1.5.0
b7010000-b7012000 r-xp 00000000 fe:00 14 /usr/lib/libmnl.so.0.2.0
b7020000-b7100000 r-xp 00000000 fe:00 15 /usr/lib/libc.so.6
b7200000-b7201000 rw-p 00000000 00:00 0
bf000000-bf020000 rw-p 00000000 00:00 0 [stack]
""".splitlines()


def test_the_code_that_hands_packets_over_is_found_in_a_process_maps() -> None:
    assert handing(MAPS) == [(0xB7001000, 0xB7004000), (0xB7010000, 0xB7012000)]


def test_each_instruction_counts_for_one_of_three() -> None:
    counts = {0x8048010: 100, 0xB7001004: 20, 0xB7004000: 3, 0xB7011FFE: 7, 0xC0100000: 50, 0xF8000000: 5}
    assert parts(counts, handing(MAPS)) == {KERNEL: 55, LIBRARY: 27, PROGRAM: 103}


def test_no_two_results_have_one_name() -> None:
    keys = [key(way) for way in catalogue.costed()] + [flow.key for flow in tcp_streams.plan()]
    assert len(keys) == len(set(keys))


def test_each_ids_is_measured_over_both_queues_nfqueue_first() -> None:
    for family in catalogue.FAMILIES:
        of = [way.module for way in catalogue.ALL if way.family == family]
        assert of[0] == "nfnetlink_queue"
        assert "fastqueue" in of


def test_both_light_idses_look_for_the_same_patterns(tmp_path: Path) -> None:
    file = tmp_path / "light.rules"
    file.write_text(laying.light_rules())
    rules = read_payload_rules(file).rules
    assert len(rules) == laying.NUMBER == len(set(laying.patterns()))
    for rule, pattern in zip(rules, laying.patterns(), strict=True):
        assert rule.regex.search(b"before " + pattern + b" after")
        assert not rule.regex.search(b"nothing of it")
