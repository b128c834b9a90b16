# SPDX-License-Identifier: MIT
"""Packets and changes that users of NFQUEUE programs reported: what leaves is what the handler wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from delivery import joined, on_the_wire
from exchanges import COMPAT, NFQUEUE, RING, Exchange, Exchanges, Path_
from handmade import CASES, hidden
from report import describe
from wire_format import layout

PATHS = pytest.mark.parametrize("path", (NFQUEUE, RING, COMPAT), ids=lambda path: path.name)


def _by_scenario(names: Iterable[str]) -> list[Any]:
    """Return parameters for a test: the cases of each scenario."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(CASES[name].scenario.name, []).append(name)
    return [pytest.param(mine, id=scenario) for scenario, mine in found.items()]


_MADE_WHOLE = [name for name, case in CASES.items() if case.scenario.conntrack]
_DELIVERED = [name for name, case in CASES.items() if case.scenario.family and case.scenario.hook == "input"]
_LEAVING = [name for name in CASES if name not in (*_MADE_WHOLE, *_DELIVERED)]
_PADDED = [name for name in CASES if name.startswith("padded")]
_HIDDEN = [name for name in CASES if "hidden" in name]


def _found(handmade: Exchanges, path: Path_, name: str) -> list[Exchange]:
    """What was done with the packets of a case; all of them were queued."""
    passed, *found = handmade(path)[name]
    assert found and not passed.left and not passed.error, describe(passed, passed)
    return found


def _packets(found: Iterable[Exchange]) -> list[bytes]:
    """What left on the wire, from the IP header on."""
    return [data[2:] for each in found for _, data in each.left]


@PATHS
@pytest.mark.parametrize("names", _by_scenario(_LEAVING))
def test_the_answer_leaves_as_it_was_written(handmade: Exchanges, path: Path_, names: list[str]) -> None:
    wrong = []
    for name in names:
        if CASES[name].spares_nfqueue and path == NFQUEUE:
            continue
        found = _found(handmade, path, name)
        assert len(found) == len(CASES[name].record.packets)
        for each in found:
            assert (each.answer == each.seen) == ("given back" in name), name
            if _packets([each]) != [on_the_wire(each)]:
                wrong.append(describe(each, each))
    assert not wrong, f"{len(wrong)} of {len(names)}:\n" + "\n".join(wrong)


@PATHS
@pytest.mark.parametrize("name", _PADDED)
def test_padding_never_becomes_contents(handmade: Exchanges, path: Path_, name: str) -> None:
    (packet,) = _packets(_found(handmade, path, name))
    length = int.from_bytes(packet[2:4], "big")
    assert (len(packet), length) == (46, 29 if packet[9] == 17 else 40)
    if packet[9] == 17:
        assert int.from_bytes(packet[24:26], "big") == 9


@PATHS
@pytest.mark.parametrize("name", _HIDDEN)
def test_hidden_contents_are_found_again(handmade: Exchanges, path: Path_, name: str) -> None:
    (packet,) = _packets(_found(handmade, path, name))
    (sent,) = CASES[name].record.packets
    assert hidden(packet[20:]) == sent[20:]


@PATHS
@pytest.mark.parametrize("name", _MADE_WHOLE)
def test_a_datagram_made_whole_is_cut_again(handmade: Exchanges, path: Path_, name: str) -> None:
    """The handler sees it whole, and the fragments that leave carry what it wrote."""
    (found,) = _found(handmade, path, name)
    whole = layout(found.written)
    assert whole and len(found.left) == 2
    assert joined(_packets([found])) == found.written[whole.transport :]


@PATHS
@pytest.mark.parametrize("name", _DELIVERED)
def test_a_wrong_checksum_stays_wrong(handmade: Exchanges, path: Path_, name: str) -> None:
    """The kernel does not make good what the handler broke: no socket of UDP takes the datagram."""
    (found,) = _found(handmade, path, name)
    version = found.scenario.family
    delivered = found.written if version == 4 else found.written[40:]
    assert found.left == ((f"raw{version} 17", delivered),) or not found.left
