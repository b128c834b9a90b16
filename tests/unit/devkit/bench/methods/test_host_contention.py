# SPDX-License-Identifier: MIT
import os
import subprocess
import sys

from devkit.bench.methods.host_contention import HostUse

STAT = "cpu  {busy} 0 0 {idle} 0 0 0 0\n"


def use(busy: int, idle: int, lab: float) -> HostUse:
    return HostUse(STAT.format(busy=busy, idle=idle), lab)


def test_what_the_lab_did_is_not_others_work() -> None:
    processors = os.cpu_count() or 1
    before, after = use(0, 0, 0.0), use(60, 40, 0.4 * 10 * processors)
    assert abs(before.others_until(after, 10) - 0.2) < 1e-9
    assert use(0, 0, 0.0).others_until(use(10, 90, 5.0 * processors), 10) == 0.0


def test_children_count_with_their_parent() -> None:
    before = HostUse.read(os.getpid()).lab_seconds
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", spin], check=True)
    assert HostUse.read(os.getpid()).lab_seconds - before >= 0.25


def test_a_process_that_is_not_there_did_nothing() -> None:
    assert HostUse.read(2**30).lab_seconds == 0.0
