# SPDX-License-Identifier: MIT
"""Devices as text: those that could be written to, those that could not and why, and one in full."""

from __future__ import annotations

from devkit.flash.block_device import Device, HostDevices
from devkit.flash.policy import Refusal, WriteRequest, refusals
from devkit.flash.sizes import human
from devkit.host.terminal_text import one_line


def overview(machine: HostDevices, request: WriteRequest) -> list[str]:
    """Lines that list the candidates, then the other whole devices with the reasons against them."""
    judged = [(device, refusals(device, machine, request)) for device in machine.devices]
    candidates = [device for device, against in judged if not against]
    others = [(device, against) for device, against in judged if against]
    lines = ["Could be written to:"] if candidates else ["No device here could be written to."]
    lines += [f"  {summary(device)}" for device in candidates]
    if others:
        lines.append("Left out:")
    for device, against in others:
        lines.append(f"  {summary(device)}")
        lines += [f"      {one_line(refusal.reason)}" for refusal in against]
    return lines


def summary(device: Device) -> str:
    """Return path, size, bus, model and serial number in a line."""
    size = human(device.size) if device.size else "no medium"
    words = [device.path, size, device.bus, device.model, device.serial and f"serial {device.serial}"]
    return "  ".join(one_line(word) for word in words if word)


def portrait(device: Device) -> list[str]:
    """Lines that show a device so that a person recognises it: what it is, and what is on it."""
    lines = [summary(device)]
    for part in device.tree():
        if part is not device:
            words = [part.path, human(part.size), part.filesystem or part.kind, part.label]
            lines.append("  " + "  ".join(one_line(word) for word in words if word))
    if len(lines) == 1:
        lines.append(one_line(f"  no partitions{f', {device.filesystem}' if device.filesystem else ''}"))
    return lines


def against(refused: tuple[Refusal, ...]) -> tuple[str, str]:
    """All reasons in one sentence, and all remedies in another."""
    reasons = "; ".join(one_line(refusal.reason) for refusal in refused)
    return reasons, "; ".join(dict.fromkeys(one_line(refusal.remedy) for refusal in refused))
