# SPDX-License-Identifier: MIT
"""The targets, with how many inputs each gets in a run of the suite."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing.engine import Target

from . import packets, rules

_CORPORA = Path(__file__).parent / "corpus"
TARGETS = {
    one.name: one
    for one in (
        Target(rules.rule_file, _CORPORA, 4000),
        Target(rules.any_expression, _CORPORA, 3000),
        Target(rules.expression, _CORPORA, 12000, choices=True),
        Target(packets.packet, _CORPORA, 8000),
        Target(packets.five_tuple, _CORPORA, 800, choices=True),
    )
}
