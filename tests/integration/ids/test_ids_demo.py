# SPDX-License-Identifier: MIT
"""What ./inv demo --ids shows."""

from __future__ import annotations

from devkit.commands import demo_suricata
from devkit.lab.client import Lab
from devkit.target.qemu import Target


def test_exploits_are_dropped_and_the_rest_passes(ids_target: Target, ids_lab: Lab) -> None:
    seen = demo_suricata.show(ids_lab, ids_target)
    assert [one.request for one in seen] == list(demo_suricata.REQUESTS)
    assert {one.reached for one in seen} == {True, False}
    for one in seen:
        assert one.reached == one.answered == one.request.passes
        assert one.said.startswith("blocked: ") == (not one.request.passes)
