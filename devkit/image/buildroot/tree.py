# SPDX-License-Identifier: MIT
"""Buildroot's own tree: one that is there, else a clone of the pinned release."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from devkit.host import atomic_file, cache, private_dir, run_command
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, OUT, PROJECT, cache_dir
from devkit.host.progress import say, stage

#: The release that configs/ are for. A tag can be moved, so the commit is pinned too.
TAG = "2026.02.3"
COMMIT = "679b9ead7620bbf193620d1ebf56f53c1764d37a"
UPSTREAM = "https://gitlab.com/buildroot.org/buildroot.git"
VARIABLE = "BUILDROOT"
#: Seconds that upstream has for its first answer.
PATIENCE = 20


@dataclass(frozen=True)
class TreeLookup:
    """A tree and how it was found, in a few words; without a tree, why there is none."""

    tree: Path | None
    reason: str


def is_tree(path: Path) -> bool:
    """Whether ``path`` is a Buildroot tree."""
    return (path / "Config.in").exists() and (path / "support/kconfig").is_dir()


def version(tree: Path) -> str:
    """Release of a tree, as its Makefile has it."""
    for line in (tree / "Makefile").read_text().splitlines():
        name, _, value = line.partition(" := ")
        if name == "export BR2_VERSION":
            return value.strip()
    raise KitError("FQ-BUILDROOT", f"{tree} has no version", "take a checkout of Buildroot")


def find(directory: str = "") -> TreeLookup:
    """The tree at ``directory``, at $BUILDROOT, built with before, in the cache, or cloned into it.

    KitError FQ-BUILDROOT where a place that was named is no tree of the pinned release, or none is to be had.
    """
    why_not = _no_place()
    if why_not:
        raise KitError("FQ-BUILDROOT", why_not, "a checkout elsewhere (XDG_CACHE_HOME), or --base=debian")
    found = _there(directory)
    if found:
        return found
    if not _answers():
        what = f"there is no Buildroot tree, and {UPSTREAM} does not answer"
        raise KitError("FQ-BUILDROOT", what, f"--buildroot=DIR with a checkout of {TAG}, or --base=debian")
    return _cloned(_in_cache())


def find_optional(directory: str = "") -> TreeLookup:
    """As ``find``, for one who has another base: no tree, and why, where none is to be had.

    Upstream is asked once for a cache: a base that changed with the weather of the network would turn a build
    of seconds into one from source. KitError FQ-BUILDROOT as ``find`` where a place was named.
    """
    why_not = _no_place()
    if why_not:
        return TreeLookup(None, why_not)
    found = _there(directory)
    if found:
        return found
    silent = _in_cache().parent / "upstream-silent"
    if silent.exists():
        return TreeLookup(
            None, f"Buildroot's upstream {silent.read_text().strip()}; --base=buildroot asks again"
        )
    if not _answers():
        silent.parent.mkdir(parents=True, exist_ok=True)
        silent.write_text(f"did not answer on {time.strftime('%Y-%m-%d')}\n")
        return TreeLookup(None, "there is no Buildroot tree, and its upstream does not answer")
    try:
        return _cloned(_in_cache())
    except KitError as error:
        return TreeLookup(None, f"Buildroot could not be cloned: {error.what}")


def _no_place() -> str:
    """Why Buildroot cannot build here; nothing where it can. To make a space ends a name."""
    for path in (PROJECT, cache_dir()):
        if _has_space(path):
            return f"Buildroot cannot build where a folder has a space in its name: {path}"
    return ""


def _has_space(path: Path) -> bool:
    return any(letter.isspace() for letter in str(path))


def _there(directory: str) -> TreeLookup | None:
    for name, place in (("--buildroot", directory), (f"${VARIABLE}", os.environ.get(VARIABLE, ""))):
        if place:
            return TreeLookup(_checked(Path(place).expanduser().resolve(), name), f"{TAG} of {name}")
    remembered = _remembered()
    if remembered:
        return TreeLookup(remembered, f"{TAG} of {remembered}, built with before")
    if is_tree(_in_cache()):
        return TreeLookup(_in_cache(), f"{TAG} of the cache")
    return None


def _memory() -> Path:
    return OUT / "buildroot/tree"


def remember(tree: Path) -> None:
    """So that boot, test and bench find the tree that was built with."""
    _memory().parent.mkdir(parents=True, exist_ok=True)
    atomic_file.write_text(_memory(), f"{tree}\n")


def _remembered() -> Path | None:
    """Return the tree that was built with before, if it is still one of the release.

    Its makefiles are run although nobody names it now. So it is forgotten, and that is said, if another user
    could have changed it or put it there.
    """
    if not _memory().exists():
        return None
    found = Path(_memory().read_text().strip())
    try:
        private_dir.check_tree(found)
    except PermissionError as error:
        say(f"  {found} is not used again: {error.filename} {error.strerror}; --buildroot={found} takes it")
        _memory().unlink()
        return None
    except OSError:
        return None
    if not is_tree(found) or version(found) != TAG:
        return None
    _tell_commit(found)
    return found


def _in_cache() -> Path:
    return cache.directory() / "buildroot" / f"{TAG}-{COMMIT[:12]}"


def _checked(tree: Path, name: str) -> Path:
    """``tree`` itself; its release has to be the pinned one, its commit where git tells it."""
    if not is_tree(tree):
        raise KitError("FQ-BUILDROOT", f"{tree} ({name}) is no Buildroot tree", "name a checkout", status=2)
    if _has_space(tree):
        what = f"{tree} ({name}) has a space in its name, which Buildroot does not take"
        raise KitError("FQ-BUILDROOT", what, "move it", status=2)
    if version(tree) != TAG:
        remedy = f"git -C {tree} checkout {TAG}"
        raise KitError("FQ-BUILDROOT", f"{tree} is Buildroot {version(tree)}, not {TAG}", remedy, status=2)
    _tell_commit(tree)
    return tree


def _tell_commit(tree: Path) -> None:
    found = commit(tree)
    if found not in {None, COMMIT}:
        say(f"  {tree} is at {found and found[:12]}, not at {TAG}'s commit: the build may differ")


def commit(tree: Path) -> str | None:
    """Commit of a tree; None where it came without git."""
    if not (tree / ".git").exists():
        return None
    return run_command.run(["git", "-C", tree, "rev-parse", "HEAD"]).strip()


def _cloned(place: Path) -> TreeLookup:
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{place.name}.work")
    cache.remove_tree(work)
    log = LOGS / "buildroot-clone.log"
    with stage(f"buildroot: clone {TAG}", log):
        words = ["clone", "--quiet", "--no-checkout", "--depth", "1", "--branch", TAG, UPSTREAM, str(work)]
        run_command.run(["git", "-c", "advice.detachedHead=false", *words], log=log, env=_environment())
        if commit(work) != COMMIT:
            cache.remove_tree(work)
            what = f"upstream's tag {TAG} is not the commit {COMMIT[:12]} any more"
            raise KitError("FQ-BUILDROOT", what, "look what happened to it, then change the pin", log=log)
        words = ["checkout", "--quiet", "--detach", COMMIT]
        run_command.run(["git", "-C", str(work), *words], log=log, env=_environment())
        work.rename(place)
    return TreeLookup(place, f"{TAG}, cloned")


def _answers() -> bool:
    """Whether upstream has the tag, asked for a few seconds only."""
    try:
        words = ["git", "ls-remote", "--tags", UPSTREAM, f"refs/tags/{TAG}"]
        return TAG in run_command.run(words, timeout=PATIENCE, env=_environment())
    except KitError:
        return False


def _environment() -> dict[str, str]:
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
