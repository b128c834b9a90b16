# SPDX-License-Identifier: MIT
"""The kit's targets, with how many inputs each gets in a run of the suite."""

from __future__ import annotations

from pathlib import Path

from . import kit_channel, kit_logs
from .engine import Target

_CORPORA = Path(__file__).parent / "corpus"
_LOG_WORDS = tuple(
    word.encode()
    for word in (
        *kit_logs.LINES,
        "\n",
        "Kernel panic - not syncing: ",
        "---[ end",
        "BUG: ",
        "\x1b[0m",
        "\x1bc",
        "\r",
        "\u2028",
        "\u0085",
        "(",
        ")",
    )
)
TARGETS = {
    one.name: one
    for one in (
        Target(kit_channel.command_output, _CORPORA, 20000, choices=True),
        Target(kit_channel.guest_shell, _CORPORA, 2000, choices=True),
        Target(kit_channel.console, _CORPORA, 20000, choices=True),
        Target(kit_channel.counters, _CORPORA, 20000),
        Target(kit_logs.log_reports, _CORPORA, 2500, choices=True),
        Target(kit_logs.log_bytes, _CORPORA, 6000, words=_LOG_WORDS),
        Target(kit_logs.log_watched, _CORPORA, 3000, choices=True),
        Target(kit_logs.log_bounded, _CORPORA, 1500, choices=True),
    )
}
