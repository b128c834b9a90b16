# SPDX-License-Identifier: MIT
"""The network inside the target: a veth pair where traffic comes in, a dummy where it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devkit.target.base import understood
from devkit.target.qemu import Target

SENDING = "bench0"
RECEIVING = "bench1"
LEAVING = "bench2"

#: Neighbours and routers stay silent: no packet but the measured ones. A burst's sender may run
#: for good, and what comes in by one interface may leave by another.
_SET_UP = f"""set -e
ip link add {SENDING} type veth peer name {RECEIVING}
ip link add {LEAVING} type dummy
for i in {SENDING} {RECEIVING} {LEAVING}; do
    for setting in accept_dad accept_ra router_solicitations; do
        echo 0 >/proc/sys/net/ipv6/conf/$i/$setting
    done
    ip link set $i addrgenmode none up
done
for i in all default {RECEIVING}; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip address add 198.18.1.1/24 dev {RECEIVING}
ip address add 198.19.1.1/24 dev {LEAVING}
ip -6 address add 2001:2:0:11::1/64 dev {RECEIVING} nodad
ip -6 address add 2001:2:0:12::1/64 dev {LEAVING} nodad
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
cat /sys/class/net/{RECEIVING}/address
"""


@dataclass(frozen=True)
class VethNetwork:
    """``receiver`` is the MAC address that packets are sent to."""

    receiver: str

    def words(self) -> list[str]:
        """Return it as options of bench-source."""
        return ["--interface", SENDING, "--destination", self.receiver, "--out", LEAVING]


@contextmanager
def set_up(target: Target) -> Iterator[VethNetwork]:
    """Have the interfaces, and take them out at the end."""
    answer = target.run(_SET_UP).output
    with understood("its interfaces", answer):
        receiver = answer.split()[-1]
    try:
        yield VethNetwork(receiver)
    finally:
        target.run(f"ip link delete {SENDING}; ip link delete {LEAVING}", check=False)
