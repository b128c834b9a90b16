# SPDX-License-Identifier: MIT
"""Words of a command line as numbers: decimal digits and nothing else that Python takes for a number."""

from __future__ import annotations

import argparse
import re

from .rules.parser import quote

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?", re.ASCII)


def whole(word: str) -> int:
    """Read a whole number. Raises ArgumentTypeError."""
    if _WHOLE.fullmatch(word) is None:
        raise argparse.ArgumentTypeError(f"{quote(word)} is not a whole number")
    return int(word)


def times(word: str) -> int:
    """Read a whole number of 1 or more. Raises ArgumentTypeError."""
    if _WHOLE.fullmatch(word) is None or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{quote(word)} is not a whole number of 1 or more")
    return int(word)


def seconds(word: str) -> float:
    """Read a time from a tenth of a second to an hour. Raises ArgumentTypeError."""
    if _SECONDS.fullmatch(word) is None or not 0.1 <= float(word) <= 3600:
        raise argparse.ArgumentTypeError(f"{quote(word)} is not from 0.1 to 3600 seconds")
    return float(word)
