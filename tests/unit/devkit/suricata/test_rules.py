# SPDX-License-Identifier: MIT
"""The table of rules, and what Suricata is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.suricata import rules


def test_there_are_a_few_hundred_of_every_kind() -> None:
    found = rules.rules()
    assert len(found) >= 200
    assert {rule.action for rule in found} == {"drop", "alert"}
    assert {"http", "dns", "tls", "tcp", "udp", "icmp"} == {rule.place.partition(".")[0] for rule in found}
    assert [rule.number for rule in found] == list(range(rules.FIRST, rules.FIRST + len(found)))


def test_what_a_rule_could_take_for_its_own_is_written_in_hexadecimal() -> None:
    assert rules.escaped(b'a;"b\\|:\x90 z') == "a|3b||22|b|5c||7c||3a||90||20|z"


def test_a_rule_as_suricata_reads_it() -> None:
    rule = rules.Rule(1_000_007, "drop", "sql", "http.host", 0, b"evil.example")
    assert str(rule) == (
        'drop http any any -> any any (msg:"SQL put into a request: http.host, rule 1000007"; '
        'flow:established,to_server; http.host; content:"evil.example"; classtype:sql; sid:1000007; rev:1;)'
    )


def test_ports_are_for_what_has_them() -> None:
    assert " any any -> any 161 (" in str(rules.Rule(1, "drop", "probe", "udp", 161, b"x"))
    assert " any any -> any any (" in str(rules.Rule(1, "drop", "probe", "dns.query", 53, b"x"))
    assert "nocase" in str(rules.Rule(1, "drop", "probe", "dns.query", 53, b"x"))


def test_escapes_of_the_table_are_bytes(tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.write_text("# nothing\n\nalert probe udp 7 \\x90\\xff ab\n")
    first, second = rules.rules(table)
    assert (first.content, second.content, first.port) == (b"\x90\xff", b"ab", 7)


@pytest.mark.parametrize("line", ["reject probe udp 7 x", "drop nothing udp 7 x", "drop probe udp 7"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    table = tmp_path / "table"
    table.write_text(line)
    with pytest.raises(ValueError, match=line):
        rules.rules(table)


def test_every_class_is_explained_to_suricata() -> None:
    text = rules.classification()
    for rule in rules.rules():
        assert f"config classification: {rule.family}," in text
