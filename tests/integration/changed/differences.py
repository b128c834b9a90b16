# SPDX-License-Identifier: MIT
"""The differences from nfnetlink_queue that are meant: the table in docs/compat.md, as code.

An entry says to which changes it applies, and what leaves over Fast Queue then. It is not a way to
excuse anything else: a difference that no entry explains fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from delivery import delivered, is_of_fragment, joined, on_the_wire
from exchanges import Exchange
from scenarios import Scenario
from wire_format import FRAGMENT, GRE, HOP_BY_HOP, ICMPV6, Layout, layout, valid_checksum

_WHOLE_HEADERS = {1: 8, 6: 20, 17: 8, 33: 12, 47: 4, 58: 8, 132: 12, 136: 8}  # bytes by transport protocol
_EXTENSIONS = {0, 43, 44, 51, 59, 60}  # next headers that the kernel takes for extensions of IPv6
_GRE_INSIDE = 24  # bytes of GRE's header and of the IPv4 header in it


@dataclass(frozen=True)
class Difference:
    """One documented difference."""

    name: str
    reason: str
    applies: Callable[[Exchange], bool]
    right: Callable[[Exchange, Exchange], bool]  # what left: over nfnetlink_queue, over Fast Queue

    def explains(self, original: Exchange, found: Exchange) -> bool:
        """Whether what left may differ."""
        return found.seen is not None and self.applies(found) and self.right(original, found)


def _nothing(_original: Exchange, found: Exchange) -> bool:
    return not found.left


def _as_written(_original: Exchange, found: Exchange) -> bool:
    wanted = found.record.ethertype.to_bytes(2, "big") + on_the_wire(found)
    return [data for _, data in found.left] == [wanted]


def _only_fast_queue(original: Exchange, found: Exchange) -> bool:
    return not original.left and _as_written(original, found)


def _as_delivered(_original: Exchange, found: Exchange) -> bool:
    """What the router's sockets got is what the answer has for them."""
    at = layout(found.written)
    if at and at.fragment:
        return is_of_fragment(found, at)
    return set(found.left) <= set(delivered(found))


def _parts(found: Exchange) -> tuple[Layout, Layout] | None:
    """The headers before and after, if both are IP."""
    before = _before(found)
    after = layout(found.written)
    return (before, after) if before and after and before.version == after.version else None


def _before(found: Exchange) -> Layout | None:
    """The headers of the packet, if the stack takes it for IP."""
    before = layout(found.seen or b"") if found.record.ethertype in (0x0800, 0x86DD) else None
    version = 4 if found.record.ethertype == 0x0800 else 6
    return before if before and before.version == version else None


def _at_home(scenario: Scenario, *hooks: str) -> bool:
    """Whether it is a hook of IP where a packet may be for this host."""
    return not scenario.bridged and scenario.hook in (hooks or ("input",))


def _not_ip(found: Exchange) -> bool:
    return _before(found) is not None and _parts(found) is None


def _other_protocol(found: Exchange) -> bool:
    parts = _parts(found)
    return _at_home(found.scenario) and parts is not None and parts[0].protocol != parts[1].protocol


def _unlike_its_connection(found: Exchange) -> bool:
    """Another protocol, a fragment that was none or the reverse, or less than a whole transport header."""
    parts = _parts(found)
    if parts is None or not found.scenario.conntrack:
        return False
    before, after = parts
    if (before.protocol, bool(before.fragment)) != (after.protocol, bool(after.fragment)):
        return True
    return len(found.written) < after.transport + _WHOLE_HEADERS.get(after.protocol, 0)


def _wrong_length_before_extensions(found: Exchange) -> bool:
    """Of this packet, or of an earlier fragment of its datagram."""
    if any(_wrong_length_before_extensions(each) for each in found.earlier):
        return True
    data = found.written
    if _parts(found) is None or found.scenario.bridged or data[0] >> 4 != 6 or data[6] not in _EXTENSIONS:
        return False
    return int.from_bytes(data[4:6], "big") + 40 != len(data)


def _other_length(found: Exchange) -> bool:
    parts = _parts(found)
    if parts is None or not _at_home(found.scenario, "input", "prerouting"):
        return False
    return parts[0].transport != parts[1].transport and all(place[0] in "ruc" for place, _ in found.left)


def _flow(data: bytes, at: Layout) -> tuple[bytes, bytes]:
    addresses = data[12:20] if at.version == 4 else data[8:40]
    return addresses, data[at.transport : at.transport + 4]


def _other_flow(found: Exchange) -> bool:
    parts = _parts(found)
    if parts is None or not found.record.connected or not _at_home(found.scenario):
        return False
    return _flow(found.seen or b"", parts[0]) != _flow(found.written, parts[1])


def _options(data: bytes) -> bytes:
    return data[20 : (data[0] & 15) * 4]


def options_valid(options: bytes) -> bool:
    """Say whether IPv4 options can be parsed (RFC 791): types, lengths, and no more than there is."""
    while options and options[0] != 0:
        if options[0] == 1:
            options = options[1:]
            continue
        if len(options) < 2 or not 2 <= options[1] <= len(options):
            return False
        options = options[options[1] :]
    return True


def _other_options(found: Exchange) -> bool:
    """Changed after the stack has parsed them."""
    parts = _parts(found)
    if (
        parts is None
        or parts[0].version != 4
        or _at_home(found.scenario, "prerouting")
        or found.scenario.bridged
    ):
        return False
    return _options(found.seen or b"") != _options(found.written)


def _bad_options(found: Exchange) -> bool:
    return _other_options(found) and not options_valid(_options(found.written))


def _options_of_fragments(original: Exchange, found: Exchange) -> bool:
    """The same fragments but for options of all but the first: those that are not copied are blank."""
    if len(original.left) != len(found.left) or len(found.left) < 2 or original.left[0] != found.left[0]:
        return False
    for (_, one), (_, other) in zip(original.left[1:], found.left[1:], strict=True):
        header = 2 + (one[2] & 15) * 4
        if (one[:12], one[14:22], one[header:]) != (other[:12], other[14:22], other[header:]):
            return False
        if any(byte not in (0, 1) for byte in _uncopied(other[22:header])):
            return False
    return True


def _uncopied(options: bytes) -> bytes:
    """Return types of options that only the first fragment has."""
    found = b""
    while options and options[0] != 0:
        if not options[0] & 0x80:
            found += options[:1]
        options = options[1 if options[0] == 1 else max(2, options[1]) :]
    return found


def _hop_by_hop_too_long(found: Exchange) -> bool:
    if found.scenario.hook not in ("prerouting", "input") or _parts(found) is None:
        return False
    data = found.written
    if data[0] >> 4 != 6 or data[6] != HOP_BY_HOP:
        return False
    return len(data) < 48 or 40 + (data[41] + 1) * 8 > len(data)


def _shorter_than_headers(found: Exchange) -> bool:
    """nfnetlink_queue's oldest offset: on a bridge what the sender's socket guessed, tunnels included."""
    before = _before(found)
    if before is None:  # no offset at all
        return found.scenario == Scenario(0, "output") and len(found.written) < len(found.seen or b"")
    inside = _GRE_INSIDE if before.protocol == GRE and found.scenario.bridged else 0
    return len(found.written) < before.transport + inside


def _segment_of_a_bridge(found: Exchange) -> bool:
    return found.scenario.bridged and found.record.kind == "large"


def _wrong_icmpv6(found: Exchange) -> bool:
    after = layout(found.written)
    if after is None or not found.scenario.conntrack or not _at_home(found.scenario, "input", "prerouting"):
        return False
    return after.version == 6 and after.protocol == ICMPV6 and not valid_checksum(found.written)


def _fragment_header_was_removed(found: Exchange) -> bool:
    """By conntrack: an atomic fragment header behind other extension headers."""
    if not found.scenario.conntrack or not _at_home(found.scenario, "input", "prerouting"):
        return False
    sent, before = layout(found.record.packets[0]), _before(found)
    if sent is None or before is None or before.version != 6 or not before.extensions:
        return False
    return FRAGMENT in dict(sent.extensions[1:]) and FRAGMENT not in dict(before.extensions)


def _made_whole_and_same(found: Exchange) -> bool:
    """Put together from fragments for conntrack, and given back as it was."""
    return found.scenario.conntrack and len(found.record.packets) > 1 and found.seen == found.answer


def _same_contents(original: Exchange, found: Exchange) -> bool:
    contents = [joined(data[2:] for _, data in each.left) for each in (original, found)]
    return bool(contents[0]) and contents[0] == contents[1]


def _connection_not_confirmed(found: Exchange) -> bool:
    """No segment of a large packet came through before, the first of a connection."""
    large = found.scenario.conntrack and found.record.kind == "large"
    return large and bool(found.earlier) and not any(each.left for each in found.earlier)


def _without_raw_icmpv6(original: Exchange, found: Exchange) -> bool:
    return tuple(item for item in original.left if item[0] != f"raw6 {ICMPV6}") == found.left


DIFFERENCES = (
    Difference(
        "no longer IP",
        "dropped: another version, or no whole header",
        _not_ip,
        _nothing,
    ),
    Difference(
        "protocol at INPUT",
        "dropped: another transport protocol than the one for which this host was found to be the end",
        _other_protocol,
        _nothing,
    ),
    Difference(
        "transport header of a connection",
        "dropped: conntrack's helpers and NAT rely on the protocol and on a whole header",
        _unlike_its_connection,
        _nothing,
    ),
    Difference(
        "wrong length in an IPv6 header with extensions",
        "dropped: reassembly goes by it",
        _wrong_length_before_extensions,
        _nothing,
    ),
    Difference(
        "addresses or ports of a known socket at INPUT",
        "the socket is looked up again; nfnetlink_queue leaves the packet to the one found before",
        _other_flow,
        _as_delivered,
    ),
    Difference(
        "length of headers at INPUT",
        "delivered from behind the new headers; nfnetlink_queue counts the old length",
        _other_length,
        _as_delivered,
    ),
    Difference(
        "options that cannot be parsed",
        "dropped, as the stack drops those that it receives",
        _bad_options,
        _nothing,
    ),
    Difference(
        "options in later fragments",
        "a packet that is cut keeps new options in its first fragment only, unless they are to be copied",
        _other_options,
        _options_of_fragments,
    ),
    Difference(
        "hop-by-hop header that does not fit",
        "dropped before routing and at INPUT",
        _hop_by_hop_too_long,
        _nothing,
    ),
    Difference(
        "shorter than the old headers",
        "leaves; nfnetlink_queue drops it",
        _shorter_than_headers,
        _only_fast_queue,
    ),
    Difference(
        "segments on a bridge",
        "leave with their Ethernet header; nfnetlink_queue loses it",
        _segment_of_a_bridge,
        _as_written,
    ),
    Difference(
        "wrong ICMPv6 checksum behind conntrack",
        "not given to raw sockets; nfnetlink_queue trusts what conntrack found before the change",
        _wrong_icmpv6,
        _without_raw_icmpv6,
    ),
    Difference(
        "fragment header that conntrack removed",
        "a changed packet is parsed anew and delivered; nfnetlink_queue, as without a change, loses it",
        _fragment_header_was_removed,
        _as_delivered,
    ),
    Difference(
        "fragments given back as they were",
        "leave as they came; nfnetlink_queue cuts what conntrack put together anew",
        _made_whole_and_same,
        _same_contents,
    ),
    Difference(
        "segments after those that were refused",
        "dropped with the connection that no packet confirmed",
        _connection_not_confirmed,
        _nothing,
    ),
)
