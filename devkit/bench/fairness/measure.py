# SPDX-License-Identifier: MIT
"""Run the target's programs, in one boot, and store what they found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from devkit.bench.fairness import cases, summary
from devkit.bench.fairness.cases import QueueLoad
from devkit.bench.paths.catalogue import TARGET_FOLDER
from devkit.bench.results.store import Store
from devkit.host.errors import KitError
from devkit.host.progress import say, stage
from devkit.host.run_command import last_lines
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.base import understood
from devkit.target.qemu import Target

PROFILE = "p3-1g-alone"
#: With a gigabyte the module's defaults let an unprivileged user fill the largest ring. MB.
MEMORY = 1024

_PROGRAMS = Path(__file__).parents[1] / "guest" / "fairness"
_FOLDER = f"{TARGET_FOLDER}/fairness"
_TIMEOUT = 300.0
#: Of the target's time, for each of three measurements of a load.
_WINDOW_MS = 1000
_QUICK_WINDOW_MS = 250


def missing(quick: bool, store: Store) -> tuple[list[QueueLoad], bool]:
    """Return the loads that the store does not have, and whether pauses are missing."""
    pauses = any(cases.pause_key(name) not in store.results for name in cases.PAUSES)
    return [load for load in cases.loads(quick) if load.key not in store.results], pauses


def seconds(loads: list[QueueLoad], pauses: bool, quick: bool) -> float:
    """Return how long it takes, about."""
    if not loads and not pauses:
        return 0.0
    return 10.0 + len(loads) * (5.0 if quick else 15.0) + 40.0 * pauses


def measure(image: Image, quick: bool, store: Store) -> None:
    """Take what the store does not have; KitError FQ-BENCH if a program fails."""
    loads, pauses = missing(quick, store)
    if not loads and not pauses:
        return
    with stage("boot the target (fairness)"):
        lab = Lab.start()
        target = Target.boot(image, lab=lab, profile=PROFILE, mem=MEMORY)
    with lab, target, kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE):
        _install(target)
        for load in loads:
            _share(target, load, _QUICK_WINDOW_MS if quick else _WINDOW_MS, store)
        if pauses:
            _pauses(target, store)


def _install(target: Target) -> None:
    target.run(["mkdir", "-p", _FOLDER])
    for path in sorted(_PROGRAMS.glob("*.py")):
        target.put(path, f"{_FOLDER}/{path.name}")


def _share(target: Target, load: QueueLoad, window_ms: int, store: Store) -> None:
    with stage(f"processor taken: {load.label}"):
        results = _run(target, "share", *load.words(window_ms))
    with understood("the processor's share"):
        [result] = results
        share = summary.share(result)
    store.add(load.key, {"label": load.label, **result})
    say(f"  {share.taken:.2f} % taken from others, {share.process:.2f} % by the process itself")


def _pauses(target: Target, store: Store) -> None:
    with stage("pauses of others while a full ring goes"):
        results = _run(target, "pauses", str(cases.MOST_FRAMES))
    for result in results:
        with understood("pauses"):
            said = f"{cases.PAUSES[result['name']]}: {result['longest_ns'] / 1e6:.2f} ms"
        store.add(cases.pause_key(result["name"]), result)
        say(f"  {said}")


def _run(target: Target, program: str, *words: str) -> list[dict[str, Any]]:
    """Run a program and return its lines."""
    done = target.run(
        ["env", f"PYTHONPATH={TARGET_FOLDER}", "python3", "-m", f"fairness.{program}", *words],
        timeout=_TIMEOUT,
        check=False,
        quiet=True,
    )
    try:
        results = [json.loads(line) for line in done.output.splitlines()]
    except (ValueError, RecursionError):
        results = []
    if done.status or not results:
        what = f"fairness.{program} failed in the target"
        raise KitError("FQ-BENCH", what, "see its output", lines=last_lines(done.output, 10))
    return results
