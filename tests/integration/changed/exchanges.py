# SPDX-License-Identifier: MIT
"""Run the exchanges of changed packets in the target, and read what each path did."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from target_programs import install

from devkit.target import kernel_modules
from devkit.target.qemu import Target

PROGRAMS = Path(__file__).parent / "programs"
_SAFETY = Path(__file__).parents[1] / "safety" / "programs"
#: Networks and rings of the safety tests.
_SHARED = ("lane.py", "barrier.py", "nets.py", "checks.py", "libc.py")
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


NFQUEUE = Path_("nfnetlink_queue", kernel_modules.NFQUEUE, "library")
RING = Path_("ring", kernel_modules.FASTQUEUE, "ring")
COMPAT = Path_("fastqueue-run", kernel_modules.FASTQUEUE, "library", "fastqueue-run")


Left = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Exchange:
    """One packet: what the handler saw and answered, and what left then, and where.

    ``seen`` is None for what a record did by itself: packets that no rule queued.
    """

    scenario: Scenario
    name: str  # the record's number, or a case made by hand
    kind: str
    error: str
    seen: bytes | None
    answer: bytes | None
    left: Left
    refused: int | None
    earlier: tuple[Exchange, ...] = ()  # of the same record

    @property
    def record(self) -> Record:
        """The packets that were sent."""
        case = CASES.get(self.name)
        return case.record if case else generate(SEED, self.scenario, int(self.name))

    @property
    def written(self) -> bytes:
        """What the handler let pass: its answer, or the packet."""
        return self.seen or b"" if self.answer is None else self.answer

    def comparable(self) -> Left:
        """Return what left, without the fragment identifications that IPv6 draws by chance."""
        known = {number for data in (self.seen, self.answer) if data for number in _numbers(data)}
        return tuple((place, _without_chance(data, known)) for place, data in self.left)


#: What a path did, by scenario or by name of a case.
Exchanges = Callable[[Path_], dict[str, list[Exchange]]]


def _fragment_headers(packet: bytes) -> list[int]:
    found = layout(packet)
    return [at for number, at in found.extensions if number == FRAGMENT] if found else []


def _numbers(packet: bytes) -> list[bytes]:
    return [packet[at + 4 : at + 8] for at in _fragment_headers(packet)]


def _without_chance(frame: bytes, known: set[bytes]) -> bytes:
    """Blank identifications that are not ``known``: those of fragments that the kernel made."""
    data = bytearray(frame)
    if frame[:2] == b"\x86\xdd":
        for at in _fragment_headers(frame[2:]):
            if bytes(data[at + 6 : at + 10]) not in known:
                data[at + 6 : at + 10] = bytes(4)
    return bytes(data)


def install_programs(target: Target) -> str:
    """Put the programs into the target; return their directory."""
    install(target, _PLACE, PROGRAMS, others={name: _SAFETY / name for name in _SHARED})
    return _PLACE


def run(target: Target, path: Path_, *, handmade: bool = False) -> list[Exchange]:
    """Exchange all records over a path: those that are generated, or those made by hand."""
    kernel_modules.load_only(target, path.module)
    install_programs(target)
    each = 0 if handmade else -(-COUNT // len(SCENARIOS))
    program = f"{path.under} python3 exchange.py {path.handler} {SEED} {each} results.gz"
    done = target.run(f"cd {_PLACE} && {program}", timeout=240 + 0.3 * COUNT, check=False)
    assert not done.status, f"over {path.name}, seed {SEED}:\n{done.output}"
    lines = gzip.decompress(target.get(f"{_PLACE}/results.gz")).decode().splitlines()
    return [exchange for line in lines for exchange in read(line)]


def read(line: str) -> Iterator[Exchange]:
    """Read the result of a record: what passed by itself, and each of its packets that was queued."""
    found = json.loads(line)
    about = (_BY_NAME[found["scenario"]], found["name"], found["kind"], found["error"])
    yield Exchange(*about, None, None, _left(found["passed"]), None)
    earlier: tuple[Exchange, ...] = ()
    for each in found["packets"]:
        answer = None if each["answer"] is None else bytes.fromhex(each["answer"])
        seen, left = bytes.fromhex(each["seen"]), _left(each["left"])
        exchange = Exchange(*about, seen, answer, left, each["refused"], earlier)
        earlier = (*earlier, exchange)
        yield exchange


def _left(items: list[tuple[str, str]]) -> Left:
    return tuple((place, bytes.fromhex(data)) for place, data in items)
