# SPDX-License-Identifier: MIT
"""Suricata at work in the target, over NFQUEUE or over Fast Queue: one program, the same settings."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.qemu.extra_disk import SURICATA
from devkit.suricata import eve_log, rules
from devkit.suricata.eve_log import Event
from devkit.target import kernel_modules
from devkit.target.background_process import Background, ExitResult
from devkit.target.base import understood
from devkit.target.qemu import Target

#: Folder in the target for settings, rules and what is found; suricata.yaml names it.
FOLDER = "/run/suricata"
SETTINGS = Path(__file__).with_name("suricata.yaml")
EVENTS = f"{FOLDER}/eve.json"
RULES = f"{FOLDER}/ids.rules"

STARTED = "Engine started"
_START_TIME = 120.0
_RELOADED = "rule reload complete"


def install(target: Target, more: Sequence[str] = ()) -> None:
    """Put settings and rules into the target, with ``more`` rules, in place of older ones."""
    files = {
        "suricata.yaml": SETTINGS.read_bytes(),
        "ids.rules": rules.rule_file(more=tuple(more)).encode(),
        "classification.config": rules.classification().encode(),
        "reference.config": b"",
        "threshold.config": b"",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    target.put(buffer.getvalue(), "/tmp/suricata.tar.gz")
    target.run(f"mkdir -p {FOLDER} && tar xzf /tmp/suricata.tar.gz -C {FOLDER}; rm /tmp/suricata.tar.gz")


def command(module: str, options: Sequence[str] = (), queue: int = 0, *, gso: bool = False) -> list[str]:
    """Return the words that run Suricata on a queue of ``module``; ``options`` are ``name=value``.

    ``gso``: Fast Queue hands over GSO packets whole, which Suricata does not ask NFQUEUE for.
    """
    words = ["fastqueue-run", *(["--gso"] if gso else [])] if module == kernel_modules.FASTQUEUE else []
    words += [SURICATA.program, "-c", f"{FOLDER}/suricata.yaml", "-l", FOLDER, "-q", str(queue)]
    words += ["--init-errors-fatal"]  # a rule that it cannot read
    return words + [word for option in options for word in ("--set", option)]


@dataclass(frozen=True)
class Engine:
    """A running Suricata."""

    target: Target
    program: Background

    def events(self) -> list[Event]:
        """Return what it wrote into eve.json so far."""
        text = self.target.get(EVENTS).decode(errors="replace")
        with understood("what Suricata found", text):
            return eve_log.parse(text)

    def forget(self) -> None:
        """Empty eve.json."""
        self.target.run(f": >{EVENTS}")

    def reload(self) -> None:
        """Have it read its rules again, and wait until they hold."""
        before = self.program.output().count(_RELOADED)
        self.program.signal("USR2")
        self.program.wait_count(_RELOADED, before + 1, _START_TIME)

    def stop(self) -> ExitResult:
        """End it in order."""
        return self.program.stop("INT", 60.0)


@contextmanager
def running(target: Target, module: str, options: Sequence[str] = (), queue: int = 0) -> Iterator[Engine]:
    """Have Suricata handle ``queue`` of ``module``, which must be loaded; install() comes first.

    It is stopped at the end. KitError FQ-HANDLER where it does not start, or does not end.
    """
    target.run(f"rm -f {EVENTS}")
    with Background(target, command(module, options, queue)) as program:
        program.wait_ready(STARTED, _START_TIME)
        yield Engine(target, program)
