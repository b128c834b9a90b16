# SPDX-License-Identifier: MIT
"""Several measurements of one thing: their middle and how far they lie apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """``low`` and ``high`` are the extremes, so that nothing is hidden by a distribution's name."""

    median: float
    low: float
    high: float
    number: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise; ValueError for none."""
        if not values:
            raise ValueError("no measurement")
        return cls(statistics.median(values), min(values), max(values), len(values))

    @property
    def relative(self) -> float:
        """Distance of the extremes, relative to the median (0.01: one percent); 0 for a median of 0."""
        return (self.high - self.low) / self.median if self.median else 0.0


def quantile(values: Sequence[float], part: float) -> float:
    """Smallest of ``values`` that at least ``part`` (0 to 1) of them do not exceed; ValueError for none."""
    if not values:
        raise ValueError("no measurement")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def change(old: float, new: float) -> float:
    """Relative change, 0.02 for two percent more; infinite where there was nothing."""
    if old == new:
        return 0.0
    return (new - old) / old if old else math.inf
