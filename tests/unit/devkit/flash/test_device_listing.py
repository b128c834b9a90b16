# SPDX-License-Identifier: MIT
"""Names of devices, labels and mount points are text on the terminal, each within its line."""

from __future__ import annotations

import json

from devkit.flash import block_device, device_listing, policy
from devkit.host.errors import KitError

_EVIL = "A\n  remedy: rm -r ~\x1b[2J"


def stick() -> block_device.HostDevices:
    """A machine with a mounted stick, whatever can be named on it being _EVIL."""
    device = {
        "name": "sdz", "kname": "sdz", "path": "/dev/sdz", "type": "disk", "size": 10**9, "ro": False,
        "rm": True, "hotplug": True, "model": _EVIL, "serial": _EVIL, "vendor": _EVIL, "tran": "usb",
        "fstype": "ext4", "label": _EVIL, "mountpoints": [f"/media/u/{_EVIL}"], "maj:min": "8:0",
        "log-sec": 512,
    }  # fmt: skip
    return block_device.parse(json.dumps({"blockdevices": [device]}))


def test_a_refusal_has_the_lines_of_one() -> None:
    machine = stick()
    refused = policy.refusals(machine.devices[0], machine, policy.WriteRequest(1))
    reasons, remedies = device_listing.against(refused)
    assert "umount" in remedies
    assert str(KitError("FQ-FLASH-REFUSED", reasons, remedies)).splitlines() == [
        f"FQ-FLASH-REFUSED: {reasons}",
        f"  remedy: {remedies}",
    ]


def test_no_line_of_a_listing_has_a_control_character() -> None:
    machine = stick()
    refused = device_listing.against(policy.refusals(machine.devices[0], machine, policy.WriteRequest(1)))
    lines = [
        *device_listing.overview(machine, policy.WriteRequest(1)),
        *device_listing.portrait(machine.devices[0]),
        *refused,
    ]
    assert lines
    assert all(line.isprintable() for line in lines)
