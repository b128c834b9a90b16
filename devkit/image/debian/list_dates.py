# SPDX-License-Identifier: MIT
"""Dates of the package lists that were seen, so that an old list is not taken for today's.

A list is signed, but an old one stays so: who replays it offers packages whose faults are known since. apt
compares with the lists it has; the kit's apt starts with none, so the newest date of each suite is kept here.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
from email.utils import parsedate_to_datetime
from pathlib import Path

from devkit.host import atomic_file, cache, file_lock
from devkit.host.errors import KitError

#: How far behind the newest list one may be: mirrors lag, and Debian's own lists run out after this time.
LAG = datetime.timedelta(days=7)
#: How far a mirror's clock may be ahead of this machine's.
FUTURE = datetime.timedelta(days=1)
_PATIENCE = 30.0
_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_BLANK = " \t\r"


def check_all(lists: Path, suite: str) -> None:
    """Check the Release files of ``suite`` in ``lists``, the folder in which apt keeps what it verified.

    KitError FQ-MIRROR as check(), or if there is none.
    """
    names = ("InRelease", "Release")
    found = [path for name in names for path in sorted(lists.glob(f"*_dists_{suite}_{name}"))]
    if not found:
        what = f"apt has no package list of {suite}"
        raise KitError("FQ-MIRROR", what, "use another mirror in /etc/apt")
    for path in found:
        text = path.read_bytes().decode(errors="replace")
        check(suite, text, signed_inline=path.name.endswith("_InRelease"))


def check(suite: str, release: str, *, signed_inline: bool = False) -> None:
    """Compare ``release``, the text of a suite's Release file, with the newest that was seen.

    With ``signed_inline`` it is an InRelease file, of which only the signed part counts. KitError FQ-MIRROR
    if it is the list of another suite, if it has no date, one in the future, or one that is more than LAG
    older; else its date is kept if it is newer.
    """
    place = cache.directory() / "package-lists.json"
    fields = _fields(_signed_part(release) if signed_inline else release)
    _check_name(suite, fields)
    date = _date(suite, fields)
    if date > _now() + FUTURE:
        what = f"the package list of {suite} is of {date:%Y-%m-%d}, which is in the future"
        raise KitError("FQ-MIRROR", what, "set this machine's clock, or use another mirror in /etc/apt")
    busy = KitError("FQ-BUSY", f"{place} is in use", "run it again")
    waiting = f"Another process has {place}: waiting."
    descriptor = file_lock.hold(place.with_suffix(".lock"), busy, _PATIENCE, waiting)
    try:
        _compare(place, suite, date)
    finally:
        os.close(descriptor)


def _compare(place: Path, suite: str, date: datetime.datetime) -> None:
    seen = _read(place)
    newest = datetime.datetime.fromisoformat(seen[suite]) if suite in seen else date
    if date < newest - LAG:
        what = f"the package list of {suite} is of {date:%Y-%m-%d}, one of {newest:%Y-%m-%d} was seen before"
        remedy = f"use a mirror that is up to date; if the old one is meant: rm {place}"
        raise KitError("FQ-MIRROR", what, remedy)
    seen[suite] = max(date, newest).isoformat()
    atomic_file.write_text(place, json.dumps(seen, indent=1) + "\n")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _signed_part(text: str) -> str:
    """Return the signed text of a clear-signed message; nothing if there is none at its beginning.

    The armor headers before its first empty line are not signed, and neither is what follows the signature
    (RFC 9580, 7.1). Lines end at line feeds only, as for apt and gpgv.
    """
    lines = iter(text.split("\n"))
    if next(lines).rstrip(_BLANK) != _BEGIN:
        return ""
    for line in lines:
        if not line.rstrip(_BLANK):
            break
    signed = itertools.takewhile(lambda line: not line.startswith("-----"), lines)
    return "\n".join(line.removeprefix("- ") for line in signed)


def _read(place: Path) -> dict[str, str]:
    """Return the newest dates by suite; those in the future, of a wrong clock or list, do not count."""
    try:
        found = json.loads(place.read_text())
        dates = {str(suite): datetime.datetime.fromisoformat(date) for suite, date in found.items()}
        return {suite: date.isoformat() for suite, date in dates.items() if date <= _now() + FUTURE}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _fields(release: str) -> dict[str, str]:
    """Return the fields of one line; of those with the same name the first."""
    found: dict[str, str] = {}
    for line in release.split("\n"):
        name, _, value = line.partition(":")
        found.setdefault(name, value.strip())
    return found


def _check_name(suite: str, fields: dict[str, str]) -> None:
    """Refuse the list of another suite: it is signed too, and apt only warns."""
    names = {fields[name] for name in ("Suite", "Codename") if name in fields}
    if suite not in names:
        what = (
            f"the package list of {suite} is that of {' or '.join(sorted(names)) or 'a suite without a name'}"
        )
        raise KitError("FQ-MIRROR", what, "use another mirror in /etc/apt")


def _date(suite: str, fields: dict[str, str]) -> datetime.datetime:
    try:
        date = parsedate_to_datetime(fields["Date"])
    except (KeyError, ValueError) as error:
        what = f"the package list of {suite} has no date"
        raise KitError("FQ-MIRROR", what, "use another mirror in /etc/apt") from error
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
