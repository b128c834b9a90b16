# SPDX-License-Identifier: MIT
"""Carry out the steps of a topology in the supervisor's namespaces, each one logged."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from devkit.host.errors import KitError
from devkit.lab.namespaces import Namespaces, enter
from devkit.lab.topology import Command, NetworkSetting, Step

TUN = Path("/dev/net/tun")
_PACKAGES = {"ip": "iproute2", "ethtool": "ethtool"}

Log = Callable[[str], None]


def check_tun(device: Path = TUN) -> None:
    """Raise KitError FQ-TUN unless taps can be made."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError as error:
        remedy = (
            f"sudo chmod 666 {device} (Debian's own setting), or run this as root; "
            f"in a container: start it with --device {device}"
        )
        raise KitError("FQ-TUN", f"{device} may not be opened: {error.strerror}", remedy) from error
    except OSError as error:
        remedy = f"sudo modprobe tun; in a container: start it with --device {device}"
        raise KitError("FQ-TUN", f"{device} cannot be opened: {error.strerror}", remedy) from error


def apply(steps: Iterable[Step], namespaces: Namespaces, log: Log) -> None:
    """Carry out steps in order; the first that fails raises KitError FQ-NETNS or FQ-TOOL."""
    for step in steps:
        if isinstance(step, NetworkSetting):
            _set(step, namespaces, log)
        else:
            _run(step, namespaces, log)


def _set(step: NetworkSetting, namespaces: Namespaces, log: Log) -> None:
    log(f"[{step.namespace}] {step.key} = {step.value}")
    with namespaces.inside(step.namespace):
        try:
            Path("/proc/sys", *step.key.split(".")).write_text(step.value)
        except OSError as error:
            what = f"cannot set {step.key} in the namespace {step.namespace}: {error.strerror}"
            raise KitError("FQ-NETNS", what, "the host's kernel must have IPv6 and namespaces") from error


def _run(step: Command, namespaces: Namespaces, log: Log) -> None:
    log(f"[{step.namespace}] {shlex.join(step.argv)}")
    names = {name: namespaces.descriptor(name) for name in namespaces}
    argv = [
        word.format_map({name: f"/proc/self/fd/{fd}" for name, fd in names.items()}) for word in step.argv
    ]
    inside = names[step.namespace]
    try:
        subprocess.run(
            argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            pass_fds=tuple(names.values()), preexec_fn=lambda: enter(inside),
        )  # fmt: skip
    except FileNotFoundError as error:
        tool = step.argv[0]
        remedy = f"apt-get install {_PACKAGES.get(tool, tool)}"
        raise KitError("FQ-TOOL", f"{tool} is not installed", remedy) from error
    except subprocess.CalledProcessError as error:
        lines = (error.stdout + error.stderr).splitlines()
        what = f"the lab's network cannot be made: {shlex.join(step.argv)}"
        remedy = "./inv doctor says what the host's kernel lacks (bridge, veth, tun)"
        raise KitError("FQ-NETNS", what, remedy, lines=lines) from error
