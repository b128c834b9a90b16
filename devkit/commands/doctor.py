# SPDX-License-Identifier: MIT
"""What the host has and lacks for the kit, each lack with its remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from devkit.host import run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT, cache_dir
from devkit.host.progress import console, say
from devkit.image.debian import apt

PACKAGES = PROJECT / "devkit/host/packages.txt"
#: What a kernel build needs while it runs, in bytes.
ROOM = 5 * 10**9


@dataclass(frozen=True)
class Finding:
    """Result of one check; what is only ``wanted`` does not fail the doctor."""

    name: str
    fine: bool
    detail: str
    remedy: str = ""
    wanted: bool = False


@dataclass(frozen=True)
class HostPackage:
    """A line of packages.txt; ``tool`` is None where the package brings no command."""

    name: str
    tool: str | None
    purpose: str


def host_packages(text: str) -> list[HostPackage]:
    """Packages that the host needs, from the text of packages.txt."""
    lines = (line.split(None, 2) for line in text.splitlines() if line and not line.startswith("#"))
    return [HostPackage(name, None if tool == "-" else tool, purpose) for name, tool, purpose in lines]


def check_distribution(os_release: str) -> Finding:
    """Debian 12, from the text of os-release."""
    entries = (line.partition("=") for line in os_release.splitlines())
    facts = {name: value.strip('"') for name, _, value in entries}
    name = facts.get("PRETTY_NAME", "unknown system")
    fine = (facts.get("ID"), facts.get("VERSION_ID")) == ("debian", "12")
    return Finding(
        "distribution", fine, name, "use Debian 12 (bookworm), in a container or a virtual machine"
    )


def check_packages(needed: Iterable[HostPackage], installed: Iterable[str]) -> list[Finding]:
    """One finding for each package of ``needed`` that is not in ``installed``, or one that all are."""
    have = set(installed)
    needed = list(needed)
    missing = [package for package in needed if package.name not in have]
    if not missing:
        return [Finding("packages", True, f"all {len(needed)} are installed")]
    return [
        Finding(
            f"package {package.name}",
            False,
            f"missing: {package.purpose}",
            f"apt-get install --no-install-recommends {package.name}",
        )
        for package in missing
    ]


def check_multilib(installed: Iterable[str]) -> list[Finding]:
    """FQ-MULTILIB: gcc-multilib keeps gcc-i686-linux-gnu from being installed."""
    have = set(installed)
    if "gcc-multilib" not in have or "gcc-i686-linux-gnu" in have:
        return []
    detail = "gcc-multilib is installed, Debian allows no gcc-i686-linux-gnu beside it (FQ-MULTILIB)"
    return [Finding("compiler", False, detail, "apt-get remove gcc-multilib")]


def check_tools(needed: Iterable[HostPackage], find: Callable[[str], str | None]) -> list[Finding]:
    """Tools that ``find`` does not find though their package may be installed: a PATH without them."""
    return [
        Finding(f"tool {package.tool}", False, "not on PATH", f"apt-get install --reinstall {package.name}")
        for package in needed
        if package.tool is not None and find(package.tool) is None
    ]


def check_machine(machine: str) -> Finding:
    """The kernel is built with the host's own compiler for x86."""
    return Finding("machine", machine == "x86_64", machine, "use an amd64 (x86_64) machine")


def check_room(free: int) -> Finding:
    """Room in the cache's file system, ``free`` in bytes."""
    detail = f"{free / 1e9:.1f} GB free for {cache_dir()}"
    return Finding("disk", free >= ROOM, detail, f"free {ROOM / 1e9:.0f} GB there, or set XDG_CACHE_HOME")


def check_kvm() -> Finding:
    """Nice to have: the kvm profile."""
    fine = os.access("/dev/kvm", os.R_OK | os.W_OK)
    detail = "usable" if fine else "not usable: the target runs in TCG, all profiles but kvm work"
    return Finding("/dev/kvm", fine, detail, "add yourself to the group kvm", wanted=True)


def check_flash_tests(access: Callable[[str], bool]) -> Finding:
    """Nice to have: what the tests of flash need to make devices of files, faulty ones too."""
    missing = [path for path in ("/dev/loop-control", "/dev/fuse") if not access(path)]
    detail = f"not usable: {', '.join(missing)}" if missing else "/dev/loop-control, /dev/fuse usable"
    remedy = "run as root, with modprobe loop fuse; in a container: --privileged"
    return Finding("flash tests", not missing, detail, remedy, wanted=True)


def check_tun() -> Finding:
    """Taps connect QEMU to the bridges of a lab."""
    fine = os.access("/dev/net/tun", os.R_OK | os.W_OK)
    detail = "usable" if fine else "missing, or not to be opened by you (FQ-TUN)"
    return Finding("/dev/net/tun", fine, detail, "modprobe tun; in a container: --device /dev/net/tun")


def check_namespaces() -> Finding:
    """Labs live in namespaces of their own; without root inside a user namespace."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    argv = ["unshare", *user, "--net", "--mount", "--pid", "--fork", "true"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
        complaint = "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        complaint = str(error)
    remedy = "sysctl kernel.unprivileged_userns_clone=1, or run as root; in a container: --privileged"
    return Finding("namespaces", not complaint, complaint or "can be made", remedy)


def check_mirror() -> Finding:
    """The user's apt says where Debian's packages come from."""
    try:
        mirrors = apt.user_mirrors()
    except KitError as error:
        return Finding("mirror", False, error.what, error.remedy)
    return Finding("mirror", True, ", ".join(mirrors))


def installed_packages() -> set[str]:
    """Names of the Debian packages on this host."""
    try:
        shown = run_command.run(["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\\n"])
    except KitError:
        return set()
    return {
        name
        for status, _, name in (line.partition(" ") for line in shown.splitlines())
        if status == "installed"
    }


def examine() -> list[Finding]:
    """All checks on this host."""
    needed = host_packages(PACKAGES.read_text())
    installed = installed_packages()
    release = Path("/etc/os-release")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    place = next(folder for folder in (cache_dir(), *cache_dir().parents) if folder.is_dir())
    return [
        check_distribution(release.read_text() if release.exists() else ""),
        check_machine(os.uname().machine),
        *check_packages(needed, installed),
        *check_multilib(installed),
        *check_tools((p for p in needed if p.name in installed), lambda tool: shutil.which(tool, path=path)),
        check_mirror(),
        check_room(shutil.disk_usage(place).free),
        check_namespaces(),
        check_tun(),
        check_kvm(),
        check_flash_tests(lambda path: os.access(path, os.R_OK | os.W_OK)),
    ]


def doctor() -> None:
    """Show all findings; KitError FQ-DOCTOR where something needed is missing."""
    say(f"Python {sys.version.split()[0]}, cache {cache_dir()}")
    findings = examine()
    for finding in findings:
        mark = "✓" if finding.fine else "–" if finding.wanted else "✗"
        say(f"{mark} {finding.name}: {finding.detail}")
        if not finding.fine:
            say(f"    remedy: {finding.remedy}")
    failed = [finding.name for finding in findings if not finding.fine and not finding.wanted]
    if failed:
        raise KitError("FQ-DOCTOR", f"not in order: {', '.join(failed)}", "follow the remedies above")
    console.print("All that the kit needs is there.")
