# SPDX-License-Identifier: MIT
"""The suite of calls, run in the target over the original library or over ours."""

from __future__ import annotations

from pathlib import Path

from case_suite import Cases

PROGRAMS = Path(__file__).parent / "programs"
CALLS = Cases(
    PROGRAMS,
    ("handles", "packets", "verdicts", "callbacks", "descriptors", "threads", "netlink", "streams", "soak"),
)
