# SPDX-License-Identifier: MIT
"""What the kernel knows about a packet besides its bytes."""

from __future__ import annotations

from typing import NamedTuple

from . import abi


class Meta(NamedTuple):
    """``struct fastqueue_meta``; lengths in bytes, interfaces by index with 0 for none."""

    length: int  # of the packet from its network header
    captured: int  # bytes of it in the payload area
    flags: int  # abi.M_*
    protocol: int  # EtherType
    hook: int  # NF_INET_* or NF_BR_*
    family: int  # NFPROTO_*
    indev: int
    outdev: int
    physindev: int  # bridge ports
    physoutdev: int
    mark: int
    priority: int
    vlan_tci: int  # holds with M_VLAN
    vlan_protocol: int
    gso_size: int
    gso_segments: int
    timestamp: int  # ns since the epoch, 0: none taken
    gso_type: int
    uid: int  # holds with M_UID
    gid: int
    hardware_type: int  # ARPHRD_* of indev
    hardware_address: bytes

    @classmethod
    def read(cls, area: memoryview, slot: int) -> Meta:
        """Copy the entry of ``slot`` out of the meta area."""
        fields = abi.META.unpack_from(area, slot * abi.META.size)
        host_order = [
            int.from_bytes(field, "big") if isinstance(field, bytes) else field for field in fields[:-2]
        ]
        address_length, address = fields[-2:]
        return cls._make((*host_order, address[:address_length]))

    @property
    def truncated(self) -> bool:
        """Whether fewer bytes were captured than the packet has."""
        return bool(self.flags & abi.M_TRUNCATED)

    @property
    def checksum_ready(self) -> bool:
        """Whether the L4 checksum in the captured bytes is complete."""
        return not self.flags & abi.M_CSUM_NOT_READY

    @property
    def gso(self) -> bool:
        """Whether the frame has many segments in one."""
        return bool(self.flags & abi.M_GSO)
