# SPDX-License-Identifier: MIT
"""Where packets are queued: hooks of both IP families with and without conntrack, and of a bridge."""

from typing import NamedTuple

HOOKS = ("prerouting", "input", "forward", "output", "postrouting")
#: Host a sends to host b through the router, or to the router.
A, ROUTER, LOCAL, B = 0, 1, 2, 3
ADDRESSES = {
    4: ("10.0.1.2", "10.0.1.1", "10.0.2.1", "10.0.2.2"),
    6: ("fd00:1::2", "fd00:1::1", "fd00:2::1", "fd00:2::2"),
}
#: Ports: anybody's, and those of a connected socket of the router, which is found before INPUT.
PORTS, CONNECTED = (4000, 7000), (4001, 7001)
#: Protocols of which raw sockets of the router take what is delivered to it.
DELIVERED = {4: (1, 6, 17, 47, 50, 132, 253), 6: (58, 6, 17, 47, 132, 253)}
#: The source in frames of host a, by which rules know them.
STATION = "02:00:00:00:0a:01"


class Scenario(NamedTuple):
    """A hook, and what the namespace of the handler is there."""

    family: int  # 4 or 6; 0: a bridge, which takes both and others
    hook: str
    conntrack: bool = False

    @property
    def name(self) -> str:
        """Name, as tests and reports have it."""
        kind = f"ipv{self.family}" if self.family else "bridge"
        return f"{kind}-{self.hook}{'-conntrack' if self.conntrack else ''}"

    @property
    def bridged(self) -> bool:
        """Whether it is a bridge."""
        return not self.family

    @property
    def source(self) -> int:
        """Index of the sender's address."""
        return LOCAL if self.hook == "output" and self.family else A

    @property
    def destination(self) -> int:
        """Index of the receiver's address."""
        return ROUTER if self.hook == "input" and self.family else B

    def rules(self) -> str:
        """Return what makes nft queue the packets, and keep answers of the namespace itself back."""
        if self.bridged:
            match = f"ether saddr {STATION}"
        else:
            word = "ip" if self.family == 4 else "ip6"
            a, router, local, b = ADDRESSES[self.family]
            match = f"{word} saddr {{ {a}, {local} }} {word} daddr {{ {router}, {b} }}"
        family = "bridge" if self.bridged else "inet"
        text = f"table {family} queued {{ {_chain(self.hook, 0, f'{match} queue num 0')} }};"
        own = "ip daddr 10.0.1.2 drop; ip6 daddr fd00:1::2 drop" if self.hook == "output" else "drop"
        text += f"table inet quiet {{ {_chain('output', -500, own)} }};"
        if self.conntrack:
            text += f"table {family} tracked {{ {_chain('prerouting', -50, 'ct state new counter')} }};"
        return text


def _chain(hook: str, priority: int, rule: str) -> str:
    head = f"type filter hook {hook} priority {priority}; policy accept"
    return f"chain {hook} {{ {head}; {rule}; }};"


def _all() -> tuple[Scenario, ...]:
    routed = [
        Scenario(family, hook, conntrack)
        for family in (4, 6)
        for conntrack in (False, True)
        for hook in HOOKS
    ]
    return (*routed, *(Scenario(0, hook) for hook in HOOKS))


SCENARIOS = _all()
