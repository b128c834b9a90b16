# SPDX-License-Identifier: MIT
"""Buildroot's make: its surroundings, and its progress package by package."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import say
from devkit.image.kernel import build_environment, jobs

#: Steps after which a package has brought what it is for.
_INSTALLS = ("install",)
#: Seconds between looks into Buildroot's own log.
_PAUSE = 0.5
#: What make says of a package's download that failed; the package's folder is its name and version.
_NOT_DOWNLOADED = re.compile(r"/build/([^/]+)/\.stamp_downloaded\] Error")
_PASSED_ON = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "TERM")


@dataclass(frozen=True)
class Place:
    """Where Buildroot works: its tree, the folder that it builds in (O), the log."""

    tree: Path
    output: Path
    log: Path = LOGS / "buildroot.log"


def downloads() -> Path:
    """Folder of the archives, for all builds of this user."""
    return cache.directory() / "buildroot-dl"


def environment() -> dict[str, str]:
    """Environment of Buildroot: nothing of the user's but proxies; shims of Python on PATH confuse it."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    kept = {name: value for name, value in build_environment().items() if not name.startswith("KBUILD")}
    return {**passed, **kept, "BR2_DL_DIR": str(downloads())}


def words(place: Place, *targets: str) -> list[str | Path]:
    """Command line of make; one that is given O and BR2_EXTERNAL once remembers them in O."""
    external = f"BR2_EXTERNAL={PROJECT / 'br2-external'}"
    level = f"BR2_JLEVEL={jobs().removeprefix('-j')}"
    return [
        run_command.need("make", "make"),
        "-C",
        place.tree,
        f"O={place.output}",
        external,
        level,
        *targets,
    ]


def run(place: Place, *targets: str) -> None:
    """Run make to its end; KitError FQ-COMMAND with the log's last lines."""
    place.output.mkdir(parents=True, exist_ok=True)
    run_command.run(words(place, *targets), log=place.log, env=environment(), remedy="read the log")


def build(place: Place, *targets: str) -> None:
    """As ``run``, with a line for each package that is done, and the compiler's errors where one fails.

    KitError FQ-SOURCE names a package whose archive cannot be had.
    """
    with _told(place.output / "build/build-time.log"):
        try:
            run_command.compile_with(
                words(place, *targets), log=place.log, env=environment(), work=place.output
            )
        except KitError as error:
            _tell_download(error, place.log)
            raise


def _tell_download(error: KitError, log: Path) -> None:
    """Raise FQ-SOURCE where the build ended for want of an archive."""
    lines = run_command.tail(log)
    found = _NOT_DOWNLOADED.search("\n".join(lines))
    if found:
        what = f"the archive of {found[1]} cannot be had, or is another than Buildroot knows"
        remedy = "--sources=debian takes Debian's archives, --sources=DIR a folder's (docs/buildroot.md)"
        raise KitError("FQ-SOURCE", what, remedy, log=log, lines=error.lines) from error


@dataclass
class MakeProgress:
    """Reads Buildroot's log of steps and tells which packages are done, each once, with its seconds."""

    _spent: dict[str, float] = field(default_factory=dict)
    _begun: dict[tuple[str, str], float] = field(default_factory=dict)
    _installed: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    def read(self, lines: Iterable[str]) -> Iterator[tuple[str, float]]:
        """Packages that ``lines`` show to be done: one that is installed, once another one begins."""
        for line in lines:
            parts = [part.strip() for part in line.split(":")]
            if len(parts) != 4:
                continue
            moment, edge, step, package = float(parts[0]), parts[1], parts[2], parts[3]
            if edge == "start":
                yield from self.rest(but=package)
                self._begun[package, step] = moment
            elif (package, step) in self._begun:
                spent = moment - self._begun.pop((package, step))
                self._spent[package] = self._spent.get(package, 0.0) + spent
                if step.startswith(_INSTALLS):
                    self._installed.add(package)

    def rest(self, but: str = "") -> Iterator[tuple[str, float]]:
        """Packages that are installed and not told yet, other than ``but``."""
        for package in sorted(self._installed - self._told - {but}):
            self._told.add(package)
            yield package, self._spent[package]


@contextmanager
def _told(log: Path) -> Iterator[None]:
    """Tell the packages that are done while the body runs."""
    offset = log.stat().st_size if log.exists() else 0
    done = threading.Event()
    progress = MakeProgress()

    def follow() -> None:
        position, rest = offset, ""
        while True:
            last = done.wait(_PAUSE)
            if log.exists():
                with log.open() as file:
                    file.seek(position)
                    text = rest + file.read()
                    position = file.tell()
                *lines, rest = text.split("\n")
                for package, seconds in progress.read(lines):
                    say(f"  {package}  {seconds:.0f} s")
            if last:
                break
        for package, seconds in progress.rest():
            say(f"  {package}  {seconds:.0f} s")

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
