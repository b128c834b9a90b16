# SPDX-License-Identifier: MIT
"""The work of a bench run as a list, and its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from devkit.bench.paths.catalogue import PathSetting
from devkit.bench.workload.veth_network import VethNetwork
from devkit.target.qemu import Target

Measure = Callable[[Target, VethNetwork], dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """One result: ``measure`` returns what the store keeps under ``key``.

    ``weight`` is about how long it takes, in seconds of an ordinary host.
    """

    key: str
    setting: PathSetting
    measure: Measure
    weight: float = 1.0


def by_setting(steps: Sequence[Step]) -> list[tuple[PathSetting, list[Step]]]:
    """Put steps of one setting together, so that each way is laid once; order is kept."""
    order = {step.setting: index for index, step in reversed(list(enumerate(steps)))}
    ordered = sorted(steps, key=lambda step: order[step.setting])
    return [(setting, list(group)) for setting, group in groupby(ordered, key=lambda step: step.setting)]
