# SPDX-License-Identifier: MIT
"""Send records, change their packets, note what leaves: ``exchange.py PATH SEED COUNT RESULTS [SCENARIO...]``.

A line of JSON per record goes into the file RESULTS, compressed: what the handler saw, what it answered,
and what arrived where.
"""

import gzip
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from alterations import alter, choose
from generator import Record, generate
from handlers import Handler, open_handler
from lane import deliver
from places import Places
from scenarios import SCENARIOS, Scenario


def main(path: str, seed: str, count: str, results: str, *names: str) -> None:
    """Run the scenarios, each with ``count`` records."""
    chosen = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    with gzip.open(results, "wt", compresslevel=1) as file:
        for bridged in (False, True):
            mine = [scenario for scenario in chosen if scenario.bridged == bridged]
            places = Places(bridged=bridged) if mine else None
            for scenario in mine:
                assert places
                began = time.monotonic()
                for result in _run(places, path, seed, scenario, range(int(count))):
                    file.write(json.dumps(result) + "\n")
                print(f"{scenario.name}: {time.monotonic() - began:.1f} s", flush=True)


def _run(
    places: Places, path: str, seed: str, scenario: Scenario, numbers: range
) -> Iterator[dict[str, Any]]:
    with places.rules(scenario):
        handler = open_handler(path)
        for number in numbers:
            record = generate(seed, scenario, number)
            kind = choose(seed, scenario, record, number)
            yield _exchange(places, handler, seed, scenario, number, record, kind)
        handler.close()


def _exchange(
    places: Places, handler: Handler, seed: str, scenario: Scenario, number: int, record: Record, kind: str
) -> dict[str, Any]:
    error = places.send(scenario, record)
    seen: list[str] = []
    answers: list[str | None] = []
    count = itertools.count()
    while waiting := handler.packets():
        for key, data in waiting:
            answer = alter(seed, scenario, number, kind, next(count), data)
            handler.answer(key, answer)
            seen.append(data.hex())
            answers.append(None if answer is None else answer.hex())
        handler.settle()
        deliver()
    left = [(place, data.hex()) for place, data in places.arrived(scenario)]
    return {"scenario": scenario.name, "number": number, "kind": kind, "error": error, "seen": seen,
            "answers": answers, "left": left, "refused": handler.refused()}  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
