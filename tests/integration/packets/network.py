# SPDX-License-Identifier: MIT
"""What the target must know so that quiet hosts are reached: where they are, without asking them."""

from __future__ import annotations

from frames import QUIET_HOSTS, quiet_address, quiet_mac

from devkit.lab.topology import Side, Topology
from devkit.target.qemu import Target


def settle_neighbours(target: Target, topology: Topology) -> None:
    """Give the target its addresses and the quiet hosts' ones; a link that went down loses them."""
    target.run("\n".join(line for side in topology.sides for line in _commands(side)))


def _commands(side: Side) -> list[str]:
    end = side.target
    commands = [
        f"ip link set {end.interface} up",
        f"ip address replace {end.ipv4} dev {end.interface}",
        f"ip -6 address replace {end.ipv6} dev {end.interface} nodad",
    ]
    for version in (4, 6):
        for host in QUIET_HOSTS:
            address = quiet_address(side, version, host)
            commands.append(
                f"ip neigh replace {address} lladdr {quiet_mac(side)} dev {end.interface} nud permanent"
            )
    return commands
