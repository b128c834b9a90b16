# SPDX-License-Identifier: MIT
"""Generated packets, changed in generated ways: what leaves is the same as over nfnetlink_queue.

FASTQUEUE_SEED makes other packets, FASTQUEUE_CHANGED more of them; then give pytest a --timeout to match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from differences import DIFFERENCES, Difference
from exchanges import COMPAT, COUNT, NFQUEUE, RING, SEED, Exchange, Exchanges, Path_
from report import describe
from scenarios import SCENARIOS, Scenario

#: A path runs once, in the first test that asks for it.
pytestmark = pytest.mark.timeout(300 + COUNT * 0.5)
_SHOWN = 5
_LONG = 20000  # records


def _explained(original: Exchange, found: Exchange) -> Difference | None:
    return next((entry for entry in DIFFERENCES if entry.explains(original, found)), None)


def _differ(original: Exchange, found: Exchange) -> bool:
    return original.comparable() != found.comparable()


@pytest.mark.parametrize("path", (RING, COMPAT), ids=lambda path: path.name)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_leaves_is_the_same(exchanges: Exchanges, scenario: Scenario, path: Path_) -> None:
    originals, results = exchanges(NFQUEUE)[scenario.name], exchanges(path)[scenario.name]
    assert len(originals) == len(results) >= 1
    left = []
    for original, found in zip(originals, results, strict=True):
        assert (original.name, original.kind) == (found.name, found.kind)
        same = (original.seen, original.answer) == (found.seen, found.answer)
        if not same or (_differ(original, found) and not _explained(original, found)):
            left.append((original, found))
    shown = "\n".join(describe(original, found) for original, found in left[:_SHOWN])
    assert not left, f"{len(left)} of {len(results)} records differ, seed {SEED}:\n{shown}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_most_packets_are_queued_and_leave(exchanges: Exchanges, scenario: Scenario) -> None:
    """Otherwise the comparison would compare nothing with nothing."""
    results = exchanges(NFQUEUE)[scenario.name]
    records = {found.name for found in results}
    queued = [found for found in results if found.seen]
    assert len({found.name for found in queued}) >= 0.8 * len(records)
    assert sum(1 for found in queued if found.left) >= 0.6 * len(queued)
    assert sum(1 for found in queued if found.answer not in (None, found.seen)) >= 0.6 * len(queued)


def test_documented_differences_are_real(exchanges: Exchanges) -> None:
    """In a long run each entry of the table is met; one that is not is stale. In a short one, most are."""
    met = Counter(_met(exchanges))
    print(dict(met))
    stale = {entry.name for entry in DIFFERENCES} - set(met)
    assert not stale if COUNT >= _LONG else len(stale) < len(DIFFERENCES) / 2, f"not met: {stale}"


def _met(exchanges: Exchanges) -> Iterator[str]:
    for name, originals in exchanges(NFQUEUE).items():
        for original, found in zip(originals, exchanges(RING)[name], strict=True):
            entry = _explained(original, found) if _differ(original, found) else None
            if entry:
                yield entry.name
