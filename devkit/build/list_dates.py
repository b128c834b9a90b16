# SPDX-License-Identifier: MIT
"""Dates of the package lists that were seen, so that an old list is not taken for today's.

A list is signed, but an old one stays so: who replays it offers packages whose faults are known since. apt
compares with the lists it has; the kit's apt starts with none, so the newest date of each suite is kept here.
"""

from __future__ import annotations

import datetime
import json
import os
from email.utils import parsedate_to_datetime
from pathlib import Path

from devkit import cache, lock
from devkit.errors import KitError

#: How far behind the newest list one may be: mirrors lag, and Debian's own lists run out after this time.
LAG = datetime.timedelta(days=7)
_PATIENCE = 30.0


def check(suite: str, release: str) -> None:
    """Compare ``release``, the text of a suite's signed Release file, with the newest that was seen.

    KitError FQ-MIRROR where it has no date or is more than LAG older; else its date is kept if it is newer.
    """
    place = cache.directory() / "package-lists.json"
    date = _date(suite, release)
    busy = KitError("FQ-BUSY", f"{place} is in use", "run it again")
    descriptor = lock.hold(place.with_suffix(".lock"), busy, _PATIENCE)
    try:
        seen = _read(place)
        newest = datetime.datetime.fromisoformat(seen[suite]) if suite in seen else date
        if date < newest - LAG:
            what = (
                f"the package list of {suite} is of {date:%Y-%m-%d}, one of {newest:%Y-%m-%d} was seen before"
            )
            remedy = f"use a mirror that is up to date; if the old one is meant: rm {place}"
            raise KitError("FQ-MIRROR", what, remedy)
        seen[suite] = max(date, newest).isoformat()
        draft = place.with_suffix(".part")
        draft.write_text(json.dumps(seen, indent=1) + "\n")
        draft.replace(place)
    finally:
        os.close(descriptor)


def _read(place: Path) -> dict[str, str]:
    try:
        found = json.loads(place.read_text())
        return {
            str(suite): datetime.datetime.fromisoformat(date).isoformat() for suite, date in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _date(suite: str, release: str) -> datetime.datetime:
    fields = (line.partition(": ") for line in release.splitlines())
    try:
        return parsedate_to_datetime(next(value for name, _, value in fields if name == "Date"))
    except (StopIteration, ValueError) as error:
        what = f"the package list of {suite} has no date"
        raise KitError("FQ-MIRROR", what, "use another mirror in /etc/apt") from error
