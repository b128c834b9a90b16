# SPDX-License-Identifier: MIT
"""The IDSes that are measured, and how each gets its packets. Data, in the order of the tables."""

from __future__ import annotations

from dataclasses import dataclass

from devkit.suricata import engine, flow_bypass
from devkit.target import kernel_modules

#: Files of the light IDS in the target.
LIGHT_FOLDER = "/run/light"
PATTERNS = f"{LIGHT_FOLDER}/patterns.hex"
LIGHT_RULES = f"{LIGHT_FOLDER}/light.rules"

SURICATA = "Suricata"
LIGHT_C = "50 patterns, C"
LIGHT_PYTHON = "50 patterns, Python"
FAMILIES = (SURICATA, LIGHT_C, LIGHT_PYTHON)


@dataclass(frozen=True)
class Way:
    """An IDS behind a queue.

    name:    of its results
    family:  the IDS: ways of one family are compared with each other
    argv:    what is run; none for plain forwarding
    ready:   what it prints when it takes packets (grep -E)
    gso:     takes GSO packets whole: only measured with offloads on
    bypass:  flows that it has cleared pass the queue by
    slower:  bursts of the paced load come so many times more rarely
    """

    name: str
    label: str
    family: str
    module: str | None = None
    argv: tuple[str, ...] = ()
    ready: str = "^ready"
    gso: bool = False
    bypass: bool = False
    slower: int = 1


def _suricata(name: str, label: str, module: str, *, gso: bool = False, by: bool = False) -> Way:
    argv = tuple(engine.command(module, flow_bypass.OPTIONS if by else (), gso=gso))
    return Way(name, label, SURICATA, module, argv, engine.STARTED, gso, by, 10)


PLAIN = Way("plain", "plain forwarding", "")
NFQUEUE = _suricata("suricata-nfqueue", "NFQUEUE", kernel_modules.NFQUEUE)
FASTQUEUE = _suricata("suricata-fastqueue", "Fast Queue", kernel_modules.FASTQUEUE)
FASTQUEUE_GSO = _suricata("suricata-gso", "Fast Queue, GSO packets whole", kernel_modules.FASTQUEUE, gso=True)
NFQUEUE_BYPASS = _suricata(
    "suricata-nfqueue-bypass", "NFQUEUE, cleared flows bypass", kernel_modules.NFQUEUE, by=True
)
FASTQUEUE_BYPASS = _suricata(
    "suricata-fastqueue-bypass", "Fast Queue, cleared flows bypass", kernel_modules.FASTQUEUE, by=True
)

_IN_C = ("light-ids", PATTERNS)
LIGHT_NFQUEUE_C = Way("light-c-nfqueue", "NFQUEUE", LIGHT_C, kernel_modules.NFQUEUE, _IN_C, slower=2)
LIGHT_FASTQUEUE_C = Way(
    "light-c-fastqueue", "Fast Queue", LIGHT_C, kernel_modules.FASTQUEUE, ("fastqueue-run", *_IN_C), slower=2
)
LIGHT_NFQUEUE_PYTHON = Way(
    "light-python-nfqueue",
    "NFQUEUE",
    LIGHT_PYTHON,
    kernel_modules.NFQUEUE,
    ("python3", f"{LIGHT_FOLDER}/nfqueue_payload.py", LIGHT_RULES),
    slower=40,
)
LIGHT_FASTQUEUE_PYTHON = Way(
    "light-python-fastqueue",
    "Fast Queue",
    LIGHT_PYTHON,
    kernel_modules.FASTQUEUE,
    ("python3", "-m", "fastqueue", "run", "--timeout-ms", "0", "payload", LIGHT_RULES),
    slower=40,
)

#: Each family's baseline comes first.
ALL = (
    PLAIN,
    NFQUEUE,
    FASTQUEUE,
    FASTQUEUE_GSO,
    NFQUEUE_BYPASS,
    FASTQUEUE_BYPASS,
    LIGHT_NFQUEUE_C,
    LIGHT_FASTQUEUE_C,
    LIGHT_NFQUEUE_PYTHON,
    LIGHT_FASTQUEUE_PYTHON,
)


def costed() -> list[Way]:
    """Ways whose packets are counted one by one: those that see every packet, as they came."""
    return [way for way in ALL if not way.gso and not way.bypass]


def streamed(offloads: bool) -> list[Way]:
    """Ways that TCP takes; the light ones with offloads off only, as NFQUEUE hands them segments anyhow."""
    return [way for way in ALL if (way.family in ("", SURICATA) if offloads else not way.gso)]
