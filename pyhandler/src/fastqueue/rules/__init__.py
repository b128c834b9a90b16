# SPDX-License-Identifier: MIT
"""Rule files: one rule a line, the first that matches decides, ``#`` begins a comment."""

from .errors import RulesError
from .fivetuple import FiveTupleRule, read_fivetuple_rules
from .parser import Ruleset
from .payload import PayloadRule, read_payload_rules

__all__ = [
    "FiveTupleRule",
    "PayloadRule",
    "RulesError",
    "Ruleset",
    "read_fivetuple_rules",
    "read_payload_rules",
]
