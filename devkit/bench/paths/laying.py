# SPDX-License-Identifier: MIT
"""Have forwarded packets take one of the rows' ways: module, handlers, rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devkit.bench.paths import netfilterqueue_package
from devkit.bench.paths.catalogue import NETFILTERQUEUE, NFQUEUE_PYTHON, TARGET_FOLDER, PathSetting, Row
from devkit.target import kernel_modules, nftables
from devkit.target.background_process import Background
from devkit.target.qemu import Target

_PROGRAMS = Path(__file__).parents[1] / "guest"


@contextmanager
def active(target: Target, setting: PathSetting) -> Iterator[list[Background]]:
    """Lay the way and yield its handlers, one a queue; nothing of it remains at the end.

    Plain forwarding passes the same chain, which is then empty: looking for rules is netfilter's cost,
    not the queue's. KitError FQ-MODULE or FQ-HANDLER where a part of it fails.
    """
    with ExitStack() as stack:
        stack.enter_context(kernel_modules.loaded_during(target, setting.row.module))
        for name, path in files(setting.row).items():
            target.run(["mkdir", "-p", str(Path(TARGET_FOLDER, name).parent)])
            target.put(path, f"{TARGET_FOLDER}/{name}")
        handlers = []
        for queue in range(setting.queues if setting.row.command else 0):
            handlers.append(stack.enter_context(Background(target, setting.argv(queue))))
            handlers[-1].wait_ready()
        stack.enter_context(nftables.rules_installed(target, *_rules(setting)))
        yield handlers


def files(row: Row) -> dict[str, Path]:
    """Files that a row needs in TARGET_FOLDER, beyond the image; KitErrors of what is built for it."""
    if row == NFQUEUE_PYTHON:
        return {"nfqueue_null.py": _PROGRAMS / "nfqueue_null.py"}
    if row == NETFILTERQUEUE:
        package = netfilterqueue_package.package()
        found = {f"netfilterqueue/{path.name}": path for path in sorted(package.iterdir())}
        return {"netfilterqueue_null.py": _PROGRAMS / "netfilterqueue_null.py", **found}
    return {}


def _rules(setting: PathSetting) -> list[str]:
    if not setting.row.command:
        return []
    last = setting.queues - 1
    return [f"queue num 0-{last}" if last else nftables.queue_all()]
