# SPDX-License-Identifier: MIT
"""The bench itself: two whole boots agree, while the host compiles too. Figures are not judged here."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from devkit.bench.methods import internal_traffic, main_table
from devkit.bench.paths.catalogue import FASTQUEUE_C, NFQUEUE_C, PLAIN
from devkit.bench.results.results import Results
from devkit.bench.results.store import Store
from devkit.host.paths import PROJECT
from devkit.image.image import Image, build_image

#: What two runs may differ by.
AGREEMENT = 0.02


@pytest.fixture(scope="session")
def image() -> Image:
    return build_image()


def measured(image: Image, path: Path) -> Results:
    """Costs of three ways, in a boot of its own."""
    kept = Store.opened(path, {}, {})
    steps = main_table.steps((PLAIN, NFQUEUE_C, FASTQUEUE_C), runs=2, capacity=False)
    chosen = [step for step in steps if step.key.endswith(("udp-64", "udp-1400"))]
    internal_traffic.measure(image, chosen, kept, lambda step: None)
    return Results(kept.content)


@contextmanager
def compiling(folder: Path) -> Iterator[None]:
    """Have every processor of the host compile the kit's C programs, over and over."""
    make = (
        f"make -s -B -C {shlex.quote(str(PROJECT / 'native'))} O={shlex.quote(str(folder))} CC=gcc CFLAGS=-O2"
    )
    compiler = subprocess.Popen(
        ["sh", "-c", f"while {make} -j{os.cpu_count()} fastqueue; do :; done"],
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
        assert compiler.poll() is None, "the compiler ended: the host was not busy"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(compiler.pid, signal.SIGKILL)
        compiler.wait()


def test_two_boots_agree_while_the_host_compiles(image: Image, tmp_path: Path) -> None:
    one = measured(image, tmp_path / "one.json")
    with compiling(tmp_path / "objects"):
        other = measured(image, tmp_path / "other.json")
    for row in (PLAIN, NFQUEUE_C, FASTQUEUE_C):
        for load in ("udp-64", "udp-1400"):
            first, second = one.cost(row, load), other.cost(row, load)
            assert first
            assert second
            assert abs(first.median / second.median - 1) < AGREEMENT
            assert max(first.relative, second.relative) < AGREEMENT


def test_what_is_measured_is_not_measured_again(image: Image, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    kept = Store.opened(path, {}, {})
    (step,) = [step for step in main_table.steps((PLAIN,), 1) if step.key == "cost/plain/udp-64"]
    kept.add(step.key, {"runs": []})
    internal_traffic.measure(image, [step], kept, lambda step: pytest.fail("measured again"))
