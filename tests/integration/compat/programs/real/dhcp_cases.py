# SPDX-License-Identifier: MIT
"""dhcpoptinj: Debian's program that puts options into DHCP messages on their way."""

import struct

from lane import Flow, enter
from program import Program
from run import Record

_COOKIE = bytes.fromhex("63825363")
_SERVER = 67


def _message(*options: tuple[int, bytes]) -> bytes:
    """Return a BOOTP request with DHCP options."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x12345678, 0, 0) + bytes(16)
    hardware = bytes.fromhex("020000000001") + bytes(10)
    body = b"".join(bytes((code, len(data))) + data for code, data in options)
    return head + hardware + bytes(192) + _COOKIE + body + b"\xff"


_DISCOVER = (53, b"\x01")


def _run(record: Record, words: list[str], *messages: bytes, option: bytes = b"") -> None:
    enter(f"udp dport {_SERVER} queue num 12", hook="input")
    program = Program("./dhcpoptinj", "-f", "-d", "-q", "12", *words)
    program.wait_bound(12)
    flow = Flow(_SERVER)
    for message in messages:
        flow.sender.send(message)
    arrived = flow.contents(0.4)
    record("arrived", [data.hex() for data in arrived])
    record("with the option", [option in data for data in arrived])
    record("ended", program.stop())
    record("said", program.lines())


def case_options_put_in(record: Record) -> None:
    words = ["-o", "52 01 02 03", "-o", "0C 41 42 43 44 45"]
    messages = [_message(_DISCOVER), *(_message(_DISCOVER, (12, name)) for name in (b"name", bytes(200)))]
    _run(record, words, *messages, option=b"\x52\x03\1\2\3")


def case_options_exchanged(record: Record) -> None:
    messages = [_message(_DISCOVER, (12, b"a longer name than before")), _message(_DISCOVER)]
    _run(record, ["-r", "-o", "0C 41 42 43"], *messages, option=b"\x0c\x03ABC")


def case_not_dhcp(record: Record) -> None:
    _run(record, ["-o", "52 01"], b"no DHCP message", bytes(300), _message(_DISCOVER))


def case_not_dhcp_goes_on(record: Record) -> None:
    _run(
        record,
        ["--forward-on-fail", "-i", "-o", "52 01"],
        b"no DHCP message",
        _message(_DISCOVER, (0x52, b"x")),
    )
