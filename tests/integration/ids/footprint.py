# SPDX-License-Identifier: MIT
"""Memory that the target has in use, where a leak would show."""

from __future__ import annotations

from dataclasses import dataclass

from devkit.target.qemu import Target

_CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack_count"


@dataclass(frozen=True)
class Footprint:
    """At one moment.

    suricata: its resident memory, kB
    slab:     the kernel's own that it cannot give back, kB
    tracked:  connections that connection tracking knows
    """

    suricata: int
    slab: int
    tracked: int


def measure(target: Target, pid: int) -> Footprint:
    """Return it for the Suricata with this pid."""
    text = target.run(
        f"grep VmRSS: /proc/{pid}/status; grep SUnreclaim: /proc/meminfo; cat {_CONNTRACK}"
    ).output
    rss, slab, tracked = text.splitlines()
    return Footprint(int(rss.split()[1]), int(slab.split()[1]), int(tracked))


def buffers(target: Target) -> int:
    """Return how many packets the kernel has in memory, about: free ones at hand are counted too."""
    return int(target.run("grep ^skbuff_head_cache /proc/slabinfo").output.split()[1])
