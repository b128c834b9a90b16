# SPDX-License-Identifier: MIT
"""The last question before something is overwritten."""

from __future__ import annotations

from devkit.flash.block_device import Device
from devkit.flash.exit_status import NOT_CONFIRMED
from devkit.host.errors import KitError
from devkit.host.terminal_text import one_line
from devkit.target import console


def confirm(device: Device) -> None:
    """Have the user type the device's name; KitError FQ-FLASH-CONFIRM otherwise, and without a terminal."""
    if not console.is_interactive():
        raise _not_confirmed("there is no terminal to ask on", "with --yes nothing is asked")
    try:
        typed = input(f"All of it will be overwritten. Type {one_line(device.name)} to go on: ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        raise _not_confirmed("no name was typed", "run it again") from None
    if typed not in {device.name, device.path}:
        raise _not_confirmed(
            f"{typed!r} is not {device.name}", "run it again, with another device if that was meant"
        )


def _not_confirmed(what: str, remedy: str) -> KitError:
    return KitError("FQ-FLASH-CONFIRM", f"{what}: nothing was written", remedy, status=NOT_CONFIRMED)
