# SPDX-License-Identifier: MIT
"""Rule files: what is understood, and what is said about what is not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fastqueue import abi
from fastqueue.packet import parse
from fastqueue.rules import RulesError, read_fivetuple_rules, read_payload_rules
from fastqueue.rules.fivetuple import parse_rule as parse_fivetuple
from fastqueue.rules.parser import Line, parse_lines, split_lines
from fastqueue.rules.payload import parse_rule as parse_payload
from hypothesis import given
from hypothesis import strategies as st

from ..packets import ipv4, ipv6, tcp, udp

FIVETUPLE = """\
# web servers of the lab
drop proto tcp dst 198.19.0.0/24 dport 8000-8999   # alternative ports
accept src 198.18.0.2

drop proto udp src 2001:2:0:1::/64 sport 53
\tdefault   drop
"""


def test_fivetuple_rules_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rules"
    path.write_text(FIVETUPLE)
    ruleset = read_fivetuple_rules(path)
    assert ruleset.default == abi.ANSWER_DROP
    first, second, third = ruleset.rules
    assert (first.answer, first.protocol, first.dport) == (abi.ANSWER_DROP, 6, (8000, 8999))
    assert first.dst == (4, 0xFFFFFF00, 0xC6130000)
    assert second.src == (4, 0xFFFFFFFF, 0xC6120002)
    assert (second.answer, second.protocol, second.sport) == (abi.ANSWER_ACCEPT, None, None)
    assert third.src is not None
    assert third.src.version == 6


def test_an_empty_file_accepts() -> None:
    assert parse_lines(split_lines("f", b"\n# nothing\r\n"), parse_fivetuple) == ([], abi.ANSWER_ACCEPT)


@pytest.mark.parametrize(
    ("text", "packet", "expected"),
    [
        ("drop", ipv4(udp()), True),
        ("drop proto any", ipv6(udp()), True),
        ("drop proto udp dport 53", ipv4(udp()), True),
        ("drop proto udp dport 54", ipv4(udp()), False),
        ("drop proto tcp dport 53", ipv4(udp()), False),
        ("drop sport 4000-4001", ipv6(tcp(), following=6), True),
        ("drop src 198.18.0.0/24", ipv4(udp()), True),
        ("drop src 198.18.1.0/24", ipv4(udp()), False),
        ("drop src 0.0.0.0/0", ipv4(udp()), True),
        ("drop src 0.0.0.0/0", ipv6(udp()), False),
        ("drop dst 2001:2:0:2::2", ipv6(udp()), True),
        ("drop dst ::/0", ipv4(udp()), False),
        ("drop dport 0-65535", ipv4(udp(), fragment=0x0010), False),
        ("drop proto udp", ipv4(udp(), fragment=0x0010), True),
        ("drop dport 0-65535", ipv4(bytes(8), protocol=1), False),
    ],
)
def test_fivetuple_rules_match(text: str, packet: bytes, expected: bool) -> None:
    parsed = parse(memoryview(packet))
    assert parsed
    assert parse_fivetuple(Line("f", 1, text)).matches(parsed) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reject", "found 'reject', expected accept, drop or default"),
        ("drop tcp", "found 'tcp', expected proto, src, dst, sport or dport"),
        ("drop proto", "found nothing after proto, expected its value"),
        ("drop proto sctp", "found 'sctp', expected tcp, udp, icmp, icmpv6 or any"),
        ("drop proto tcp proto udp", "found a second proto, expected proto once in a rule"),
        ("drop dport 65536", "found '65536', expected a port or a range of ports from 0 to 65535"),
        ("drop dport 9-8", "found '9-8', expected a range of ports with the lower one first"),
        ("drop dport 1-", "found '', expected a port or a range of ports from 0 to 65535"),
        ("drop src host", "found 'host', expected an address or a network, as 198.18.0.0/24 or 2001:2::/48"),
        ("drop src 10.0.0.0/33", "found '10.0.0.0/33', expected an address or a network"),
        ("drop src 10.0.0.0/255.0.0.0", "found '10.0.0.0/255.0.0.0', expected an address or"),
        ("drop src 10.0.0.1/8", "with bits after the prefix, expected the network's own address, 10.0.0.0/8"),
        ("drop src fe80::1%eth0/64", "found 'fe80::1%eth0/64', expected an address or a network"),
        ("drop src 10.0.0.1 dst ::1", "found an IPv4 and an IPv6 address, expected two addresses of one"),
        ("drop proto icmp dport 1", "found a port with ICMP, expected ports with tcp, udp or any only"),
        ("drop proto icmp src ::1", "found ICMP of the other IP version, expected icmp with IPv4, icmpv6"),
        ("drop \x1b[31m", r"found '\x1b[31m', expected proto"),
    ],
)
def test_wrong_fivetuple_rules_say_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_lines(split_lines("my.rules", f"accept\n{text}".encode()), parse_fivetuple)
    assert str(caught.value).startswith("my.rules:2: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"default", "f:1: found 'default', expected default accept or default drop"),
        (b"default reject", "f:1: found 'default reject', expected default accept"),
        (b"default drop\ndefault drop", "f:2: found a second default, expected one default in a file"),
        (b"#\n\xff", "f:2: found byte 0xff, expected text in UTF-8"),
        (b"\n\ndrop \xed\xa0\x80", "f:3: found byte 0xed, expected text in UTF-8"),
        (b"# \0", "f:1: found byte 0x00 at 2, expected text"),
    ],
)
def test_wrong_defaults_and_encodings(text: bytes, message: str) -> None:
    for parse_rule in (parse_fivetuple, parse_payload):
        with pytest.raises(RulesError) as caught:
            parse_lines(split_lines("f", text), parse_rule)
        assert message in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"absent: found no readable file \(No such file"):
        read_fivetuple_rules(tmp_path / "absent")
    with pytest.raises(RulesError, match=r"found no readable file \(Is a directory"):
        read_payload_rules(tmp_path)


@pytest.mark.parametrize(
    ("text", "contents", "expected"),
    [
        (r"drop /^GET /", b"GET / HTTP/1.1", True),
        (r"drop /^get /", b"GET / HTTP/1.1", False),
        (r"drop /^get /i", b"GET / HTTP/1.1", True),
        (r"drop /a\/b # c/ # comment", b"xa/b # c", True),
        (r"drop /\x13BitTorrent protocol/ first 20", b"\x13BitTorrent protocol" + bytes(28), True),
        (r"drop /late/ first 4", b"late", True),
        (r"drop /late/ first 4", b"xlate", False),
        (r"drop /a.b/", b"a\nb", True),
        ("drop /\u00e9/", "\u00e9".encode(), True),
        (r"drop /x/ proto udp port 53", b"x", True),
        (r"drop /x/ proto tcp", b"x", False),
        (r"drop /x/ port 4000", b"x", True),
        (r"drop /x/ port 4001-5000", b"x", False),
        (r"drop //", b"", True),
    ],
)
def test_payload_rules_match(text: str, contents: bytes, expected: bool) -> None:
    packet = parse(memoryview(ipv4(udp())))
    assert packet
    assert parse_payload(Line("f", 1, text)).matches(packet, memoryview(contents)) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deny /x/", "found 'deny', expected accept, drop or default"),
        ("drop", "found '', expected an expression between slashes, as /^GET /"),
        ("drop x", "found 'x', expected an expression between slashes"),
        ("drop /x", "found '/x', expected an expression between slashes"),
        ("drop /(/", "found '(' (missing ), unterminated subpattern at position 0), expected a regular"),
        ("drop /x/g", "found 'g', expected i or nothing behind the expression"),
        ("drop /x/ first 0", "found '0', expected a number of bytes from 1 to 65535"),
        ("drop /x/ dport 1", "found 'dport', expected first, proto or port"),
        ("drop /x{99999999999999}/", "expected a regular expression of Python"),
        (
            "drop /x{" + "9" * 4301 + "}/",
            "(a number that is too large), expected a regular",
        ),
        ("drop /(?a)(?L)x/", "found '(?a)(?L)x' (ASCII and LOCALE flags are incompatible)"),
        ("drop /a\0b/", r"found byte 0x00 at 7, expected text; \x00 in an expression is such a byte"),
        (
            "drop /" + "(" * 1000 + ")" * 1000 + "/",
            "(groups nested too deeply), expected a simpler",
        ),
        (
            r"drop /(a*)*\1/",
            "; without backtracking there is no reference to a group), expected an",
        ),
        (r"drop /^(?:\2)/", "invalid group reference"),
        ("drop /(?\x1b[31m)/", r"(unknown extension ?\x1b at position 1), expected a regular expression"),
    ],
)
def test_wrong_payload_rules_say_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_lines(split_lines("f", text.encode()), parse_payload)
    assert message in str(caught.value)


WORDS = ["drop", "accept", "default", "proto", "src", "dst", "sport", "dport", "tcp", "icmp", "any", "first"]
VALUES = [
    "1",
    "70000",
    "1-2",
    "::1",
    "::/0",
    "10.0.0.0/8",
    "1.2.3.4/33",
    "fe80::1%x",
    "/a/",
    "/(/i",
    "#",
    "²",
]
LINES = st.lists(st.sampled_from(WORDS + VALUES), max_size=8).map(" ".join)


@given(st.one_of(st.binary(max_size=60), st.lists(LINES, max_size=4).map("\n".join).map(str.encode)))
def test_arbitrary_files_are_read_or_refused(data: bytes) -> None:
    for parse_rule in (parse_fivetuple, parse_payload):
        try:
            parse_lines(split_lines("f", data), parse_rule)
        except RulesError as error:
            assert 0 < error.line <= data.count(b"\n") + 1


@given(st.text(max_size=30), st.randoms())
def test_arbitrary_expressions_are_compiled_or_refused(text: str, chance: random.Random) -> None:
    line = Line("f", 1, f"drop /{text}/ first {chance.randint(0, 70000)}")
    try:
        parse_payload(line).regex.search(b"anything")
    except RulesError as error:
        assert error.line == 1
