# SPDX-License-Identifier: MIT
"""Run cases in the target, each in a process of its own: ``run.py SEED MODULE.CASE...``.

Prints a line of JSON for each. After a case nothing may use the module, which is then taken out and put
in again. The kernel's log names the case that begins.
"""

import contextlib
import importlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback

_LIMIT = 100 + int(os.environ.get("FASTQUEUE_SOAK", "0")) / 2000  # s for one case


def main(seed: str, *names: str) -> None:
    """Run them in turn."""
    for name in names:
        with open("/dev/kmsg", "w") as log:  # noqa: PTH123 start-up time
            log.write(f"case {name}, seed {seed}\n")
        began = time.monotonic()
        status, output = _run(name, seed)
        left = _exchange_module()
        record = {"case": name, "passed": not status and not left, "seconds": time.monotonic() - began}
        print(json.dumps({**record, "status": status, "output": output + left}), flush=True)


def _run(name: str, seed: str) -> tuple[int, str]:
    """Return its exit status (minus the signal that ended it) and what it printed."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(read)
        os.close(write)
        _case(name, seed)
    os.close(write)
    output = _read(read, pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output


def _read(fd: int, pid: int) -> str:
    until = time.monotonic() + _LIMIT
    found = b""
    while select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
        data = os.read(fd, 65536)
        if not data:
            os.close(fd)
            return found.decode(errors="replace")
        found += data
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.close(fd)
    return found.decode(errors="replace") + f"no end in {_LIMIT:.0f} s: killed\n"


def _case(name: str, seed: str) -> None:
    module, _, case = name.partition(".")
    random.seed(f"{seed} {name}")
    status = 0
    try:
        getattr(importlib.import_module(module), case)()
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _exchange_module() -> str:
    """Take the module out and put it in again; return what is wrong."""
    until = time.monotonic() + 10
    while (users := _users()) and time.monotonic() < until:
        time.sleep(0.02)
    if users:
        return f"the module still has {users} users\n"
    for words in (["rmmod", "fastqueue"], ["modprobe", "fastqueue"]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{' '.join(words)}: {done.stderr or done.stdout}\n"
    return ""


def _users() -> int:
    with open("/sys/module/fastqueue/refcnt") as file:  # noqa: PTH123 start-up time
        return int(file.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
