# SPDX-License-Identifier: MIT
"""Programs that run parts of the compatibility library here, a line of input at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import sanitized

PROJECT = Path(__file__).parents[3]


def build(program: Path, *sources: Path) -> Path:
    """Compile ``sources`` for this machine, with checks of addresses, leaks and undefined behaviour."""
    return sanitized.compile_program(program, sources)


def run_scenario(calls: Path, scenario: str) -> list[str]:
    """Return the lines that a scenario of compat_calls.c printed."""
    done = subprocess.run([calls, scenario], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


class Program:
    """One that runs, and answers each line by one."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ask(self, line: str) -> str:
        """Return the answer to a line; it must have one."""
        process = self._process
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, process.stderr.read()
        return answer[:-1]

    def end(self) -> None:
        """Have it end; nothing may be wrong with its memory then."""
        _, complaints = self._process.communicate()
        assert self._process.returncode == 0, complaints


def ask(program: Path, lines: Sequence[str]) -> list[str]:
    """Start a program, and return its answers to ``lines``."""
    running = Program(program)
    answers = [running.ask(line) for line in lines]
    running.end()
    return answers
