# SPDX-License-Identifier: MIT
"""Run cases, each in a process of its own: ``run.py MODULE...``; prints a line of JSON for each.

A case is a function ``case_*(record)``; ``record(name, value)`` notes a result. Two runs, over the original
library and over ours, are compared by the test.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_LIMIT = 60.0  # s for one case

Record = Callable[[str, object], None]


def main(*modules: str) -> None:
    """Run the cases of these modules in turn."""
    for module in modules:
        for name in dir(importlib.import_module(module)):
            if name.startswith("case_"):
                print(json.dumps(_run(module, name)), flush=True)


def _run(module: str, name: str) -> dict[str, Any]:
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.close(read)
        _case(module, name, write)
    os.close(write)
    began = time.monotonic()
    text = _read(read)
    if ended := time.monotonic() - began < _LIMIT:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    else:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        status = -1
    with contextlib.suppress(ProcessLookupError):  # programs that the case left behind
        os.killpg(pid, signal.SIGKILL)
    results = [json.loads(line) for line in text.splitlines()]
    if not ended:
        results.append(["no end", _LIMIT])
    return {"case": f"{module}.{name[5:]}", "results": [*results, ["status", status]]}


def _read(fd: int) -> str:
    until = time.monotonic() + _LIMIT
    found = b""
    while select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
        data = os.read(fd, 65536)
        if not data:
            break
        found += data
    os.close(fd)
    return found.decode()


def _case(module: str, name: str, write: int) -> None:
    def record(what: str, value: object) -> None:
        os.write(write, (json.dumps([what, value]) + "\n").encode())

    status = 0
    try:
        getattr(importlib.import_module(module), name)(record)
    except BaseException:
        record("exception", traceback.format_exc().splitlines()[-1])
        traceback.print_exc()
        status = 1
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
