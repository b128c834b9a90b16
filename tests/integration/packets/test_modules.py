# SPDX-License-Identifier: MIT
"""Fast Queue and its baseline in one boot; loading and unloading while packets come."""

import threading

import pytest
from frames import Frame
from handling import queued
from wire import Wires, expected

from devkit.host.errors import KitError
from devkit.measure import data_path
from devkit.measure.data_path import FASTQUEUE_C, FASTQUEUE_PYTHON, NFQUEUE_C, PLAIN, DataPath
from devkit.target import kernel_modules, nftables
from devkit.target.qemu import Target

CYCLES = 50


def test_every_path_in_one_boot(target: Target, wires: Wires) -> None:
    """Swapped to and fro; each delivers everything in order."""
    paths: tuple[DataPath, ...] = (NFQUEUE_C, FASTQUEUE_PYTHON, NFQUEUE_C, FASTQUEUE_C, PLAIN)
    for path in paths:
        with data_path.active(target, path):
            frames = list(wires.make.each_kind()) + wires.make.numbered(100)
            wires.send(frames)
            for side, wanted in expected(frames).items():
                wires.wait_count(side, len(wanted))
            with nftables.rules_installed(target):
                assert wires.arrived() == expected(frames), path.name


def test_the_baseline_is_refused_while_fast_queue_is_loaded(target: Target) -> None:
    kernel_modules.load_only(target, kernel_modules.FASTQUEUE)
    with pytest.raises(KitError) as caught:
        kernel_modules.load(target, kernel_modules.NFQUEUE)
    assert caught.value.code == "FQ-MODULE"
    assert "busy" in str(caught.value)
    assert kernel_modules.NFQUEUE not in kernel_modules.loaded(target)


def test_fast_queue_is_refused_while_the_baseline_is_loaded(target: Target) -> None:
    kernel_modules.load_only(target, kernel_modules.NFQUEUE)
    try:
        with pytest.raises(KitError) as caught:
            kernel_modules.load(target, kernel_modules.FASTQUEUE)
        assert "busy" in str(caught.value)
        assert any("nfnetlink_queue is loaded" in line for line in caught.value.lines)
        assert kernel_modules.FASTQUEUE not in kernel_modules.loaded(target)
    finally:
        kernel_modules.load_only(target, kernel_modules.FASTQUEUE)


#: Shell text. Both at once, each first in turn: one is in afterwards, and only one.
BOTH_AT_ONCE = f"""
n=0
while [ $n -lt {CYCLES} ]; do
    n=$((n + 1))
    one=fastqueue two=nfnetlink_queue
    [ $((n % 2)) = 0 ] || {{ one=nfnetlink_queue two=fastqueue; }}
    modprobe $one 2>/dev/null &
    modprobe $two 2>/dev/null &
    wait
    in=$(awk '$1 == "fastqueue" || $1 == "nfnetlink_queue" {{ print $1 }}' /proc/modules)
    case $in in
    fastqueue | nfnetlink_queue) rmmod $in || exit 3 ;;
    *) echo "in after cycle $n: $in"; exit 2 ;;
    esac
done
echo cycles: $n
"""


def test_loaded_at_once_one_of_the_two_is_refused(target: Target) -> None:
    kernel_modules.load_only(target, None)
    assert f"cycles: {CYCLES}" in target.run(BOTH_AT_ONCE, timeout=240).output


class Traffic:
    """Frames of every kind in both directions, a few at a time, until its end."""

    def __init__(self, wires: Wires) -> None:
        self.sent: list[Frame] = []
        self._wires = wires
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(0.005):
            frames = list(self._wires.make.each_kind())
            self._wires.send(frames)
            self.sent += frames

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._over.set()
        self._thread.join()


#: Shell text. Each time a handler answers packets (column 9 of the counters) and is then killed.
LOADED_AND_UNLOADED = f"""
n=0
while [ $n -lt {CYCLES} ]; do
    n=$((n + 1))
    modprobe fastqueue || exit 1
    fq-null >/run/cycle.log 2>&1 &
    handler=$!
    until [ "$(awk 'NR == 2 && $9 > 0 {{ print "some" }}' /proc/net/fastqueue)" ]; do
        kill -0 $handler || {{ cat /run/cycle.log; exit 2; }}
    done
    kill -9 $handler
    wait $handler
    rmmod fastqueue || exit 3
done
echo cycles: $n
"""


def test_loaded_and_unloaded_many_times_under_traffic(target: Target, wires: Wires) -> None:
    """Each time with a handler that is killed at work. All that arrives is right, and some does."""
    kernel_modules.load_only(target, None)
    with queued(target), Traffic(wires) as traffic:
        done = target.run(LOADED_AND_UNLOADED, timeout=240)
    assert f"cycles: {CYCLES}" in done.output
    found, wanted = wires.arrived(), expected(traffic.sent)
    for side, frames in found.items():
        assert len(frames) >= CYCLES // 2
        assert in_order(frames, wanted[side])


def in_order(frames: list[bytes], wanted: list[bytes]) -> bool:
    """Whether ``frames`` is ``wanted`` with some left out."""
    rest = iter(wanted)
    return all(frame in rest for frame in frames)
