# SPDX-License-Identifier: MIT
"""Debian packages for the target, through an apt configuration of the kit's own.

The user's apt says which mirrors to ask, through which proxy, and whom to trust; its
package lists and its state are only read. Suites and architectures are the kit's choice.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.host.progress import say
from devkit.image.debian import list_dates

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: The target's release; its i386 packages run on a Pentium III.
RELEASE = "bookworm"
#: Suites that are used where the user's apt has a mirror of them, in this order.
SUITES = (RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security", f"{RELEASE}-backports")
#: Where newer kernels are looked for, at the release's mirror: names that move on with Debian.
NEWER_SUITES = ("stable-backports", "testing", "unstable", "experimental")
#: Where sources are looked for beside the release's own: none of them changes what it has, but for the last.
SOURCE_SUITES = ("stable", "oldoldstable", "testing", "unstable")
_FORMAT = "$(REPO_URI)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)"


@dataclass(frozen=True)
class Source:
    """One suite at one mirror: its packages for one Debian architecture, or the sources of all."""

    uri: str
    suite: str
    architecture: str
    kind: str = "deb"

    @property
    def line(self) -> str:
        """As sources.list has it."""
        # No check-valid-until=no: a list that has run out is refused, unless the user's own apt takes it.
        options = f"arch={self.architecture} signed-by={KEYRING}"
        return f"{self.kind} [{options}] {self.uri} {self.suite} main"


def mirrors(index_targets: str) -> dict[str, str]:
    """Mirror of each suite: the first that ``index_targets`` has for Debian's main component.

    ``index_targets``: lines ``URI|codename|component|origin``, from apt-get indextargets.
    """
    found: dict[str, str] = {}
    for line in index_targets.splitlines():
        uri, codename, component, origin = line.split("|")
        if origin == "Debian" and component == "main" and codename in SUITES:
            found.setdefault(codename, uri)
    return {suite: found[suite] for suite in SUITES if suite in found}


def user_mirrors() -> dict[str, str]:
    """Mirrors of the user's apt by suite; KitError FQ-APT where it has none for the release."""
    argv = ["apt-get", "indextargets", "--format", _FORMAT, "Created-By: Packages"]
    found = mirrors(run_command.run(argv, env=_environment()))
    if RELEASE not in found:
        raise KitError(
            "FQ-APT",
            f"apt knows no mirror of Debian {RELEASE}",
            f"have {RELEASE} main in /etc/apt/sources.list, run apt-get update",
        )
    return found


@dataclass(frozen=True)
class Apt:
    """An apt of the kit's own for one architecture; its state lies in ``directory``, absolute.

    ``more_suites`` are taken from the mirror of the release, where it has them. ``kind`` is deb, for
    packages, or deb-src, for their sources.
    """

    directory: Path
    architecture: str
    log: Path = field(default=LOGS / "apt.log")
    more_suites: tuple[str, ...] = ()
    kind: str = "deb"

    @property
    def acquire_settings(self) -> Path:
        """How the user's apt reaches its mirrors, for mmdebstrap's --aptopt."""
        return self.directory / "acquire.conf"

    def update(self) -> list[Source]:
        """Fetch the package lists; returns the sources that could be used.

        A suite that cannot be had now (a mirror in the middle of its update) is left out and
        named. Without the release itself: KitError FQ-MIRROR.
        """
        self._write_configuration()
        usable = []
        found = user_mirrors()
        for suite, uri in (found | dict.fromkeys(self.more_suites, found[RELEASE])).items():
            source = Source(uri, suite, self.architecture, self.kind)
            error = self._fetch(source)
            if error is None:
                usable.append(source)
            elif suite == RELEASE:
                raise self._no_release(uri, error)
            else:
                reason = (
                    error.what if error.code == "FQ-MIRROR" else "its package list cannot be had just now"
                )
                say(f"  {suite} ({self.architecture}) left out: {reason}")
        self._sources.write_text("".join(f"{source.line}\n" for source in usable))
        return usable

    def _no_release(self, uri: str, error: KitError) -> KitError:
        if error.code == "FQ-MIRROR":
            return error
        what = f"the {self.architecture} package list of {RELEASE} cannot be had from {uri}"
        remedy = "check the network and the mirror in /etc/apt, then run this again"
        return KitError("FQ-MIRROR", what, remedy, log=self.log, lines=error.lines)

    def candidate(self, package: str) -> str | None:
        """Version that would be downloaded; None where no suite has the package."""
        shown = self._run("apt-cache", "policy", package)
        versions = [line.split()[1] for line in shown.splitlines() if line.startswith("  Candidate:")]
        return None if not versions or versions[0] == "(none)" else versions[0]

    def names(self, prefix: str) -> list[str]:
        """Names of the packages that begin with ``prefix``."""
        return self._run("apt-cache", "pkgnames", prefix).split()

    def download(self, packages: list[str], into: Path) -> list[Path]:
        """Download packages, without what they depend on; apt checks their hashes."""
        into.mkdir(parents=True, exist_ok=True)
        before = set(into.glob("*.deb"))
        names = [f"{package}:{self.architecture}" for package in packages]
        self._run("apt-get", "-q", "download", *names, cwd=into, log=self.log)
        return sorted(set(into.glob("*.deb")) - before)

    def download_whole(self, packages: list[str], suite: str) -> list[Path]:
        """Download packages of ``suite``, and all that they depend on, from the release if need be.

        For suites that apt takes nothing from unless it is told to, such as backports.
        """
        words = ["--no-install-recommends", "--download-only", "--target-release", suite, "install"]
        self._run("apt-get", "-q", "-y", *words, *packages, log=self.log)
        return sorted((self.directory / "cache/archives").glob("*.deb"))

    def source_versions(self, package: str) -> list[str]:
        """Versions of a source package, those of the suites that come first in front."""
        shown = self._run("apt-cache", "madison", package)
        rows = [line.split("|") for line in shown.splitlines()]
        suites = [line.split()[-2] for line in self._sources.read_text().splitlines()]
        found = [(row[2].split()[1].partition("/")[0], row[1].strip()) for row in rows]
        found.sort(key=lambda one: suites.index(one[0]))
        return list(dict.fromkeys(version for _, version in found))

    def download_source(self, package: str, version: str, into: Path) -> Path:
        """Download the archive of a source package as its authors released it; apt checks its hash."""
        into.mkdir(parents=True, exist_ok=True)
        before = set(into.iterdir())
        words = ["source", "-q", "--download-only", "--tar-only", f"{package}={version}"]
        self._run("apt-get", *words, cwd=into, log=self.log)
        (archive,) = [path for path in set(into.iterdir()) - before if ".orig.tar." in path.name]
        return archive

    @property
    def _sources(self) -> Path:
        return self.directory / "sources.list"

    def _fetch(self, source: Source) -> KitError | None:
        """Update one suite by itself, so that a broken one cannot take the others along."""
        only = self.directory / f"{source.suite}.list"
        only.write_text(f"{source.line}\n")
        options = [
            f"Dir::Etc::SourceList={only}",
            "APT::Get::List-Cleanup=false",
            "APT::Update::Error-Mode=any",
        ]
        try:
            words = [word for option in options for word in ("-o", option)]
            self._run("apt-get", "-q", *words, "update", log=self.log)
            list_dates.check_all(self.directory / "state/lists", source.suite)
        except KitError as error:
            if error.code == "FQ-BUSY":  # nothing is known about the list: it is not to be left out for that
                raise
            return error
        return None

    def _run(self, *argv: str, cwd: Path = run_command.NOWHERE, log: Path | None = None) -> str:
        environment = {**_environment(), "APT_CONFIG": str(self._configuration)}
        return run_command.run(
            argv, cwd=cwd, log=log, env=environment, remedy="check the network and the mirror"
        )

    @property
    def _configuration(self) -> Path:
        return self.directory / "apt.conf"

    def _write_configuration(self) -> None:
        here = self.directory
        for folder in ("state/lists/partial", "cache/archives/partial", "empty"):
            (here / folder).mkdir(parents=True, exist_ok=True)
        (here / "status").touch()
        self.acquire_settings.write_text("\n".join(_user_settings()) + "\n")
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            # The cache lies in the user's home, which apt's own user cannot read.
            "APT::Sandbox::User": "root",
            "Dir::State": here / "state",
            "Dir::State::status": here / "status",
            "Dir::Cache": here / "cache",
            "Dir::Etc::SourceList": self._sources,
            "Dir::Etc::SourceParts": here / "empty",
            "Dir::Etc::Parts": here / "empty",
            "Dir::Etc::Main": "/dev/null",
        }
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        self._configuration.write_text("\n".join([*_user_settings(), *lines]) + "\n")


def versions(archives: Iterable[str]) -> dict[str, str]:
    """Versions by package name, from names of archives (``package_version_architecture.deb``)."""
    split = (unquote(name).split("_") for name in sorted(archives))
    return {parts[0]: parts[1] for parts in split}


@functools.cache
def _user_settings() -> list[str]:
    """How the user's apt reaches its mirrors: proxies, certificates, date checks."""
    dump = run_command.run(["apt-config", "dump"], env=_environment())
    return [line for line in dump.splitlines() if line.startswith("Acquire::")]


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
