# SPDX-License-Identifier: MIT
"""Several queues at a time, and who may have which."""

import json

import pytest
from frames import Frame
from handling import Handling, handling, queued
from wire import Wires, expected

from devkit.target.qemu import Target

pytestmark = pytest.mark.usefixtures("fastqueue")

#: One queue a direction.
RULES = ('iifname "eth0" queue num 3', 'iifname "eth1" queue num 40000')


def drop_port(port: int) -> str:
    return f"drop proto udp dport {port}\ndefault accept\n"


def test_two_queues_have_rules_of_their_own(target: Target, wires: Wires) -> None:
    def send(first: Handling, second: Handling) -> list[Frame]:
        frames = [
            wires.make.frame("udp4", source, port=port)
            for _ in range(10)
            for source in ("client", "server")
            for port in (7001, 7002)
        ]
        wires.send(frames)
        first.settled(20)
        second.settled(20)
        return frames

    with (
        handling(target, "fivetuple", queue=3, rules=drop_port(7001)) as first,
        handling(target, "fivetuple", queue=40000, rules=drop_port(7002)) as second,
        queued(target, RULES),
    ):
        frames = send(first, second)
        # In turn: client 7001, client 7002, server 7001, server 7002.
        assert wires.arrived() == expected(frames[1::4] + frames[2::4])
        rows = json.loads(target.run("python3 -m fastqueue stat --json").output)
        assert [(row["queue"], row["accepted"], row["dropped"]) for row in rows] == [
            (3, 10, 10),
            (40000, 10, 10),
        ]


def test_a_queue_has_one_handler(target: Target, wires: Wires) -> None:
    """The second is refused with a reason, and the first does not notice."""
    with handling(target, "null") as handler, queued(target):
        second = target.run("python3 -m fastqueue run drop", check=False)
        assert second.status == 1
        assert "queue 0" in second.output
        assert "Traceback" not in second.output
        frames = wires.make.numbered(10)
        wires.send(frames)
        handler.settled(len(frames))
        assert wires.arrived() == expected(frames)
