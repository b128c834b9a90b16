# SPDX-License-Identifier: MIT
"""Have forwarded packets go through an IDS: module, program, rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devkit.bench.ids.catalogue import LIGHT_FOLDER, LIGHT_RULES, PATTERNS, SURICATA, Way
from devkit.suricata import engine, flow_bypass, rules
from devkit.target import kernel_modules, nftables
from devkit.target.background_process import Background
from devkit.target.qemu import Target

#: Patterns of the light IDS.
NUMBER = 50
_START_TIME = 180.0
_PROGRAMS = Path(__file__).parents[1] / "guest"


@contextmanager
def active(target: Target, way: Way) -> Iterator[int | None]:
    """Lay the way and yield its program's pid; nothing of it remains at the end.

    KitError FQ-MODULE or FQ-HANDLER where a part of it fails.
    """
    with ExitStack() as stack:
        stack.enter_context(kernel_modules.loaded_during(target, way.module))
        if not way.argv:
            stack.enter_context(nftables.rules_installed(target))
            yield None
            return
        if way.family == SURICATA:
            engine.install(target, (flow_bypass.RULE,) if way.bypass else ())
        else:
            _install_light(target)
        program = stack.enter_context(Background(target, way.argv))
        program.wait_ready(way.ready, _START_TIME)
        if way.bypass:
            stack.enter_context(flow_bypass.rules_installed(target))
        before = [flow_bypass.FORWARD] if way.bypass else []
        stack.enter_context(nftables.rules_installed(target, *before, nftables.queue_all()))
        yield program.pid


def patterns() -> list[bytes]:
    """Return what the light IDS looks for: the first contents of the kit's rules that are long enough."""
    found = [rule.content for rule in rules.rules() if rule.action == "drop" and len(rule.content) > 5]
    return found[:NUMBER]


def light_rules() -> str:
    """Return the patterns as rules of the handler ``payload``."""
    lines = ("drop /" + "".join(f"\\x{byte:02x}" for byte in one) + "/" for one in patterns())
    return "\n".join([*lines, "default accept"]) + "\n"


def _install_light(target: Target) -> None:
    target.run(["mkdir", "-p", LIGHT_FOLDER])
    target.put("".join(f"{one.hex()}\n" for one in patterns()).encode(), PATTERNS)
    target.put(light_rules().encode(), LIGHT_RULES)
    for name in ("nfqueue_null.py", "nfqueue_payload.py"):
        target.put(_PROGRAMS / name, f"{LIGHT_FOLDER}/{name}")
