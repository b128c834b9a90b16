# SPDX-License-Identifier: MIT
"""The traffic that both queues get: one session for each rule, harmless ones, and awkward ones."""

from __future__ import annotations

import functools
import random
import struct
from collections.abc import Iterator, Sequence
from itertools import count, zip_longest

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP, fragment
from scapy.packet import Packet, Raw
from sessions import CLIENT, SERVER, Session, Stream, Turn, conversation, datagram, network, ping

from devkit.suricata.rules import Rule, rules

_PORTS = count(20_000)
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
_PAGE = b"It works, and nobody minds.\n"


@functools.cache
def corpus() -> list[Turn]:
    """Return all sessions, side by side: the first turn of each, then the second of each, and so on."""
    sessions = [*(_for(rule) for rule in rules()), *_harmless(), *_awkward()]
    return [turn for turns in zip_longest(*sessions) for turn in _merged([one for one in turns if one])]


def _merged(turns: Sequence[Turn]) -> Iterator[Turn]:
    """What each side sends, of all sessions."""
    for side in (CLIENT, SERVER):
        packets = tuple(packet for turn in turns if turn.side == side for packet in turn.packets)
        if packets:
            yield Turn(side, packets)


def _for(rule: Rule) -> Session:
    """A session with what the rule looks for."""
    protocol, _, buffer = rule.place.partition(".")
    port = next(_PORTS)
    match protocol:
        case "http":
            return conversation(port, 80, *http(buffer, rule.content))
        case "dns":
            return datagram(port, 53, *_dns(port, f"www.{rule.content.decode()}"))
        case "tls":
            return conversation(port, 443, client_hello(f"www.{rule.content.decode()}"))
        case "tcp":
            return conversation(
                port, rule.port or 9000, b"hello " + rule.content + b" and goodbye\r\n", b"ok\r\n"
            )
        case "udp":
            return datagram(port, rule.port or 9000, b"hello " + rule.content + b" and goodbye")
        case _:
            return ping(port, b"hello " + rule.content + b" and goodbye")


def http(buffer: str, content: bytes) -> tuple[bytes, bytes]:
    """Return a request and its response, with ``content`` in the part that ``buffer`` names."""
    parts = {"method": b"GET", "uri.raw": b"/", "host": b"www.example", "user_agent": b"browser/1.0"}
    body, page = b"", _PAGE
    if buffer == "request_body":
        parts["method"], body = b"POST", b"value=" + content + b"&more=1"
    elif buffer == "response_body":
        page = b"here: " + content + b" .\n"
    elif buffer == "uri.raw" and not content.startswith(b"/"):
        parts["uri.raw"] = b"/search?q=" + content
    else:
        parts[buffer] = content
    lines = [
        parts["method"] + b" " + parts["uri.raw"] + b" HTTP/1.1",
        b"Host: " + parts["host"],
        b"User-Agent: " + parts["user_agent"],
        *([b"Cookie: " + parts["cookie"]] if "cookie" in parts else []),
        *([b"Content-Type: text/plain", b"Content-Length: %d" % len(body)] if body else []),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body, _OK % (len(page), page)


def _dns(number: int, name: str) -> tuple[bytes, bytes]:
    question = DNSQR(qname=name)
    answer = DNSRR(rrname=name, rdata="198.19.0.77", ttl=60)
    query = DNS(id=number & 0xFFFF, rd=1, qd=question)
    return bytes(query), bytes(DNS(id=number & 0xFFFF, qr=1, rd=1, ra=1, qd=question, an=answer))


def client_hello(name: str) -> bytes:
    """Return TLS's first record: a client that calls the server ``name``."""
    host = name.encode()
    entry = struct.pack("!BH", 0, len(host)) + host
    server_name = struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry
    ciphers = bytes.fromhex("1301130213031302c02bc02f")
    hello = b"\x03\x03" + random.Random(name).randbytes(32) + b"\x00"
    hello += struct.pack("!H", len(ciphers)) + ciphers + b"\x01\x00"
    hello += struct.pack("!H", len(server_name)) + server_name
    handshake = b"\x01" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x01" + struct.pack("!H", len(handshake)) + handshake


def _harmless() -> Iterator[Session]:
    """Sessions that no rule is about, of every kind, also over IPv6."""
    lot = random.Random(2010)
    for version in (4, 6):
        for size in (1, 600, 5_000, 40_000):
            page = lot.randbytes(size).hex().encode()[:size]
            yield conversation(next(_PORTS), 80, http("uri.raw", b"/page")[0], _OK % (size, page), version)
            yield conversation(next(_PORTS), 8_000, page, page, version)
        for name in ("www.example", "mail.example", "time.example"):
            port = next(_PORTS)
            yield datagram(port, 53, *_dns(port, name), version)
            yield conversation(next(_PORTS), 443, client_hello(name), b"", version)
        for size in (1, 100, 1_000, 1_400):
            yield datagram(next(_PORTS), 7_000, lot.randbytes(size), lot.randbytes(size), version)
    for size in (8, 56, 1_400):
        yield ping(next(_PORTS), lot.randbytes(size))


def _awkward() -> Iterator[Session]:
    """Contents that are cut, turned round or said twice, bad and harmless."""
    for text in (b"x" * 700 + b" BEGIN-FASTQUEUE-TEST-VIRUS " + b"y" * 700, b"harmless " * 150):
        for order in ([0, 2, 1, 3], [3, 2, 1, 0], [0, 1, 1, 2, 3], [1, 0, 3, 2, 0]):
            stream = Stream(next(_PORTS), 9000).opened()
            size = -(-len(text) // 4)
            yield stream.say(CLIENT, text, order=order, size=size).closed()
        yield Stream(next(_PORTS), 9000).opened().say(CLIENT, text, size=7).closed()
        yield Stream(next(_PORTS), 9000, 6).opened().say(CLIENT, text, size=100).closed()
        for size in (64, 512, 1_000):
            yield _fragmented(next(_PORTS), text, size)
        yield _fragmented(next(_PORTS), text, 256, backwards=True)
    request, page = http("uri.raw", b"/cgi-bin/exploit.cgi")
    yield Stream(next(_PORTS), 80).opened().say(CLIENT, request, size=5).say(SERVER, page).closed()
    mild = request.replace(b"exploit.cgi", b"harmless.cg")
    yield Stream(next(_PORTS), 80).opened().say_again(CLIENT, mild, request).closed()
    yield Stream(next(_PORTS), 80).opened().say_again(CLIENT, request, mild).closed()
    yield _strays()


def _fragmented(port: int, data: bytes, size: int, *, backwards: bool = False) -> Session:
    """A datagram in fragments."""
    whole = network(CLIENT, 4, port) / UDP(sport=port, dport=9000) / Raw(b"FQ-WORM-SLAMMER-LIKE " + data)
    parts = fragment(IP(bytes(whole)), size)  # type: ignore[no-untyped-call]
    return [Turn(CLIENT, tuple(reversed(parts) if backwards else parts))]


def _strays() -> Session:
    """Packets of no connection, wrong checksums, and protocols that nobody knows."""
    port = next(_PORTS)
    lost = Stream(port, 9000).opened().say(CLIENT, b"FQ-ROOTKIT-INSTALL").turns[3].packets
    wrong = network(CLIENT, 4, port) / UDP(sport=port, dport=9000, chksum=0x1234) / Raw(b"FQ-UDP-FLOOD-BOT")
    other: Packet = IP(src="198.18.0.77", dst="198.19.0.77", proto=253, id=port) / Raw(
        b"FQ-WORM-SLAMMER-LIKE"
    )
    short = network(CLIENT, 4, port + 1) / Raw(b"\x00")
    return [Turn(CLIENT, (*lost, wrong, other, short))]
