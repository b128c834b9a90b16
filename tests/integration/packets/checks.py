# SPDX-License-Identifier: MIT
"""What is checked of every network card."""

from __future__ import annotations

from collections.abc import Iterable

from frames import KINDS, Crafter, Frame
from handling import Handling
from wire import BURST, Wires, expected

FORBIDDEN = b"forbidden words"
DROPPED_PORT = 7002

#: One rule for each kind of packet; addresses of both directions.
FIVETUPLE_RULES = f"""
drop proto udp dport {DROPPED_PORT}
drop proto tcp dport {DROPPED_PORT}
drop proto icmp dst 198.18.0.78
drop proto icmp src 198.18.0.0/24 dst 198.19.0.78   # the same, for a network
drop proto icmpv6 dst 2001:2:0:1::78
drop proto icmpv6 src 2001:2:0:1::/64 dst 2001:2:0:2::78
default accept
"""

PAYLOAD_RULES = r"""
drop /forbidden\s+words/ first 128
default accept
"""

#: Handler, its rule file, the kind of packet that it drops (none, all, or by what).
HANDLERS = {
    "null": (("null",), None),
    "drop": (("drop",), None),
    "fivetuple": (("fivetuple",), FIVETUPLE_RULES),
    "fivetuple-one-by-one": (("--one-by-one", "fivetuple"), FIVETUPLE_RULES),
    "payload": (("payload",), PAYLOAD_RULES),
}


def wanted_and_unwanted(make: Crafter, handler: str) -> list[tuple[Frame, bool]]:
    """Return frames of every kind in both directions, and whether the handler lets each pass."""
    pairs: list[tuple[Frame, bool]] = []
    for source in ("client", "server"):
        for kind in KINDS:
            good = make.frame(kind, source, contents=b"kind words")
            pairs.append((good, handler != "drop"))
            pairs.append((_bad(make, handler, kind, source), handler == "null"))
    return pairs


def _bad(make: Crafter, handler: str, kind: str, source: str) -> Frame:
    if not handler.startswith("fivetuple"):
        return make.frame(kind, source, contents=FORBIDDEN)
    if kind.startswith("icmp"):
        return make.frame(kind, source, host=78)
    return make.frame(kind, source, port=DROPPED_PORT)


def check_verdicts(wires: Wires, handler: Handling, name: str, rounds: int = 3) -> None:
    """Send wanted and unwanted packets of all kinds; the wanted ones arrive, unchanged, in order."""
    before = handler.counters()
    pairs = [pair for _ in range(rounds) for pair in wanted_and_unwanted(wires.make, name)]
    wires.send(frame for frame, _ in pairs)
    after = handler.settled(before.received + len(pairs))
    passing = [frame for frame, passes in pairs if passes]
    assert_same(wires.arrived(), expected(passing))
    settled = (after.accepted - before.accepted, after.dropped - before.dropped)
    wanted = (len(passing), len(pairs) - len(passing))
    assert settled == wanted, f"accepted and dropped: {settled}, not {wanted}"


def check_all_pass(wires: Wires, handler: Handling, frames: list[Frame]) -> None:
    """Send frames; all arrive on the other side, byte for byte and in order."""
    for start in range(0, len(frames), BURST):
        before = handler.counters().received
        part = frames[start : start + BURST]
        wires.send(part)
        handler.settled(before + len(part))
        assert_same(wires.arrived(), expected(part))


def assert_same(found: dict[str, list[bytes]], wanted: dict[str, list[bytes]]) -> None:
    """Compare long lists of frames; say where they part instead of printing them."""
    for side, frames in wanted.items():
        for place, (one, two) in enumerate(zip(found[side], frames, strict=False)):
            assert one == two, (
                f"{side}: frame {place} of {len(frames)} is another: {one.hex()}, not {two.hex()}"
            )
        assert len(found[side]) == len(frames), f"{len(found[side])} of {len(frames)} frames at the {side}"


def sizes(make: Crafter, kind: str, values: Iterable[int]) -> list[Frame]:
    """Return frames of these sizes (bytes from the IP header on), random contents, client to server."""
    return [make.frame(kind, size=size) for size in values]
