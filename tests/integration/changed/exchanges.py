# SPDX-License-Identifier: MIT
"""Run the exchanges of changed packets in the target, and read what each path did."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from target_programs import install

from devkit import modules
from devkit.target_commands import TargetCommands

PROGRAMS = Path(__file__).parent / "programs"
_SAFETY = Path(__file__).parents[1] / "safety" / "programs"
_SHARED = ("lane.py", "nets.py", "checks.py", "libc.py")  # networks and rings of the safety tests
_PLACE = "/run/changed"
#: Packets of other kinds, and more of them: ``FASTQUEUE_CHANGED=100000 pytest --timeout=36000 ...``.
SEED = os.environ.get("FASTQUEUE_SEED", "1")
COUNT = int(os.environ.get("FASTQUEUE_CHANGED", "2000"))

sys.path.append(str(PROGRAMS))  # the generator is here too: a report names the packets of a record

from generator import Record, generate  # noqa: E402
from handmade import CASES  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402
from wire_format import FRAGMENT, layout  # noqa: E402

_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@dataclass(frozen=True)
class Path_:
    """A way from a rule to a handler: a queue module, and a program's way to it."""

    name: str
    module: str
    handler: str
    under: str = ""


NFQUEUE = Path_("nfnetlink_queue", modules.NFQUEUE, "library")
RING = Path_("ring", modules.FASTQUEUE, "ring")
COMPAT = Path_("fastqueue-run", modules.FASTQUEUE, "library", "fastqueue-run")


@dataclass(frozen=True)
class Exchange:
    """A record, what the handler saw of it and answered, and what left where."""

    scenario: Scenario
    name: str  # the record's number, or a case made by hand
    kind: str
    error: str
    seen: tuple[bytes, ...]
    answers: tuple[bytes | None, ...]
    left: tuple[tuple[str, bytes], ...]
    refused: int | None

    @property
    def record(self) -> Record:
        """The packets that were sent."""
        case = CASES.get(self.name)
        return case.record if case else generate(SEED, self.scenario, int(self.name))

    @property
    def changes(self) -> list[tuple[bytes, bytes]]:
        """Packet and answer, of those that were given contents."""
        pairs = zip(self.seen, self.answers, strict=True)
        return [(seen, answer) for seen, answer in pairs if answer is not None]

    def comparable(self) -> tuple[tuple[str, bytes], ...]:
        """Return what left, without the fragment identifications that IPv6 draws by chance."""
        known = {number for data in (*self.seen, *filter(None, self.answers)) for number in _numbers(data)}
        return tuple((place, _without_chance(data, known)) for place, data in self.left)


def _fragment_headers(packet: bytes) -> list[int]:
    found = layout(packet)
    return [at for number, at in found.extensions if number == FRAGMENT] if found else []


def _numbers(packet: bytes) -> list[bytes]:
    return [packet[at + 4 : at + 8] for at in _fragment_headers(packet)]


def _without_chance(frame: bytes, known: set[bytes]) -> bytes:
    """Blank identifications that are not ``known``: the kernel made this fragment. Frames begin with their type."""
    data = bytearray(frame)
    if frame[:2] == b"\x86\xdd":
        for at in _fragment_headers(frame[2:]):
            if bytes(data[at + 6 : at + 10]) not in known:
                data[at + 6 : at + 10] = bytes(4)
    return bytes(data)


def run(target: TargetCommands, path: Path_, *, handmade: bool = False) -> list[Exchange]:
    """Exchange all records over a path: those that are generated, or those made by hand."""
    modules.only(target, path.module)
    install(target, _PLACE, PROGRAMS, others={name: _SAFETY / name for name in _SHARED})
    each = 0 if handmade else -(-COUNT // len(SCENARIOS))
    program = f"{path.under} python3 exchange.py {path.handler} {SEED} {each} results.gz"
    done = target.run(f"cd {_PLACE} && {program}", timeout=240 + 0.3 * COUNT, check=False)
    assert not done.status, f"over {path.name}, seed {SEED}:\n{done.output}"
    lines = gzip.decompress(target.get(f"{_PLACE}/results.gz")).decode().splitlines()
    return [_read(line) for line in lines]


def _read(line: str) -> Exchange:
    found = json.loads(line)
    return Exchange(
        scenario=_BY_NAME[found["scenario"]],
        name=found["name"],
        kind=found["kind"],
        error=found["error"],
        seen=tuple(map(bytes.fromhex, found["seen"])),
        answers=tuple(None if data is None else bytes.fromhex(data) for data in found["answers"]),
        left=tuple((place, bytes.fromhex(data)) for place, data in found["left"]),
        refused=found["refused"],
    )
