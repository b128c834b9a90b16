# SPDX-License-Identifier: MIT
import math

import pytest

from devkit.bench.results.sample_stats import Spread, change, quantile


def test_a_spread_has_median_and_extremes() -> None:
    spread = Spread.of([104.0, 100.0, 102.0])
    assert spread == Spread(102.0, 100.0, 104.0, 3)
    assert spread.relative == pytest.approx(4 / 102)


def test_nothing_has_no_spread() -> None:
    with pytest.raises(ValueError, match="no measurement"):
        Spread.of([])


def test_of_zero_nothing_is_relative() -> None:
    assert Spread.of([0.0, 0.0]).relative == 0.0


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_a_quantile_is_one_of_the_values(part: float, value: int) -> None:
    assert quantile(list(range(100, 0, -1)), part) == value


def test_the_quantile_of_one_is_itself() -> None:
    assert quantile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no measurement"):
        quantile([], 0.5)


def test_change_is_relative_to_what_was() -> None:
    assert change(200.0, 190.0) == pytest.approx(-0.05)
    assert change(0.0, 0.0) == 0.0
    assert change(0.0, 1.0) == math.inf
