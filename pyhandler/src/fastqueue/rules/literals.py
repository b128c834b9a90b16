# SPDX-License-Identifier: MIT
"""Literals that a regular expression needs: bytes that are in whatever it matches.

Read from the expression's text, by less than Python's whole grammar: an expression with anything else needs
no bytes, as far as this says.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    rb"""
    \\x(?P<hex>[0-9A-Fa-f]{2})
    | \\(?P<escaped>[^0-9A-Za-z])
    | (?P<any>\\[A-Za-wyz] | [.^$] | \[\^?(?:\\.|[^\\])(?:\\.|[^\]\\])*\])  # one byte of several, or a place
    | (?P<open>\((?:\?:|(?!\?)))  # no group that changes flags, looks around or is a comment
    | (?P<close>\))
    | (?P<either>\|)
    | (?P<repeat>[*+?]|\{[0-9]*,?[0-9]*\})
    | (?P<byte>[^\\\[(])
    """,
    re.DOTALL | re.VERBOSE,
)


class Reading(NamedTuple):
    """What is known about an expression's matches.

    literals: runs of bytes that are in each match, in this order, apart from each other
    anchored: a match is at the beginning
    """

    literals: tuple[bytes, ...]
    anchored: bool


NOTHING_KNOWN = Reading((), False)


def read(text: bytes) -> Reading:
    """Read an expression that Python compiles; groups, and bytes that are repeated, are passed over."""
    runs = [b""]
    depth = place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or (token.lastgroup == "either" and depth == 0):
            return NOTHING_KNOWN
        place = token.end()
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        byte = _byte(token)
        if byte and depth == 0:
            runs[-1] += byte
            continue
        if token.lastgroup == "repeat":
            runs[-1] = runs[-1][:-1]
        runs.append(b"")
    return Reading(tuple(filter(None, runs)), text.startswith(b"^"))


def _byte(token: re.Match[bytes]) -> bytes:
    """Return the byte that a token stands for, none where it is not one."""
    return bytes.fromhex(token["hex"].decode()) if token["hex"] else token["escaped"] or token["byte"] or b""
