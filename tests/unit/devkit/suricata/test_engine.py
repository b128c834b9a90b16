# SPDX-License-Identifier: MIT
"""How Suricata is called over either queue."""

from __future__ import annotations

from devkit.suricata import engine
from devkit.target import kernel_modules


def test_the_same_words_but_for_the_library() -> None:
    over_nfqueue = engine.command(kernel_modules.NFQUEUE, ("nfq.fail-open=yes",), queue=3)
    assert engine.command(kernel_modules.FASTQUEUE, ("nfq.fail-open=yes",), queue=3) == [
        "fastqueue-run",
        *over_nfqueue,
    ]
    assert over_nfqueue[0] == "/mnt/bin/suricata"
    assert over_nfqueue[-2:] == ["--set", "nfq.fail-open=yes"]
    assert "-q 3" in " ".join(over_nfqueue)
