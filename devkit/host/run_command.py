# SPDX-License-Identifier: MIT
"""Run the tools of the host: output to a log, failure to an error with its last lines."""

from __future__ import annotations

import ctypes
import functools
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit.host.errors import KitError
from devkit.host.terminal_text import shortened

TAIL_LINES = 25
#: Where tools run that are given no directory. Many read settings from their working directory, which may be
#: anybody's where the user stands: git those of a repository there, which can name commands.
NOWHERE = Path("/")
#: Where the last lines of a log or a text are looked for (bytes or characters at its end).
TAIL_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Between fork and exec: have the kernel kill this process when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def need(tool: str, package: str) -> str:
    """Path of a host tool; KitError naming the Debian package where it is missing."""
    path = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise KitError("FQ-TOOL", f"{tool} is not installed", f"apt-get install {package}")
    return path


def python(*words: str | Path) -> list[str]:
    """Return the command line of this Python that loads no module from the working directory (-P)."""
    return [sys.executable, "-P", *map(str, words)]


def run(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    cwd: Path = NOWHERE,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    remedy: str = "read the log above",
) -> str:
    """Run ``argv`` to its end and return its standard output (with a log: the empty string).

    With ``log`` both streams are appended to that file, after the command itself.
    It runs in ``cwd``, by default not where the user stands: paths in ``argv`` are absolute.
    A status other than 0, a missing program or a timeout (seconds) raises KitError.
    """
    words = [str(word) for word in argv]
    shown = shlex.join(words)
    try:
        if log is None:
            return _captured(words, cwd, env, timeout)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            sink.write(f"$ {shown}\n".encode())
            sink.flush()
            subprocess.run(
                words, cwd=cwd, env=env, timeout=timeout, check=True, stdin=subprocess.DEVNULL,
                stdout=sink, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
            )  # fmt: skip
        return ""
    except FileNotFoundError as error:
        raise KitError("FQ-TOOL", f"{words[0]} is not installed", "run ./inv doctor") from error
    except subprocess.TimeoutExpired as error:
        what = f"no end after {timeout} s: {shown}"
        raise KitError("FQ-COMMAND", what, remedy, log=log, lines=tail(log)) from error
    except subprocess.CalledProcessError as error:
        lines = tail(log) if log else last_lines(error.stderr or "")
        what = f"exit status {error.returncode}: {shown}"
        raise KitError("FQ-COMMAND", what, remedy, log=log, lines=lines) from error


def compile_with(argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str], work: Path) -> None:
    """Run a make of ours as ``run`` does; its KitError shows the compiler's errors.

    Paths in them begin below ``work``, the folder that the sources were copied to.

    It runs in a process namespace where one can be had: when the kit dies, by SIGKILL too, all
    below ``argv`` dies with it. A make that is killed alone leaves its sub-makes building on.
    """
    start = log.stat().st_size if log.exists() else 0
    try:
        run([*_process_namespace(), *argv], log=log, env=env, remedy="mend what the compiler says")
    except KitError as error:
        with log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode(errors="replace").splitlines()
        error.lines = [line.replace(f"{work}/", "") for line in _compiler_errors(lines)] or error.lines
        raise


def _compiler_errors(lines: Sequence[str]) -> list[str]:
    """Lines in which a compiler, linker or modpost complains, the first ``TAIL_LINES``."""
    words = (" error: ", "ERROR: ", "undefined reference")
    found = (line for line in lines if any(word in line for word in words))
    return [line for line in found if not line.startswith("$ ")][:TAIL_LINES]


@functools.cache
def _process_namespace() -> tuple[str, ...]:
    user = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    prefix = ("unshare", *user, "--pid", "--fork", "--kill-child")
    try:
        run([*prefix, "true"], timeout=10)
    except KitError:
        return ()
    return (*prefix, "--")


def _captured(words: list[str], cwd: Path, env: Mapping[str, str] | None, timeout: float | None) -> str:
    done = subprocess.run(
        words, cwd=cwd, env=env, timeout=timeout, check=True, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", preexec_fn=die_with_parent,
    )  # fmt: skip
    return done.stdout


def tail(log: Path | None, count: int = TAIL_LINES) -> list[str]:
    """Return the last ``count`` lines of a log without line ends, long ones cut off; none without a file."""
    if log is None or not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return last_lines(file.read(TAIL_BYTES), count)


def last_lines(text: str | bytes | bytearray, count: int = TAIL_LINES) -> list[str]:
    """Return the last ``count`` lines of ``text``, long ones cut off; only its end is split into lines."""
    end = text[-TAIL_BYTES:]
    whole = end if isinstance(end, str) else end.decode(errors="replace")
    return [shortened(line) for line in whole.splitlines()[-count:]]
