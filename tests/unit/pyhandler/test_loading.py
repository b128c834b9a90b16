# SPDX-License-Identifier: MIT
"""Large rule files: limits, progress, and no more memory than rules need."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from fastqueue import loading
from fastqueue.handlers import FiveTuple
from fastqueue.rules import RulesError, parser, read_fivetuple_rules, read_payload_rules
from fastqueue.rules.payload import parse_rule

MANY = 100_000


@pytest.fixture
def implemented() -> None:
    """Run once."""


def fivetuples(number: int) -> str:
    return "".join(
        f"drop proto tcp src 10.{each >> 16}.{each >> 8 & 255}.{each & 255} dport {each % 65536}\n"
        for each in range(number)
    )


def payloads(number: int) -> str:
    """Return rules of which each hundredth needs the automaton."""
    texts = (
        f"worm-{each}.*evil.*x" if each % 100 == 0 else f"worm-{each:x}-{each * 7}" for each in range(number)
    )
    return "".join(f"drop /{text}/ first 512\n" for text in texts)


@pytest.mark.parametrize(("kind", "most"), [("fivetuple", 100), ("payload", 300)])
def test_a_hundred_thousand_rules_are_read_in_bounded_memory(kind: str, most: int, tmp_path: Path) -> None:
    """In a process of its own: so many MiB more than with an empty file."""
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.write_text("default drop")
    full.write_text(fivetuples(MANY) if kind == "fivetuple" else payloads(MANY))
    code = (
        "import resource, sys\n"
        "from fastqueue.handlers import FiveTuple, Payload\n"
        "from fastqueue.rules import read_fivetuple_rules, read_payload_rules\n"
        "kinds = {'fivetuple': (FiveTuple, read_fivetuple_rules), 'payload': (Payload, read_payload_rules)}\n"
        "handler, read = kinds[sys.argv[1]]\n"
        "rules = read(sys.argv[2])\n"
        "kept = handler(rules)\n"
        "print(len(rules.rules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    taken = []
    for file, number in ((empty, 0), (full, MANY)):
        done = subprocess.run(
            [sys.executable, "-c", code, kind, str(file)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        rules, kibibytes = map(int, done.stdout.split())
        assert rules == number
        taken.append(kibibytes)
    assert taken[1] - taken[0] < most << 10


def test_states_of_automata_are_bounded_however_many_rules_need_one() -> None:
    lines = "\n".join(f"drop /{each}(a|b)*c.{{40}}d.*e/" for each in range(600)).encode()
    rules = parser.parse_lines(parser.split_lines("f", lines), parse_rule).rules
    contents = bytes(random.Random(1).choices(b"ab", k=1500))
    tracemalloc.start()
    try:
        for number, rule in enumerate(rules):
            rule.regex.search(b"%d" % number + contents + b"cde")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 << 19  # three megabytes and more without a limit


@pytest.mark.parametrize("read", [read_fivetuple_rules, read_payload_rules])
def test_files_that_never_end_are_refused(read: Callable[[str], object]) -> None:
    with pytest.raises(
        RulesError, match=r"^/dev/zero: found a larger file, expected at most 64 MiB of rules$"
    ):
        read("/dev/zero")


def test_lines_and_numbers_of_rules_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rules"
    file.write_bytes(
        b"drop\n" + b"#" * parser.MOST_LINE_BYTES + b"\ndrop src " + b"1" * parser.MOST_LINE_BYTES
    )
    with pytest.raises(RulesError, match=r":3: found a longer line, expected at most 65536 bytes in a line$"):
        read_fivetuple_rules(file)
    monkeypatch.setattr(parser, "MOST_RULES", 10)
    file.write_text("\n" + fivetuples(11))
    with pytest.raises(RulesError, match=r":12: found another rule, expected at most 10 rules in a file$"):
        read_fivetuple_rules(file)


def test_progress_is_told_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = count(0.0, 0.4)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    file = tmp_path / "my.rules"
    file.write_text("# rules\n" + fivetuples(5500))
    with loading.Loading(str(file)) as progress:
        FiveTuple(read_fivetuple_rules(file, progress=progress))
    assert capsys.readouterr().err.splitlines() == [
        f"fastqueue: {file}: 3,000 rules read, line 3,001",
        f"fastqueue: {file}: 5,500 rules read, line 5,501",
        f"fastqueue: {file}: 5,500 rules, read in 2.8 s",
    ]


def test_small_files_are_read_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my.rules"
    file.write_text(payloads(1000))
    with loading.Loading(str(file)) as progress:
        assert len(read_payload_rules(file, progress=progress).rules) == 1000
    assert capsys.readouterr() == ("", "")
