# SPDX-License-Identifier: MIT
"""Send records, change their packets, note what leaves: ``exchange.py PATH SEED COUNT RESULTS SCENARIO...``.

A line of JSON per record goes into the file RESULTS, compressed: what the handler saw, what it answered,
and what arrived where.
"""

import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from alterations import alter, choose
from generator import Record, generate
from handlers import Handler, open_handler
from handmade import CASES, Case
from lane import deliver
from places import Places
from scenarios import SCENARIOS, Scenario


def main(path: str, seed: str, count: str, results: str, *names: str) -> None:
    """Run the scenarios, each with ``count`` records, or with those made by hand if that is 0."""
    chosen = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    with gzip.open(results, "wt", compresslevel=1) as file:
        for bridged in (False, True):
            mine = [scenario for scenario in chosen if scenario.bridged == bridged]
            places = Places(bridged=bridged) if mine else None
            for scenario in mine:
                assert places
                began = time.monotonic()
                steps = _generated(seed, scenario, int(count)) if int(count) else _handmade(scenario)
                for result in _run(places, path, scenario, steps):
                    file.write(json.dumps(result) + "\n")
                print(f"{scenario.name}: {time.monotonic() - began:.1f} s", flush=True)


class Step(NamedTuple):
    """A record, by which name results have it, and what the handler answers to its packets."""

    name: str
    kind: str
    record: Record
    change: Callable[[int, bytes], bytes | None]


def _generated(seed: str, scenario: Scenario, count: int) -> Iterator[Step]:
    for number in range(count):
        record = generate(seed, scenario, number)
        kind = choose(seed, scenario, record, number)
        yield Step(
            str(number), kind, record, partial(alter, scenario, f"{seed} {scenario.name} {number}", kind)
        )


def _handmade(scenario: Scenario) -> Iterator[Step]:
    nfqueue = os.path.exists("/sys/module/nfnetlink_queue")  # noqa: PTH110 start-up time
    for case in CASES.values():
        if case.scenario == scenario and not (case.spares_nfqueue and nfqueue):
            yield Step(case.name, "", case.record, partial(_by_hand, case))


def _by_hand(case: Case, _count: int, data: bytes) -> bytes | None:
    return case.change(data)


def _run(places: Places, path: str, scenario: Scenario, steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    with places.rules(scenario):
        handler = open_handler(path)
        for step in steps:
            yield {"scenario": scenario.name, "name": step.name, "kind": step.kind,
                   **_exchange(places, handler, scenario, step)}  # fmt: skip
        handler.close()


def _exchange(places: Places, handler: Handler, scenario: Scenario, step: Step) -> dict[str, Any]:
    """Send a record; its packets are answered one by one, and what leaves then is the answer's doing."""

    def arrived() -> list[tuple[str, str]]:
        return [(place, data.hex()) for place, data in places.arrived(scenario)]

    error = places.send(scenario, step.record)
    waiting, passed = handler.packets(), arrived()
    packets: list[dict[str, Any]] = []
    while waiting:
        for key, data in waiting:
            answer = step.change(len(packets), data)
            handler.answer(key, answer)
            handler.settle()
            deliver()
            shown = None if answer is None else answer.hex()
            packets.append(
                {"seen": data.hex(), "answer": shown, "left": arrived(), "refused": handler.refused()}
            )
        waiting = handler.packets()
    return {"error": error, "passed": passed, "packets": packets}


if __name__ == "__main__":
    main(*sys.argv[1:])
