# SPDX-License-Identifier: MIT
"""The compatibility library's netlink messages: what it makes of a packet, and what it reads of a request.

The expectations are written after nfnetlink_queue's messages, not after the library; compat_messages.c runs
its code with every buffer just as long as its contents.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .compat_programs import Program, build

HERE = Path(__file__).parent
COMPAT = HERE.parents[2] / "native/nfqueue-compat"

_REQUEST, _ACK = 1, 4
_SUBSYSTEM = 3
_PACKET, _VERDICT, _CONFIG, _BATCH = range(4)
#: Attributes of verdicts and of configurations, with the length of what must be in them.
_HDR, _MARK, _PAYLOAD, _PRIORITY = 2, 3, 10, 21
_COMMAND, _PARAMS, _MAXLEN, _MASK, _FLAGS = range(1, 6)
ERANGE, EINVAL, ENODEV = -34, -22, -19
#: nfqnl_attr_type of packets.
_HEADER, _TIMESTAMP, _INDEV, _OUTDEV, _PHYSINDEV, _PHYSOUTDEV, _HWADDR = 1, 4, 5, 6, 7, 8, 9
_CAP_LEN, _SKB_INFO, _UID, _GID, _VLAN = 13, 14, 16, 17, 19
_NESTED = 0x8000
#: Of the headers that the program is built with.
_NFQA_MAX = 21

Meta = dict[str, Any]
How = tuple[int, int, int]

_u8, _u16, _u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
_often_none = st.one_of(st.just(0), _u32)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    parts = [COMPAT / f"{name}.c" for name in ("message", "attribute", "request", "shape", "lock")]
    built = build(tmp_path_factory.mktemp("compat") / "messages", HERE / "compat_messages.c", *parts)
    program = Program(built)
    yield program
    program.end()


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind: int, queue: int, body: bytes, flags: int = _REQUEST, sequence: int = 0) -> bytes:
    head = struct.pack("=IHHII", 20 + len(body), _SUBSYSTEM << 8 | kind, flags, sequence, 0)
    return head + struct.pack("!BBH", 0, 0, queue) + body


# --- What a packet's message looks like


@st.composite
def metas(draw: st.DrawFn) -> Meta:
    found: Meta = {
        name: draw(_often_none)
        for name in ("indev", "outdev", "physindev", "physoutdev", "mark", "priority", "uid", "gid")
    }
    cap_len = draw(st.integers(0, 65531))
    return {
        **found,
        "cap_len": cap_len,
        "len": draw(st.one_of(st.just(cap_len), st.integers(cap_len, 0x1FFFF))),
        "flags": draw(st.integers(0, 0x3F)),
        "protocol": draw(_u16),
        "hook": draw(st.integers(0, 5)),
        "family": draw(st.sampled_from([2, 7, 10])),
        "vlan_tci": draw(_u16),
        "vlan_proto": draw(_u16),
        "timestamp": draw(st.one_of(st.just(0), st.integers(1, (1 << 63) - 1))),
        "hw_addrlen": draw(st.sampled_from([0, 6, 8])),
        "hw_addr": draw(st.binary(min_size=8, max_size=8)),
    }


def packed(meta: Meta) -> bytes:
    """Return struct fastqueue_meta."""
    order = ("indev", "outdev", "physindev", "physoutdev", "mark", "priority")
    head = struct.pack("=III", *(meta[name] for name in ("len", "cap_len", "flags")))
    kinds = struct.pack("!H", meta["protocol"]) + struct.pack("=BB", meta["hook"], meta["family"])
    vlan = struct.pack("=H", meta["vlan_tci"]) + struct.pack("!H", meta["vlan_proto"]) + bytes(4)
    rest = struct.pack("=QIIIHH", meta["timestamp"], 0, meta["uid"], meta["gid"], 1, meta["hw_addrlen"])
    numbers = struct.pack("=IIIIII", *(meta[name] for name in order))
    return head + kinds + numbers + vlan + rest + bytes(meta["hw_addr"]) + bytes(16)


def expected(meta: Meta, address: bytes, mode: int, flags: int, payload: int) -> bytes:
    """Return the attributes that nfnetlink_queue would send, up to the payload's header."""

    def word(kind: int, value: int) -> bytes:
        return attribute(kind, struct.pack("!I", value)) if value else b""

    bridge = meta["family"] == 7
    devices = [(_INDEV, "indev"), (_PHYSINDEV, "physindev"), (_OUTDEV, "outdev"), (_PHYSOUTDEV, "physoutdev")]
    if bridge:
        devices = [devices[1], devices[0], devices[3], devices[2]]
    made = attribute(_HEADER, struct.pack("!IHB", 5, meta["protocol"], meta["hook"]))
    made += b"".join(word(kind, meta[name]) for kind, name in devices)
    made += word(_MARK, meta["mark"]) + word(_PRIORITY, meta["priority"])
    if meta["hw_addrlen"]:
        made += attribute(_HWADDR, struct.pack("!HH", meta["hw_addrlen"], 0) + address)
    if bridge and meta["flags"] & 0x08:
        tags = ((2, meta["vlan_tci"]), (1, meta["vlan_proto"]))
        made += attribute(
            _VLAN | _NESTED, b"".join(attribute(kind, struct.pack("!H", v)) for kind, v in tags)
        )
    if meta["hook"] <= 2 and meta["timestamp"]:
        seconds, rest = divmod(meta["timestamp"], 10**9)
        made += attribute(_TIMESTAMP, struct.pack("!QQ", seconds, rest // 1000))
    if meta["flags"] & 0x10 and flags & 0x08:
        made += attribute(_UID, struct.pack("!I", meta["uid"])) + attribute(
            _GID, struct.pack("!I", meta["gid"])
        )
    if mode == 2 and meta["len"] > payload:
        made += word(_CAP_LEN, meta["len"])
    made += word(_SKB_INFO, skb_info(meta))
    return made + (struct.pack("=HH", 4 + payload, _PAYLOAD) if payload else b"")


def skb_info(meta: Meta) -> int:
    """Return NFQA_SKB_* flags: checksum not ready, GSO, checksum not verified."""
    info = 2 if meta["flags"] & 0x04 else 0
    if meta["flags"] & 0x02:
        return info | 1
    outside = meta["hook"] <= 2 or (meta["hook"] == 4 and meta["indev"])
    return info | (4 if outside and not meta["flags"] & 0x20 else 0)


@settings(max_examples=300)
@given(meta=metas(), how=st.tuples(_u16, st.integers(1, 2), st.sampled_from([0, 8])), data=st.data())
def test_a_packets_message(program: Program, meta: Meta, how: How, data: st.DataObject) -> None:
    queue, mode, flags = how
    payload = data.draw(st.integers(0, meta["cap_len"])) if mode == 2 else 0
    address = bytes(meta["hw_addr"])
    answer = program.ask(f"message {queue} {mode} {flags} {payload} {packed(meta).hex()}")
    total, found = answer.split()
    body = expected(meta, address, mode, flags, payload)
    assert int(total) == 20 + len(body) + payload
    head = struct.pack("=IHHII", 20 + len(body) + payload, _SUBSYSTEM << 8 | _PACKET, 0, 0, 0)
    assert found == (head + struct.pack("!BBH", meta["family"], 0, queue) + body).hex()


# --- What it reads


@st.composite
def attributes(draw: st.DrawFn) -> tuple[int, bytes]:
    kind = draw(st.one_of(st.integers(0, 21), _u16))
    return kind, draw(st.binary(max_size=20))


def parsed(data: bytes, most: int, *, whole: bool = False) -> list[str]:
    """Return the attributes of types up to ``most`` as the program does.

    whole: a malformed attribute makes the message bad; else it and what follows are ignored, as by the kernel
    """
    wanted: dict[int, bytes] = {}
    at = 0
    while len(data) - at >= 4:
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or length > len(data) - at:
            if whole:
                return ["bad"]
            break
        if kind & 0x3FFF <= most:
            wanted[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return [f"{kind}:{wanted[kind].hex()}" for kind in sorted(wanted)]


@settings(max_examples=200)
@given(found=st.lists(attributes(), max_size=8), most=st.integers(0, 30), cut=st.integers(0, 40))
def test_attributes(program: Program, found: list[tuple[int, bytes]], most: int, cut: int) -> None:
    whole = b"".join(attribute(kind, data) for kind, data in found)
    data = whole[: max(0, len(whole) - cut)]
    assert program.ask(f"parse {most} {data.hex()}").split() == parsed(data, most)


#: Few types and lengths, so that one message is often like the last, or nearly.
_similar = st.lists(
    st.tuples(st.sampled_from([1, 5, 6, 6, 9, 14, 10, 19 | 0x8000, 40]), st.sampled_from([4, 4, 4, 7, 8])),
    max_size=6,
)


@settings(max_examples=200)
@given(
    shapes=st.lists(st.tuples(_similar, st.integers(1, 3)), min_size=1, max_size=4),
    draw=st.data(),
)
def test_attributes_of_packets(
    program: Program, shapes: list[tuple[list[tuple[int, int]], int]], draw: st.DataObject
) -> None:
    for shape, times in shapes:
        for _ in range(times):
            values = [(kind, draw.draw(st.binary(min_size=n, max_size=n))) for kind, n in shape]
            tail = draw.draw(st.binary(max_size=9))
            whole = b"".join(attribute(kind, data) for kind, data in values) + tail
            cut = draw.draw(st.sampled_from([0, 0, 0, 1, 3, 4, 5, 12]))
            data = whole[: max(0, len(whole) - cut)]
            assert program.ask(f"packet {data.hex()}").split() == parsed(data, _NFQA_MAX, whole=True)


@settings(max_examples=200)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.lists(_u32, max_size=40).map(lambda words: struct.pack(f"={len(words)}I", *words)),
    ),
    kind=st.integers(0, 4),
    length=st.integers(0, 300),
)
def test_requests_of_any_kind_do_no_harm(program: Program, data: bytes, kind: int, length: int) -> None:
    head = struct.pack("=IHHII", length, _SUBSYSTEM << 8 | kind, _REQUEST, 1, 0)
    program.ask(f"request {data.hex()}")
    program.ask(f"request {(head + data).hex()}")


@st.composite
def verdicts(draw: st.DrawFn) -> tuple[bytes, str]:
    """Return a verdict, and what is to be done for it."""
    queue, batch = draw(st.sampled_from([7, 7, 7, 8])), draw(st.booleans())
    verdict, number, sequence = draw(_u32), draw(_u32), draw(_u32)
    flags = _REQUEST | draw(st.sampled_from([0, _ACK]))
    body, words, wrong = attribute(_HDR, struct.pack("!II", verdict, number)), "", False
    for kind, name in ((_MARK, "mark"), (_PRIORITY, "priority")):
        if draw(st.booleans()):
            value = draw(st.one_of(st.binary(min_size=4, max_size=6), st.binary(max_size=3)))
            wrong |= len(value) < 4
            body += attribute(kind, value)
            words += f" {name}={int.from_bytes(value[:4], 'big')}"
    payload = draw(st.binary(max_size=60))
    if payload and draw(st.booleans()):
        body += attribute(_PAYLOAD, payload)
        words += "" if batch else f" payload={len(payload)}/{sum(payload)}"
    whole = message(_BATCH if batch else _VERDICT, queue, body, flags, sequence)
    error = ERANGE if wrong else ENODEV if queue != 7 else 0
    done = "" if error else f"{'batch' if batch else 'verdict'} {number} {verdict}{words},"
    answer = f"reply {sequence} {len(whole)} {error}," if error or flags & _ACK else ""
    return whole, done + answer


@settings(max_examples=200)
@given(found=st.lists(verdicts(), min_size=1, max_size=4))
def test_verdicts(program: Program, found: list[tuple[bytes, str]]) -> None:
    data = b"".join(each + bytes(-len(each) % 4) for each, _ in found)
    answer = program.ask(f"request {data.hex()}")
    assert answer == "".join(done for _, done in found)


@settings(max_examples=100)
@given(
    queue=_u16,
    command=st.one_of(st.none(), st.tuples(_u8, _u16)),
    params=st.one_of(st.none(), st.tuples(_u32, _u8)),
    words=st.tuples(*[st.one_of(st.none(), _u32)] * 3),
)
def test_configurations(
    program: Program,
    queue: int,
    command: tuple[int, int] | None,
    params: tuple[int, int] | None,
    words: tuple[int | None, int | None, int | None],
) -> None:
    body, wanted = b"", f"configure {queue}"
    if command:
        body += attribute(_COMMAND, struct.pack("!BxH", *command))
        wanted += " command={}/{}".format(*command)
    if params:
        body += attribute(_PARAMS, struct.pack("!IB", *params))
        wanted += f" mode={params[1]}/{params[0]}"
    for kind, name, value in zip((_MAXLEN, _FLAGS, _MASK), ("maxlen", "flags", "mask"), words, strict=True):
        if value is not None:
            body += attribute(kind, struct.pack("!I", value))
            wanted += f" {name}={value}"
    answer = program.ask(f"request {message(_CONFIG, queue, body).hex()}")
    assert answer == f"{wanted},"


def test_a_verdict_without_its_header(program: Program) -> None:
    whole = message(_VERDICT, 7, b"", sequence=5)
    assert program.ask(f"request {whole.hex()}") == f"reply 5 {len(whole)} {EINVAL},"


def test_what_follows_a_malformed_attribute_is_ignored(program: Program) -> None:
    body = attribute(_MAXLEN, struct.pack("!I", 9)) + struct.pack("=HH", 3, _FLAGS) + bytes(8)
    assert program.ask(f"request {message(_CONFIG, 7, body).hex()}") == "configure 7 maxlen=9,"


def test_each_message_of_a_datagram_goes_where_it_belongs(program: Program) -> None:
    config = message(_CONFIG, 7, attribute(_MAXLEN, struct.pack("!I", 9)))
    other = struct.pack("=IHHII", 17, 0x102, _REQUEST, 0, 0) + bytes(4)
    short = struct.pack("=IHHII", 16, _SUBSYSTEM << 8, _REQUEST, 0, 0)
    answer = program.ask(f"request {(other + config + short + config).hex()}")
    assert answer == " other 17configure 7 maxlen=9, other 16configure 7 maxlen=9,"
